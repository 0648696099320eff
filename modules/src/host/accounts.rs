//! Lines of `/etc/passwd` and `/etc/group`. Parsed here because a static binary must not call libc's NSS.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswdEntry {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub gecos: String,
    pub home: String,
    pub shell: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

impl PasswdEntry {
    /// One line of `/etc/passwd` or of `getent passwd`.
    pub fn parse(line: &str) -> Option<Self> {
        let mut f = line.trim_end_matches('\n').split(':');
        let (name, _) = (f.next()?, f.next()?);
        Some(PasswdEntry {
            name: name.to_owned(),
            uid: f.next()?.parse().ok()?,
            gid: f.next()?.parse().ok()?,
            gecos: f.next()?.to_owned(),
            home: f.next()?.to_owned(),
            shell: f.next().unwrap_or_default().to_owned(),
        })
    }
}

impl GroupEntry {
    /// One line of `/etc/group` or of `getent group`.
    pub fn parse(line: &str) -> Option<Self> {
        let mut f = line.trim_end_matches('\n').split(':');
        let (name, _) = (f.next()?, f.next()?);
        Some(GroupEntry {
            name: name.to_owned(),
            gid: f.next()?.parse().ok()?,
            members: f.next().unwrap_or_default().split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect(),
        })
    }
}
