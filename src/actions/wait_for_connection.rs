//! `wait_for_connection`: until the host can be worked with.

use super::{ActionCall, ActionResult, shared};
use crate::value::Value;
use std::time::{Duration, Instant};
use tightbeam_modules::contract::wire::{Reply, Request};

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let seconds = |name: &str, default: f64| {
        call.args.get(name).filter(|v| !v.is_null()).and_then(|v| v.to_string().parse::<f64>().ok()).unwrap_or(default)
    };
    let (delay, sleep, timeout) = (seconds("delay", 0.0), seconds("sleep", 1.0), seconds("timeout", 600.0));
    if call.check {
        return ActionResult::ok().with("elapsed", 0_i64);
    }
    let started = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(delay.max(0.0))).await;
    match until_alive(call, started, timeout, sleep).await {
        Ok(()) => ActionResult::ok().with("elapsed", started.elapsed().as_secs() as i64),
        Err(last) => {
            let mut result = ActionResult::failed(format!("timed out waiting for ping module test: {last}"));
            result.data.insert("elapsed", Value::from(started.elapsed().as_secs() as i64));
            result
        }
    }
}

/// Pings the host over new connections until it answers.
///
/// # Errors
/// The last failure, when `timeout` seconds have passed since `started`.
pub(super) async fn until_alive(
    call: &ActionCall<'_>,
    started: Instant,
    timeout: f64,
    sleep: f64,
) -> Result<(), String> {
    loop {
        call.hosts.reset(call.target).await;
        let args = tightbeam_modules::catalogue::find("ansible.builtin.ping")
            .and_then(|ping| super::module::validated(ping.spec, Default::default()).ok())
            .unwrap_or_default();
        let request = Request { module: "ansible.builtin.ping".into(), args, ..Request::default() };
        let failure = match call.hosts.call(call.target, request, crate::remote::Content::none()).await {
            Ok(Reply::Outcome(_)) => return Ok(()),
            other => shared::reply_result(other).data.get("msg").map(Value::to_string).unwrap_or_default(),
        };
        if started.elapsed().as_secs_f64() + sleep > timeout {
            return Err(failure);
        }
        tokio::time::sleep(Duration::from_secs_f64(sleep.max(0.1))).await;
    }
}
