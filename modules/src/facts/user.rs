//! Facts `user`: the account that tasks run under. Needs nothing.

use super::family::Family;
use super::scene::Scene;
use super::shared::{facts, int};
use crate::contract::JsonMap;

pub const FAMILY: Family = Family::minimal("user", collect).provides(&[
    "user_id",
    "user_uid",
    "user_gid",
    "user_gecos",
    "user_dir",
    "user_shell",
    "real_user_id",
    "effective_user_id",
    "effective_group_ids",
]);

fn collect(scene: &Scene) -> JsonMap {
    let uid = real_id(scene, "Uid:").unwrap_or(scene.host.euid());
    let gid = real_id(scene, "Gid:").unwrap_or(scene.host.egid());
    // The name is what the environment says, as for Python's getpass.
    let named =
        ["LOGNAME", "USER", "LNAME", "USERNAME"].iter().find_map(|name| scene.env(name).filter(|v| !v.is_empty()));
    let account = named.as_deref().and_then(|name| scene.host.user(name)).or_else(|| scene.host.user_by_id(uid));
    let name = named.or_else(|| account.as_ref().map(|a| a.name.clone())).unwrap_or_else(|| uid.to_string());
    let mut facts = facts! { "user_id" => name };
    if let Some(account) = account {
        facts.extend(facts! {
            "user_uid" => account.uid,
            "user_gid" => account.gid,
            "user_gecos" => account.gecos,
            "user_dir" => account.home,
            "user_shell" => account.shell,
        });
    }
    // Ansible reports the real group as the effective one too.
    facts.extend(facts! {
        "real_user_id" => uid,
        "effective_user_id" => scene.host.euid(),
        "real_group_id" => gid,
        "effective_group_id" => gid,
    });
    facts
}

fn real_id(scene: &Scene, label: &str) -> Option<u32> {
    let lines = scene.lines("/proc/self/status");
    let line = lines.iter().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next().and_then(int).and_then(|id| u32::try_from(id).ok())
}
