//! PLAY RECAP: one line per host.

use super::{Color, Paint};
use crate::event::HostStats;

/// One host's line, as ansible-core lays it out.
pub fn line(host: &str, stats: &HostStats, paint: Paint) -> String {
    let host_color = if stats.failed > 0 || stats.unreachable > 0 {
        Color::Failed
    } else if stats.changed > 0 {
        Color::Changed
    } else {
        Color::Ok
    };
    // A coloured name is padded to 37, the escapes' 11 characters included.
    let name = if paint.is_on() { format!("{:<37}", paint.paint(host_color, host)) } else { format!("{host:<26}") };
    let count = |name: &str, n: u64, color: Color| {
        let text = format!("{name}={n:<4}");
        if n > 0 { paint.paint(color, &text) } else { text }
    };
    [
        format!("{name} :"),
        count("ok", stats.ok, Color::Ok),
        count("changed", stats.changed, Color::Changed),
        count("unreachable", stats.unreachable, Color::Unreachable),
        count("failed", stats.failed, Color::Failed),
        count("skipped", stats.skipped, Color::Skipped),
        count("rescued", stats.rescued, Color::Ok),
        count("ignored", stats.ignored, Color::Warning),
    ]
    .join(" ")
}
