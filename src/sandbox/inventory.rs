//! What is told about a sandbox's hosts: the inventory and the known host keys, as text. Touches nothing.

use std::fmt::Write;
use std::path::Path;

/// One host, as others reach it.
pub(super) struct Entry {
    pub name: String,
    /// TCP port on 127.0.0.1.
    pub port: u16,
    /// `ssh-ed25519 AAAA…`.
    pub host_key: String,
}

/// An INI inventory: the hosts in `all`, and how they are reached; host keys are checked against `known_hosts`.
///
/// The paths are free of blanks and quotes: `launch` chooses the directory so.
pub(super) fn text(hosts: &[Entry], client_key: &Path, known_hosts: &Path) -> String {
    let mut out = String::from("[all]\n");
    for host in hosts {
        let _ = writeln!(out, "{} ansible_port={}", host.name, host.port);
    }
    let _ = write!(
        out,
        "\n[all:vars]\n\
         ansible_host=127.0.0.1\n\
         ansible_user=root\n\
         ansible_ssh_private_key_file={}\n\
         ansible_ssh_common_args=-F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
         -o UserKnownHostsFile={} -o GlobalKnownHostsFile=/dev/null\n",
        client_key.display(),
        known_hosts.display(),
    );
    out
}

/// The lines of a `known_hosts` file for these hosts.
pub(super) fn known_hosts(hosts: &[Entry]) -> String {
    hosts.iter().fold(String::new(), |mut out, host| {
        let _ = writeln!(out, "[127.0.0.1]:{} {}", host.port, host.host_key);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Entry> {
        let entry =
            |n: u16| Entry { name: format!("host{n}"), port: 4000 + n, host_key: format!("ssh-ed25519 KEY{n}") };
        vec![entry(1), entry(2)]
    }

    #[test]
    fn inventory_names_every_host_and_checks_their_keys() {
        let text = text(&two(), Path::new("/p/client_key"), Path::new("/p/known_hosts"));
        assert_eq!(
            text,
            "[all]\nhost1 ansible_port=4001\nhost2 ansible_port=4002\n\n[all:vars]\nansible_host=127.0.0.1\n\
             ansible_user=root\nansible_ssh_private_key_file=/p/client_key\nansible_ssh_common_args=-F /dev/null \
             -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=/p/known_hosts \
             -o GlobalKnownHostsFile=/dev/null\n"
        );
    }

    #[test]
    fn known_hosts_has_a_line_per_port() {
        assert_eq!(known_hosts(&two()), "[127.0.0.1]:4001 ssh-ed25519 KEY1\n[127.0.0.1]:4002 ssh-ed25519 KEY2\n");
    }
}
