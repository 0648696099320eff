//! Facts `ssh_pub_keys`: the host's public SSH keys. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::minimal("ssh_pub_keys", collect).provides(&[
    "ssh_host_pub_keys",
    "ssh_host_key_dsa_public",
    "ssh_host_key_rsa_public",
    "ssh_host_key_ecdsa_public",
    "ssh_host_key_ed25519_public",
]);

fn collect(scene: &Scene) -> JsonMap {
    let mut facts = JsonMap::new();
    // The first directory that has keys counts.
    for dir in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for algorithm in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let Some(text) = scene.text(format!("{dir}/ssh_host_{algorithm}_key.pub")) else { continue };
            let mut fields = text.split_whitespace();
            if let (Some(kind), Some(key)) = (fields.next(), fields.next()) {
                let name = format!("ssh_host_key_{algorithm}_public");
                facts.insert(format!("{name}_keytype"), kind.into());
                facts.insert(name, key.into());
            }
        }
        if !facts.is_empty() {
            break;
        }
    }
    facts
}
