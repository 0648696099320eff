//! `reboot`: restarts the host and waits until it is back with another boot id.

use super::{ActionCall, ActionResult, shared, text, wait_for_connection};
use crate::remote::RawOptions;
use std::time::{Duration, Instant};

const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    if call.target.is_local() {
        return ActionResult::failed("Running reboot with local connection would reboot the control node.")
            .with("elapsed", 0_i64)
            .with("rebooted", false);
    }
    if call.check {
        return ActionResult::changed(true).with("elapsed", 0_i64).with("rebooted", true);
    }
    let seconds = |name: &str, default: f64| {
        call.args.get(name).filter(|v| !v.is_null()).and_then(|v| v.to_string().parse::<f64>().ok()).unwrap_or(default)
    };
    let started = Instant::now();
    let before = match boot_id(call).await {
        Ok(id) => id,
        Err(result) => return result,
    };
    let minutes = (seconds("pre_reboot_delay", 0.0) / 60.0).floor() as i64;
    let message = text(&call.args, "msg").unwrap_or("Reboot initiated by Ansible");
    let command = match text(&call.args, "reboot_command") {
        Some(command) => command.to_owned(),
        None => format!(
            "PATH=$PATH:/sbin:/usr/sbin:/usr/local/sbin; exec shutdown -r +{minutes} {}",
            crate::remote::shell_quote(message)
        ),
    };
    match call.hosts.raw(call.target, &command, RawOptions::default()).await {
        // The connection may break before the answer: that is what was asked for.
        Ok(output) if output.rc > 0 && output.rc != 255 => {
            return ActionResult::failed(format!(
                "Reboot command failed. Error was: '{}, {}'",
                String::from_utf8_lossy(&output.stdout).trim(),
                String::from_utf8_lossy(&output.stderr).trim()
            ))
            .with("rebooted", false);
        }
        _ => {}
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds("post_reboot_delay", 0.0).max(0.0))).await;
    let timeout = seconds("reboot_timeout", 600.0);
    loop {
        if let Err(last) = wait_for_connection::until_alive(call, started, timeout, 1.0).await {
            return ActionResult::failed(format!(
                "Timed out waiting for last boot time check (timeout={timeout}): {last}"
            ))
            .with("rebooted", true)
            .with("elapsed", started.elapsed().as_secs() as i64);
        }
        match boot_id(call).await {
            Ok(after) if after != before => break,
            _ if started.elapsed().as_secs_f64() > timeout => {
                return ActionResult::failed(format!("Timed out waiting for the host to reboot (timeout={timeout})"))
                    .with("rebooted", false)
                    .with("elapsed", started.elapsed().as_secs() as i64);
            }
            _ => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
    let test = text(&call.args, "test_command").unwrap_or("whoami").to_owned();
    loop {
        match call.hosts.raw(call.target, &test, RawOptions::default()).await {
            Ok(output) if output.rc == 0 => break,
            _ if started.elapsed().as_secs_f64() > timeout => {
                return ActionResult::failed(format!(
                    "Timed out waiting for post-reboot test command (timeout={timeout})"
                ))
                .with("rebooted", true)
                .with("elapsed", started.elapsed().as_secs() as i64);
            }
            _ => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
    ActionResult::changed(true).with("rebooted", true).with("elapsed", started.elapsed().as_secs() as i64)
}

async fn boot_id(call: &ActionCall<'_>) -> Result<String, ActionResult> {
    match call.hosts.raw(call.target, BOOT_ID, RawOptions::default()).await {
        Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        Err(error) => Err(shared::remote_failure(&error)),
    }
}
