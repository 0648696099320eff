//! What all templates of one run share: settings, the outside world, and every source text compiled once.

use super::{Decrypt, Outside};
use crate::diag::SourceMap;
use std::sync::Arc;

/// Settings that change how templates behave.
#[derive(Clone, Debug, Default)]
pub struct TemplateSettings {
    /// `ALLOW_BROKEN_CONDITIONALS`: conditions of any type count by their truth value.
    pub allow_broken_conditionals: bool,
}

/// One per run, shared by all hosts and threads.
pub struct Engine {
    #[allow(dead_code, reason = "read by the evaluator")]
    pub(super) outside: Arc<dyn Outside>,
    #[allow(dead_code, reason = "read by the evaluator")]
    pub(super) vault: Option<Arc<dyn Decrypt>>,
    #[allow(dead_code, reason = "read by the evaluator")]
    pub(super) settings: TemplateSettings,
    /// To find the place of an error in the author's files.
    #[allow(dead_code, reason = "read by the evaluator")]
    pub(super) sources: SourceMap,
}

impl Engine {
    pub fn new(
        outside: Arc<dyn Outside>,
        vault: Option<Arc<dyn Decrypt>>,
        settings: TemplateSettings,
        sources: SourceMap,
    ) -> Arc<Self> {
        Arc::new(Engine { outside, vault, settings, sources })
    }
}
