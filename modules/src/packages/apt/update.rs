//! apt's package lists: how old they are, and bringing them up to date.

use super::{Args, command};
use crate::contract::Failure;
use crate::host::steps::execute;
use crate::host::{Change, Observe};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn mtime(host: &dyn Observe) -> f64 {
    ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists"]
        .iter()
        .find_map(|p| host.stat(Path::new(p)).ok())
        .map_or(0.0, |s| s.mtime)
}

/// When the lists were updated, in seconds since the epoch; 0 where there are none.
pub fn stamp(host: &dyn Observe) -> i64 {
    mtime(host) as i64
}

/// Whether the arguments want the lists updated, and they are older than `cache_valid_time`.
pub fn is_due(args: &Args, host: &dyn Observe) -> bool {
    if args.update_cache != Some(true) && args.cache_valid_time == 0 {
        return false;
    }
    let now = host.now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    mtime(host) + (args.cache_valid_time as f64) < now
}

/// How long an update is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub retries: u32,
    /// Longest pause between two attempts, in seconds.
    pub max_delay: u64,
    /// Longest wait for apt's lock, in seconds.
    pub lock_timeout: u64,
}

/// Runs `apt-get update` until it succeeds, with growing pauses; waits for apt's lock up to `lock_timeout`.
pub fn run(
    patience: Patience,
    apt_get: &str,
    host: &mut dyn Change,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let update = command(&format!("{apt_get} update -q -o APT::Update::Error-Mode=any"))?;
    let deadline = host.now() + Duration::from_secs(patience.lock_timeout);
    let mut problem = String::new();
    let mut attempt = 0;
    while attempt < patience.retries {
        let out = execute(host, &update)?;
        let stderr = out.stderr_text();
        if stderr.contains("Could not get lock") {
            if host.now() >= deadline {
                let why = stderr.trim();
                return Err(Failure::new(format!("Failed to lock apt for exclusive operation: {why}")));
            }
            std::thread::sleep(Duration::from_secs(1));
            continue;
        }
        if out.ok() && !stderr.contains("Some index files failed to download") {
            return Ok(());
        }
        problem = stderr.trim().to_owned();
        attempt += 1;
        warnings.push(format!("Failed to update cache after {attempt} retries due to {problem}, retrying"));
        if attempt < patience.retries {
            let wait = pause(attempt - 1, patience.max_delay, host.now());
            warnings.push(format!(
                "Sleeping for {} seconds, before attempting to refresh the cache again",
                wait.as_secs_f64().round()
            ));
            std::thread::sleep(wait);
        }
    }
    let why = if problem.is_empty() { "unknown reason" } else { &problem };
    let mut failure = Failure::new(format!("Failed to update apt cache after {} retries: {why}", patience.retries));
    failure.warnings = std::mem::take(warnings);
    Err(failure)
}

/// 1, 2, 4 … seconds up to `longest`, and a fraction so that many hosts do not ask at once.
fn pause(attempt: u32, longest: u64, now: SystemTime) -> Duration {
    let base = 2u64.saturating_pow(attempt).min(longest);
    let fraction = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.subsec_millis());
    if longest == 0 { Duration::ZERO } else { Duration::from_secs(base) + Duration::from_millis(fraction.into()) }
}
