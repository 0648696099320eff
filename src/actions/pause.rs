//! `pause`: waits for time or for the person at the terminal.

use super::{ActionCall, ActionResult, text};
use crate::value::Value;
use std::time::{Duration, Instant};

pub(super) async fn run(call: &ActionCall<'_>) -> ActionResult {
    let number = |name: &str| match call.args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(v) => v
            .to_string()
            .trim()
            .parse::<f64>()
            .map(|n| Some(n.trunc()))
            .map_err(|_| format!("non-integer value given for prompt duration:\n{v}")),
    };
    let (minutes, seconds) = match (number("minutes"), number("seconds")) {
        (Ok(m), Ok(s)) => (m, s),
        (Err(e), _) | (_, Err(e)) => return ActionResult::failed(e),
    };
    if minutes.is_some() && seconds.is_some() {
        return ActionResult::failed("parameters are mutually exclusive: minutes|seconds");
    }
    let limit = seconds.or(minutes.map(|m| m * 60.0)).map(|s| Duration::from_secs_f64(s.max(1.0)));
    let echo = call.args.get("echo").is_none_or(|v| v.as_spelled_bool() != Some(false));
    let began = chrono_now();
    let started = Instant::now();
    let name = call.task.task.common.name.as_ref().map(|n| n.node.to_string()).unwrap_or_default();
    let mut user_input = String::new();
    if let Some(limit) = limit {
        let hidden = if echo { "" } else { " (output is hidden)" };
        call.ask.say(&format!("Pausing for {} seconds{hidden}", limit.as_secs()));
    }
    match (limit, text(&call.args, "prompt")) {
        (Some(limit), None) => tokio::time::sleep(limit).await,
        (limit, prompt) => {
            let prompt = format!("[{name}]\n{}", prompt.unwrap_or("Press enter to continue, Ctrl+C to interrupt"));
            match call.ask.line(&format!("{prompt}:"), echo, limit).await {
                Some(line) => user_input = line,
                None => {
                    if let Some(limit) = limit {
                        tokio::time::sleep(limit.saturating_sub(started.elapsed())).await;
                    }
                }
            }
        }
    }
    let spent = started.elapsed().as_secs_f64();
    let (amount, unit) = if minutes.is_some() { (spent / 60.0, "minutes") } else { (spent, "seconds") };
    let amount = (amount * 100.0).round() / 100.0;
    ActionResult::ok()
        .with("rc", 0_i64)
        .with("stderr", "")
        .with("stdout", format!("Paused for {} {unit}", crate::value::float_repr(amount)))
        .with("start", began)
        .with("stop", chrono_now())
        .with("delta", spent.trunc() as i64)
        .with("echo", echo)
        .with("user_input", user_input)
}

fn chrono_now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}
