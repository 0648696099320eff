//! What all templates of one run share: settings, the outside world, and every source text compiled once.

use super::regex::Pattern;
use super::syntax::{self, Expr, Rules, SyntaxError, Template};
use super::{Decrypt, Outside};
use crate::diag::{SourceMap, Span};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, RwLock};

/// Settings that change how templates behave.
#[derive(Clone, Debug, Default)]
pub struct TemplateSettings {
    /// `ALLOW_BROKEN_CONDITIONALS`: conditions of any type count by their truth value.
    pub allow_broken_conditionals: bool,
    /// `_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR`: what becomes of text from outside that looks like a template.
    pub untrusted: Untrusted,
    /// `DEFAULT_JINJA2_EXTENSIONS` has `jinja2.ext.do`.
    pub do_tag: bool,
    /// `DEFAULT_JINJA2_EXTENSIONS` has `jinja2.ext.loopcontrols`.
    pub loop_controls: bool,
}

/// What is done with text from outside that looks like a template; it is never rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Untrusted {
    #[default]
    Ignore,
    Warn,
    Error,
}

impl Untrusted {
    pub fn of_setting(word: &str) -> Self {
        match word {
            "warning" => Untrusted::Warn,
            "error" => Untrusted::Error,
            _ => Untrusted::Ignore,
        }
    }
}

impl TemplateSettings {
    /// The settings that names of Jinja2 extensions stand for.
    pub fn extensions<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut settings = Self::default();
        for name in names {
            match name.trim() {
                "jinja2.ext.do" => settings.do_tag = true,
                "jinja2.ext.loopcontrols" => settings.loop_controls = true,
                _ => {}
            }
        }
        settings
    }
}

/// A parsed template, or why it is none.
pub type Compiled = Result<Arc<Template>, SyntaxError>;

/// Source, ignorecase, multiline.
type PatternKey = (Arc<str>, bool, bool);

/// One per run, shared by all hosts and threads.
pub struct Engine {
    pub(super) outside: Arc<dyn Outside>,
    pub(super) vault: Option<Arc<dyn Decrypt>>,
    pub(super) settings: TemplateSettings,
    /// To find the place of an error in the author's files.
    pub(super) sources: SourceMap,
    default_rules: Rules,
    templates: Cache<Arc<str>, Compiled>,
    other_templates: Cache<(Arc<str>, Rules), Compiled>,
    expressions: Cache<Arc<str>, Result<Expr, SyntaxError>>,
    patterns: Cache<PatternKey, Result<Arc<Pattern>, String>>,
}

impl Engine {
    pub fn new(
        outside: Arc<dyn Outside>,
        vault: Option<Arc<dyn Decrypt>>,
        settings: TemplateSettings,
        sources: SourceMap,
    ) -> Arc<Self> {
        let (do_tag, loop_controls) = (settings.do_tag, settings.loop_controls);
        Arc::new(Engine {
            outside,
            vault,
            settings,
            sources,
            default_rules: Rules { do_tag, loop_controls, ..Rules::default() },
            templates: Cache::default(),
            other_templates: Cache::default(),
            expressions: Cache::default(),
            patterns: Cache::default(),
        })
    }
    /// A template of a playbook or variable, parsed once.
    pub(super) fn template(&self, source: &Arc<str>) -> Arc<Compiled> {
        self.templates.get(source, || syntax::parse(source, &self.default_rules).map(Arc::new))
    }
    /// A template with other delimiters or white space rules, parsed once.
    pub(super) fn compile(&self, source: &Arc<str>, rules: &Rules) -> Arc<Compiled> {
        self.other_templates.get(&(source.clone(), rules.clone()), || syntax::parse(source, rules).map(Arc::new))
    }
    /// The rules of templates in playbooks.
    pub(super) fn rules(&self) -> &Rules {
        &self.default_rules
    }
    /// An expression, parsed once.
    pub(super) fn expression(&self, source: &Arc<str>) -> Arc<Result<Expr, SyntaxError>> {
        self.expressions
            .get(source, || syntax::parse_expression(source, &Rules { plain_backslashes: false, ..Rules::default() }))
    }
}

/// Regular expressions.
impl Engine {
    /// A pattern, compiled once.
    pub(super) fn pattern(&self, source: &Arc<str>, ignorecase: bool, multiline: bool) -> Result<Arc<Pattern>, String> {
        let key = (source.clone(), ignorecase, multiline);
        self.patterns.get(&key, || Pattern::new(source, ignorecase, multiline).map(Arc::new)).as_ref().clone()
    }
}

/// Made once, then shared.
struct Cache<K, T>(RwLock<HashMap<K, Arc<T>>>);

impl<K, T> Default for Cache<K, T> {
    fn default() -> Self {
        Cache(RwLock::default())
    }
}

impl<K: Hash + Eq + Clone, T> Cache<K, T> {
    fn get(&self, key: &K, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(found) = self.0.read().unwrap_or_else(|e| e.into_inner()).get(key) {
            return found.clone();
        }
        let made = Arc::new(make());
        self.0.write().unwrap_or_else(|e| e.into_inner()).entry(key.clone()).or_insert(made).clone()
    }
}

/// The place in the author's file of a range in a template. Where the YAML text differs from the template (escapes, folding),
/// the line is looked for; else the whole scalar is the place.
pub(super) fn find_span(sources: &SourceMap, origin: Span, template: &str, start: u32, end: u32) -> Option<Span> {
    let exact = || {
        let raw = sources.text(origin)?;
        if let Some(at) = raw.find(template) {
            let base = origin.start as usize + at;
            return Some(Span::new(origin.file, base + start as usize, base + end as usize));
        }
        let before = template.get(..start as usize)?;
        let line_start = before.rfind('\n').map_or(0, |p| p + 1);
        let line = template[line_start..].split('\n').next()?;
        let same: Vec<usize> = raw.match_indices(line).map(|(at, _)| at).take(2).collect();
        let [at] = same[..] else { return None };
        let base = origin.start as usize + at;
        let column = start as usize - line_start;
        let width = (end as usize).min(line_start + line.len()).saturating_sub(start as usize).max(1);
        Some(Span::new(origin.file, base + column, base + column + width))
    };
    exact().or(Some(origin))
}
