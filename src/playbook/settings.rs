//! Keywords that are inherited by override: the nearest level that gives one decides.

use crate::diag::Span;
use crate::value::Value;
use std::sync::Arc;

/// A keyword's value and what it hides.
#[derive(Debug)]
pub struct Setting {
    /// As written; may be a template. Where it becomes `omit`, `outer` decides.
    pub value: Value,
    pub span: Span,
    /// The value that would hold without this one.
    pub outer: Option<Arc<Setting>>,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident = $keyword:literal),* $(,)?) => {
        /// Keywords that the nearest level decides. `None`: given nowhere; the command line or a setting decides.
        #[derive(Clone, Debug, Default)]
        pub struct Settings {
            $($(#[$doc])* pub $field: Option<Arc<Setting>>,)*
        }

        impl Settings {
            /// The keywords' names.
            pub const NAMES: &[&str] = &[$($keyword),*];

            pub fn get(&self, keyword: &str) -> Option<&Arc<Setting>> {
                match keyword {
                    $($keyword => self.$field.as_ref(),)*
                    _ => None,
                }
            }
            /// Sets a keyword; false if there is none of that name.
            pub fn set(&mut self, keyword: &str, value: Value, span: Span) -> bool {
                let setting = Some(Arc::new(Setting { value, span, outer: None }));
                match keyword {
                    $($keyword => self.$field = setting,)*
                    _ => return false,
                }
                true
            }
            pub fn is_empty(&self) -> bool {
                $(self.$field.is_none())&&*
            }
            /// These settings as seen inside a level that has `outer`.
            pub fn within(&self, outer: &Settings) -> Settings {
                Settings { $($field: within(&self.$field, &outer.$field),)* }
            }
        }
    };
}

settings! {
    connection = "connection",
    port = "port",
    remote_user = "remote_user",
    become_ = "become",
    become_user = "become_user",
    become_method = "become_method",
    become_flags = "become_flags",
    become_exe = "become_exe",
    no_log = "no_log",
    run_once = "run_once",
    ignore_errors = "ignore_errors",
    ignore_unreachable = "ignore_unreachable",
    check_mode = "check_mode",
    diff = "diff",
    any_errors_fatal = "any_errors_fatal",
    throttle = "throttle",
    /// Seconds.
    timeout = "timeout",
    debugger = "debugger",
    delegate_to = "delegate_to",
    delegate_facts = "delegate_facts",
    /// A name or a list of names.
    notify = "notify",
}

fn within(inner: &Option<Arc<Setting>>, outer: &Option<Arc<Setting>>) -> Option<Arc<Setting>> {
    match (inner, outer) {
        (None, outer) => outer.clone(),
        (Some(inner), None) => Some(inner.clone()),
        (Some(inner), Some(outer)) => Some(Arc::new(Setting {
            value: inner.value.clone(),
            span: inner.span,
            outer: within(&inner.outer, &Some(outer.clone())),
        })),
    }
}
