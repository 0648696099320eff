//! Events to words, one reporter per file. With `cli/` the only part that prints.

mod annotated;
pub mod diagnostics;
mod diff;
mod human;
mod minimal;
mod paint;
mod progress;
mod recap;
mod result_text;

pub use annotated::annotated;
pub use human::Human;
pub use minimal::Minimal;
pub use paint::{Color, Paint};
pub use progress::{Quiet, Screen};

/// What the reporters need to know of settings and terminal.
#[derive(Clone, Debug)]
pub struct Style {
    pub paint: Paint,
    /// Number of `-v`.
    pub verbosity: u8,
    /// Width that banners are filled to.
    pub columns: usize,
    pub display_ok_hosts: bool,
    pub display_skipped_hosts: bool,
    /// Lines of context in diffs.
    pub diff_context: usize,
    pub show_custom_stats: bool,
    /// Results as YAML instead of JSON (`callback_result_format`).
    pub yaml_results: bool,
    /// Results on several lines or not, where a setting says so (`callback_format_pretty`).
    pub pretty: Option<bool>,
    pub check_mode_markers: bool,
    /// Deprecation warnings are shown.
    pub deprecations: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            paint: Paint::plain(),
            verbosity: 0,
            columns: 79,
            display_ok_hosts: true,
            display_skipped_hosts: true,
            diff_context: 3,
            show_custom_stats: false,
            yaml_results: false,
            pretty: None,
            check_mode_markers: false,
            deprecations: true,
        }
    }
}
