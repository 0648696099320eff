//! What is a host's own in `/etc` and elsewhere: its name, addresses, keys, and what keeps its packages off the machine.

use super::{Place, below, disk, fault};
use crate::sandbox::SandboxError;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// The keys of a host, read before the machine's files are out of sight.
pub(super) struct Identity {
    host_key: String,
    client: String,
    resolv: Option<Vec<u8>>,
}

impl Identity {
    /// Reads the keys and removes the host's from the sandbox's directory.
    pub(super) fn read(place: &Place) -> Result<Identity, SandboxError> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| fault(path.display(), e));
        let key = place.directory.join(format!("{}.key", place.name));
        let host_key = read(&key)?;
        let _ = std::fs::remove_file(&key);
        let client = read(&place.directory.join("client_key.pub"))?;
        Ok(Identity { host_key, client, resolv: std::fs::read("/etc/resolv.conf").ok() })
    }
}

/// Writes them below `root`.
pub(super) fn personalise(root: &Path, place: &Place, identity: &Identity, mapped: bool) -> Result<(), SandboxError> {
    let put = |path: &str, text: &str, mode: u32| disk::file(&below(root, path), text.as_bytes(), mode);
    let name = &place.name;
    put("/etc/hostname", &format!("{name}\n"), 0o644)?;
    put(
        "/etc/hosts",
        &format!("127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost ip6-loopback\n"),
        0o644,
    )?;
    put("/etc/machine-id", &format!("{}\n", uuid::Uuid::new_v4().simple()), 0o444)?;
    // Often a link into /run, which is the host's own.
    if let Some(resolv) = &identity.resolv {
        disk::file(&below(root, "/etc/resolv.conf"), resolv, 0o644)?;
    }
    host_keys(root, identity)?;
    disk::directory(&below(root, "/root/.ssh"), 0o700)?;
    put("/root/.ssh/authorized_keys", &identity.client, 0o600)?;
    for skeleton in [".profile", ".bashrc"] {
        if let Ok(bytes) = std::fs::read(Path::new("/etc/skel").join(skeleton)) {
            disk::file(&below(root, Path::new("/root").join(skeleton)), &bytes, 0o644)?;
        }
    }
    if !mapped {
        // Debian's packages ask this before they start a service: ports are shared, so nothing starts unasked.
        put("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)?;
        // No systemd runs here: without this link services are taken for those of its init scripts, as they are.
        let _ = std::fs::remove_file(below(root, "/usr/sbin/init"));
        homes(root)?;
    }
    Ok(())
}

/// The host's SSH key where sshd has it, so that facts and packages find it; the machine's own are removed.
fn host_keys(root: &Path, identity: &Identity) -> Result<(), SandboxError> {
    let ssh = below(root, "/etc/ssh");
    disk::directory(&ssh, 0o755)?;
    for entry in std::fs::read_dir(&ssh).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let public = crate::sandbox::server::keys::public_of(&identity.host_key)?;
    disk::file(&ssh.join("ssh_host_ed25519_key"), identity.host_key.as_bytes(), 0o600)?;
    disk::file(&ssh.join("ssh_host_ed25519_key.pub"), public.as_bytes(), 0o644)
}

/// Empty home directories for the users that have one on the machine.
fn homes(root: &Path) -> Result<(), SandboxError> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    for home in users.lines().filter_map(|l| l.split(':').nth(5)).filter(|h| h.starts_with("/home/")) {
        if home.contains("..") {
            continue;
        }
        let Ok(meta) = std::fs::metadata(home) else { continue };
        let own = below(root, home);
        disk::directory(&own, meta.mode() & 0o7777)?;
        chown(&own, Some(meta.uid()), Some(meta.gid())).map_err(|e| fault(own.display(), e))?;
    }
    Ok(())
}
