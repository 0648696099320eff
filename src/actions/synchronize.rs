//! `synchronize`: rsync between the controller, or the host that the task is delegated to, and the task's own host. rsync
//! makes its own connection, from what is known of how the host is reached.

use super::{ActionCall, ActionResult, find_file, module, text};
use crate::remote::{Connection, Content, SshSettings, Target, shell_quote};
use crate::value::Value;
use serde_json::json;

const MODULE: &str = "ansible.posix.synchronize";
/// Addresses of this machine, seen from itself.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let Some(entry) = tightbeam_modules::catalogue::find(MODULE) else { return module::missing(MODULE) };
    let own = call.own.unwrap_or(call.target);
    let delegated = call.own.is_some();
    let variable =
        |name: &str| call.templar.variable(name).ok().flatten().filter(|v| v.truthy()).map(|v| v.to_string());
    let name = call.host.as_str();
    let address = variable("ansible_host").unwrap_or_else(|| name.to_owned());
    let itself = delegated && [name, address.as_str()].contains(&call.target.host.as_str());
    // Where rsync runs on the host that the files go to or come from.
    let on_one_host = itself || !delegated && call.target.is_local();
    let on_delegate = delegated && (itself || !call.target.is_local());
    let runner = if on_delegate || call.target.is_local() { call.target.clone() } else { Target::local(call.host) };

    let given = |name: &str| call.args.get(name).filter(|v| !v.is_null());
    let flag = |name: &str, default: bool| given(name).and_then(Value::as_spelled_bool).unwrap_or(default);
    let (Some(src), Some(dest)) = (text(&call.args, "src"), text(&call.args, "dest")) else {
        return ActionResult::failed("synchronize requires both src and dest parameters are set");
    };
    let mut args = call.args.to_json();
    let use_ssh_args = flag("use_ssh_args", false);
    args.shift_remove("use_ssh_args");
    let rsync = variable("ansible_rsync_path").unwrap_or_else(|| "rsync".to_owned());
    args.insert("_local_rsync_path".into(), rsync.into());
    if on_one_host {
        args.insert("src".into(), here(call, src).into());
        args.insert("dest".into(), here(call, dest).into());
        return carry_out(entry, &runner, args, call).await;
    }

    let mut plain = runner;
    plain.escalation = None;
    let pull = text(&call.args, "mode") == Some("pull");
    let remote = match &*own.connection {
        Connection::Ssh(ssh) => {
            if ssh.private_key.is_some() {
                return ActionResult::failed(
                    "synchronize cannot hand a private key that is kept in a variable to rsync; name a file",
                );
            }
            let user = flag("set_remote_user", true).then(|| option(ssh, "user")).flatten();
            let defaults = [("dest_port", option(ssh, "port")), ("private_key", option(ssh, "identityfile"))];
            for (name, value) in defaults {
                if let (None, Some(value)) = (given(name), value) {
                    args.insert(name.into(), value.into());
                }
            }
            if let Some(password) = &ssh.password {
                args.insert("_local_rsync_password".into(), password.expose().into());
            }
            if use_ssh_args {
                let words = ssh.options.iter().map(|(k, v)| format!("-o {}", shell_quote(&format!("{k}={v}"))));
                args.insert("_ssh_args".into(), words.collect::<Vec<_>>().join(" ").into());
            }
            Remote { user, address }
        }
        Connection::Container(container) => {
            let mut words = vec![container.program.clone()];
            words.extend(container.extra_args.iter().cloned());
            words.push("exec".into());
            let user = own.escalation.as_ref().map(|e| e.user.clone()).or_else(|| container.user.clone());
            words.extend(user.into_iter().flat_map(|user| ["-u".to_owned(), user]));
            words.push("-i".into());
            let mut options = match given("rsync_opts") {
                Some(Value::List(items)) => items.iter().map(Value::to_string).collect(),
                Some(Value::Str(text)) => text.split(',').map(str::to_owned).collect(),
                Some(other) => vec![other.to_string()],
                None => Vec::new(),
            };
            if !options.iter().any(|o| o == "--blocking-io") {
                options.push("--blocking-io".into());
            }
            options.push(format!("--rsh={}", shell_quote(&words.join(" "))));
            args.insert("rsync_opts".into(), json!(options));
            Remote { user: None, address: container.container.clone() }
        }
        Connection::Local => {
            // The files' host is this one; a delegate has to come here by itself.
            if on_delegate {
                args.insert("_substitute_controller".into(), true.into());
            }
            Remote { user: None, address }
        }
    };
    let beside = LOOPBACK.contains(&remote.address.as_str())
        && args.get("dest_port").is_none_or(serde_json::Value::is_null)
        && !on_delegate;
    let far = |path: &str| if beside { here(call, path) } else { remote.path(path) };
    let (from, to) = if pull { (far(src), here(call, dest)) } else { (here(call, src), far(dest)) };
    args.insert("src".into(), from.into());
    args.insert("dest".into(), to.into());
    if let (None, Some(escalation), Connection::Ssh(_)) = (given("rsync_path"), &own.escalation, &*own.connection) {
        let user = &escalation.user;
        match escalation.method.name() {
            "sudo" => drop(args.insert("rsync_path".into(), format!("sudo -u {user} rsync").into())),
            other => {
                return ActionResult::failed(format!(
                    "synchronize becomes another user with sudo only, not with {other}; rsync_path may say how"
                ));
            }
        }
    }
    carry_out(entry, &plain, args, call).await
}

async fn carry_out(
    entry: &tightbeam_modules::contract::Entry,
    runner: &Target,
    args: tightbeam_modules::contract::JsonMap,
    call: &ActionCall<'_>,
) -> ActionResult {
    match module::validated(entry.spec, args) {
        Ok(args) => module::send_to(runner, MODULE, args, Content::none(), call).await,
        Err(result) => result,
    }
}

fn option(ssh: &SshSettings, name: &str) -> Option<String> {
    ssh.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

/// The end that rsync connects to.
struct Remote {
    user: Option<String>,
    address: String,
}

impl Remote {
    fn path(&self, path: &str) -> String {
        let user = self.user.as_ref().map(|u| format!("{u}@")).unwrap_or_default();
        let address = &self.address;
        if path.starts_with("rsync://") {
            path.to_owned()
        } else if address.contains(':') {
            format!("[{user}{address}]:{path}")
        } else if !path.contains(':') {
            format!("{user}{address}:{path}")
        } else if !path.contains('@') {
            format!("{user}{path}")
        } else {
            path.to_owned()
        }
    }
}

/// A path where rsync runs; a relative one is looked for like other files of the task.
fn here(call: &ActionCall<'_>, path: &str) -> String {
    if path.contains(':') || path.starts_with('/') {
        return path.to_owned();
    }
    let found = find_file(call, path, "files").unwrap_or_else(|_| {
        let expanded = crate::files::expand_home(path, |n| std::env::var(n).ok());
        if expanded.is_absolute() { expanded } else { call.playbook_dir.join(expanded) }
    });
    let mut found = found.to_string_lossy().into_owned();
    if path.ends_with('/') && !found.ends_with('/') {
        found.push('/');
    }
    found
}
