//! The file attributes that many modules share: owner, group, mode, SELinux context, attributes.

use crate::contract::{Arg, Json, Literal};
use serde::Deserialize;

/// Arguments of every module that writes files.
pub const FILE_ARGS: &[Arg] = &[
    Arg::raw("mode").doc("Permissions: octal (`'0644'`, `0644`) or symbolic (`u=rw,g=r`)."),
    Arg::str("owner").doc("Name or number of the owning user."),
    Arg::str("group").doc("Name or number of the owning group."),
    Arg::str("seuser").doc("User part of the SELinux context."),
    Arg::str("serole").doc("Role part of the SELinux context."),
    Arg::str("setype").doc("Type part of the SELinux context."),
    Arg::str("selevel").doc("Level part of the SELinux context."),
    Arg::str("attributes").aliases(&["attr"]).doc("Attributes as `chattr` takes them."),
    Arg::bool("unsafe_writes").default(Literal::Bool(false)).doc("Write in place where a rename is impossible."),
];

/// The values of [`FILE_ARGS`]; a module's `Args` takes them with `#[serde(flatten)]`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FileAttrs {
    pub mode: Option<Json>,
    pub owner: Option<String>,
    pub group: Option<String>,
    pub seuser: Option<String>,
    pub serole: Option<String>,
    pub setype: Option<String>,
    pub selevel: Option<String>,
    pub attributes: Option<String>,
    #[serde(default)]
    pub unsafe_writes: bool,
}
