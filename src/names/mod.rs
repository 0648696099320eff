//! Names as types: a host name is never taken for a group name. All are cheap to clone.

use std::borrow::Borrow;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $ty:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub struct $ty(Arc<str>);

        impl $ty {
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                $ty(name.into())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $ty {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl std::ops::Deref for $ty {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $ty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::fmt::Debug for $ty {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl From<&str> for $ty {
            fn from(name: &str) -> Self {
                $ty(name.into())
            }
        }
        impl From<String> for $ty {
            fn from(name: String) -> Self {
                $ty(name.into())
            }
        }
    };
}

name!(
    /// A host as the inventory names it.
    HostName
);
name!(
    /// A group of the inventory.
    GroupName
);
name!(
    /// A variable.
    VarName
);
name!(
    /// A module or action, fully qualified: `ansible.builtin.copy`.
    ModuleName
);
