//! Colours, with Ansible's own choice of them.

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    Ok,
    Changed,
    Skipped,
    Failed,
    Unreachable,
    Warning,
    Deprecation,
    Verbose,
    Debug,
    DiffAdd,
    DiffRemove,
    DiffLines,
    Included,
}

impl Color {
    fn code(self) -> &'static str {
        match self {
            Color::Ok | Color::DiffAdd => "0;32",
            Color::Changed => "0;33",
            Color::Skipped | Color::DiffLines | Color::Included => "0;36",
            Color::Failed | Color::DiffRemove => "0;31",
            Color::Unreachable => "1;31",
            Color::Warning => "1;35",
            Color::Deprecation => "0;35",
            Color::Verbose => "0;34",
            Color::Debug => "1;30",
        }
    }
}

/// Whether to colour at all.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    pub fn new(color: bool) -> Self {
        Paint(color)
    }
    pub fn plain() -> Self {
        Paint(false)
    }
    pub fn is_on(self) -> bool {
        self.0
    }
    /// Colours each line by itself, so that a pager or a cut line does not bleed.
    pub fn paint(self, color: Color, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        text.split('\n')
            .map(|line| if line.is_empty() { String::new() } else { format!("\x1b[{}m{line}\x1b[0m", color.code()) })
            .collect::<Vec<_>>()
            .join("\n")
    }
}
