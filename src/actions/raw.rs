//! `raw`: a command over the bare connection; needs nothing on the host.

use super::{ActionCall, ActionResult, shared, split_lines, text};
use crate::remote::RawOptions;

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    if call.check {
        return ActionResult::default().with("skipped", true).with("changed", false);
    }
    let Some(command) = text(&call.args, "_raw_params").filter(|c| !c.is_empty()) else {
        return ActionResult::failed("no command given");
    };
    let mut line: String =
        call.environment.iter().map(|(k, v)| format!("{k}={} ", crate::remote::shell_quote(v))).collect();
    line.push_str(command);
    let executable = text(&call.args, "executable").map(str::to_owned);
    // Tasks with `no_log` have no live output either; what the environment holds may be a secret.
    let secret = matches!(call.args.get("_raw_params"), Some(crate::value::Value::Str(text)) if text.is_secret());
    let options = RawOptions {
        executable,
        quiet: secret || !call.environment.is_empty() || call.progress.is_none(),
        ..RawOptions::default()
    };
    match call.hosts.raw(call.target, &line, options).await {
        Err(error) => shared::remote_failure(&error),
        Ok(output) => {
            let mut result = ActionResult::changed(true)
                .with("rc", i64::from(output.rc))
                .with("stdout", String::from_utf8_lossy(&output.stdout).into_owned())
                .with("stderr", String::from_utf8_lossy(&output.stderr).into_owned());
            if output.rc != 0 {
                result = result.with("failed", true).with("msg", "non-zero return code");
            }
            split_lines(&mut result.data);
            result
        }
    }
}
