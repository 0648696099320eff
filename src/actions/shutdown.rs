//! `community.general.shutdown`: shuts the host down and does not wait for it.

use super::{ActionCall, ActionResult, shared, text};
use crate::remote::{RawOptions, RawOutput, RemoteError};
use crate::value::Value;

/// Where the command is looked for.
const USUAL: [&str; 3] = ["/sbin", "/usr/sbin", "/usr/local/sbin"];

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    if call.target.is_local() && !call.check {
        let msg = "Running community.general.shutdown with local connection would shutdown the control node.";
        return ActionResult::failed(msg).with("elapsed", 0_i64).with("shutdown", false);
    }
    let command = match command(call).await {
        Ok(command) => command,
        Err(result) => return result,
    };
    if !call.check
        && let Some(refused) = refused(call.hosts.raw(call.target, &command, RawOptions::default()).await)
    {
        return refused;
    }
    ActionResult::changed(true).with("shutdown", true).with("shutdown_command", command)
}

/// The failure, unless the host goes down. A connection that breaks before the answer is what was asked for; where the
/// command was never run, as for want of rights, nothing was.
fn refused(run: Result<RawOutput, RemoteError>) -> Option<ActionResult> {
    let failed = match run {
        Ok(output) if output.rc > 0 && output.rc != 255 => ActionResult::failed(format!(
            "Shutdown command failed. Error was {}, {}",
            String::from_utf8_lossy(&output.stdout).trim(),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) if !error.is_unreachable() => shared::remote_failure(&error),
        _ => return None,
    };
    Some(failed.with("shutdown", false))
}

/// What shuts the host down: `shutdown` with delay and message, `poweroff` of Alpine, or systemd's own.
async fn command(call: &ActionCall<'_>) -> Result<String, ActionResult> {
    let paths: Vec<String> = match call.args.get("search_paths") {
        Some(Value::List(paths)) => paths.iter().map(ToString::to_string).collect(),
        Some(path) if path.as_str().is_some() => vec![path.to_string()],
        _ => USUAL.iter().map(ToString::to_string).collect(),
    };
    let places: Vec<String> = paths.iter().map(|p| crate::remote::shell_quote(p).into_owned()).collect();
    let look = format!(
        "name=shutdown; if grep -q '^ID=alpine' /etc/os-release 2>/dev/null; then name=poweroff; fi; \
         for dir in {}; do if [ -e \"$dir/$name\" ]; then echo \"$dir/$name\"; exit 0; fi; done; \
         for dir in /bin /usr/bin; do if [ -e \"$dir/systemctl\" ]; then echo \"$dir/systemctl\"; exit 0; fi; done",
        places.join(" ")
    );
    let output = call
        .hosts
        .raw(call.target, &look, RawOptions::default())
        .await
        .map_err(|error| shared::remote_failure(&error))?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if found.is_empty() {
        let msg = format!(
            "Could not find command \"shutdown\" in search paths: {paths:?} or systemctl command in search paths: \
             ['/bin', '/usr/bin'], unable to shutdown."
        );
        return Err(ActionResult::failed(msg));
    }
    if found.ends_with("/systemctl") {
        return Ok(format!("{found} poweroff"));
    }
    if found.ends_with("/poweroff") {
        return Ok(found);
    }
    let delay = call.args.get("delay").and_then(|v| v.to_string().parse::<i64>().ok()).unwrap_or(0).max(0);
    let message = text(&call.args, "msg").unwrap_or("Shut down initiated by Ansible");
    let mut quoted = String::new();
    for letter in message.chars() {
        if matches!(letter, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    Ok(format!("{found} -h {} \"{quoted}\"", delay / 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_run_counts_as_done() {
        let ended = |rc| Ok(RawOutput { rc, stdout: vec![], stderr: b"no\n".to_vec() });
        let rows = [
            (ended(0), None),
            (ended(255), None),
            (Err(RemoteError::unreachable("Connection closed")), None),
            (ended(1), Some("Shutdown command failed. Error was , no")),
            (Err(RemoteError::escalation("Incorrect sudo password")), Some("Task failed: Incorrect sudo password")),
        ];
        for (run, message) in rows {
            let told = refused(run).map(|result| result.data.get("msg").map(ToString::to_string).unwrap_or_default());
            assert_eq!(told.as_deref(), message);
        }
    }
}
