//! What the kernel tells about the system as a whole: `uname(2)` and `statvfs(2)`, as data.

/// `uname(2)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uname {
    /// `Linux`.
    pub system: String,
    pub node: String,
    pub release: String,
    pub version: String,
    /// `x86_64`, `aarch64`, …
    pub machine: String,
}

/// `statvfs(2)` of one file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FsUsage {
    /// Preferred size of an I/O block in bytes.
    pub block_size: u64,
    /// Size in bytes of the units in which `blocks` and `blocks_available` count.
    pub fragment_size: u64,
    pub blocks: u64,
    /// Blocks free for unprivileged processes.
    pub blocks_available: u64,
    pub inodes: u64,
    /// Inodes free for unprivileged processes.
    pub inodes_available: u64,
}
