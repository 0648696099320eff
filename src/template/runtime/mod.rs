//! Evaluation: trees of `syntax/` over values that behave as Python's.

mod call;
mod compare;
mod convert;
mod evaluate;
mod execute;
mod fault;
mod format_brace;
mod format_percent;
mod frame;
mod globals;
mod methods;
mod number;
mod operators;
mod random;
mod scope;
mod text;
mod time;
mod value;

pub use call::{Args, Call, Param};
pub use compare::{compare, contains, equal, key_of, key_value, sort};
pub use convert::finish;
pub use evaluate::{attribute, call_filter, call_test, call_value, eval, item, slice_indices};
pub use execute::run_template;
pub use fault::{Fault, Res};
pub use format_brace::brace_format;
pub use format_percent::percent_format;
pub use frame::Frame;
pub use globals::{NO_HINT, Range, global};
pub use methods::{call as call_method, exists as has_method, split as split_text, split_lines};
pub use number::{Num, float_to_int};
pub use operators::{binary, iterate, length, position, truth};
pub use random::PyRandom;
pub use scope::Scope;
pub use text::{concat, repr, text, to_text};
pub use time::{Delta, Time};
pub use value::{Dict, List, Object, V};

use super::{Context, Engine, ErrorKind};
use crate::value::Text;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A template being rendered: its scope and text by address, and the variable's name.
pub type Rendering = ((usize, usize), Option<Arc<str>>);

/// What one rendering keeps track of.
#[derive(Default)]
pub struct Run {
    /// Templates being rendered, outermost first.
    pub stack: RefCell<Vec<Rendering>>,
    /// Nested calls of macros and includes.
    pub depth: Cell<usize>,
    /// Containers within containers that are being walked through.
    pub nesting: Cell<usize>,
    /// Whether a list or map was changed in place.
    pub changed: Cell<bool>,
    /// A conditional is evaluated: constants with delimiters in them are rendered.
    pub conditional: Cell<bool>,
    pub include: RefCell<Include>,
    /// Where undefined values are shown by words in their place: those met so far.
    pub shown: RefCell<Option<Vec<Arc<Fault>>>>,
    /// Frames that hold macros or blocks, which hold their frame in turn: cleared at the end.
    pub frames: RefCell<Vec<Arc<Frame>>>,
}

impl Run {
    pub fn new(include: Include) -> Self {
        let run = Run::default();
        run.include.replace(include);
        run
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for frame in self.frames.borrow_mut().drain(..) {
            frame.clear();
        }
    }
}

/// Where `include` and its kin look for files, and how they read them.
#[derive(Default)]
pub struct Include {
    pub directories: Vec<std::path::PathBuf>,
    pub rules: Option<super::syntax::Rules>,
}

/// Where evaluation stands.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    pub engine: &'a Arc<Engine>,
    pub context: &'a Context,
    pub scope: &'a Arc<Scope>,
    pub run: &'a Run,
    /// Names set by statements; none in expressions.
    pub frame: Option<&'a Arc<Frame>>,
}

/// How deep data may nest: a list can hold itself.
const NESTING: usize = 150;

impl Cx<'_> {
    /// An undefined value where text or data is needed: words in its place where such are shown, else its fault.
    pub fn instead(&self, fault: &Arc<Fault>) -> Res {
        let mut shown = self.run.shown.borrow_mut();
        let Some(shown) = shown.as_mut().filter(|_| fault.kind == ErrorKind::Undefined) else {
            return Err(fault.clone());
        };
        shown.push(fault.clone());
        Ok(V::str(format!("<< error {} - {} >>", shown.len(), fault.text())))
    }
    /// Walks one level deeper into data.
    pub fn nested<T>(&self, walk: impl FnOnce() -> Res<T>) -> Res<T> {
        let nesting = self.run.nesting.get();
        if nesting >= NESTING {
            return Err(Fault::raw("maximum recursion depth exceeded"));
        }
        self.run.nesting.set(nesting + 1);
        let out = walk();
        self.run.nesting.set(nesting);
        out
    }
}

/// Renders the author's text as a template.
pub fn render_text(cx: &Cx, source: &Text) -> V {
    let compiled = cx.engine.template(source.shared());
    let out = match &*compiled {
        Ok(template) => run_template(cx, template),
        Err(error) => V::Undef(
            Fault::told(ErrorKind::Syntax, error.message.clone())
                .at(error.offset, error.offset + 1)
                .within("Syntax error in template."),
        ),
    };
    match out {
        V::Undef(fault) => V::Undef(place(cx, fault, source)),
        V::Str(text) => V::Str(keep_newlines(source, text)),
        out => out,
    }
}

/// Adds what is known of an error's place, and that a template failed.
pub fn place(cx: &Cx, fault: Arc<Fault>, source: &Text) -> Arc<Fault> {
    let fault = match &*fault {
        Fault { raw: true, .. } => fault.within("Error rendering template."),
        Fault { kind: ErrorKind::Syntax, doing, .. } if doing.is_empty() => fault.within("Syntax error in template."),
        _ => fault,
    };
    match source.origin() {
        None => fault,
        Some(origin) => {
            fault.located(|start, end| super::engine::find_span(&cx.engine.sources, origin, source, start, end))
        }
    }
}

/// Newlines at the end of the source stay, though Jinja drops one.
fn keep_newlines(source: &str, out: Text) -> Text {
    let trailing = |s: &str| s.len() - s.trim_end_matches('\n').len();
    let (wanted, have) = (trailing(source), trailing(&out));
    if wanted <= have {
        return out;
    }
    let mut text = String::with_capacity(out.len() + wanted - have);
    text.push_str(&out);
    text.extend(std::iter::repeat_n('\n', wanted - have));
    let secret = out.is_secret();
    let text = Text::foreign(text);
    if secret { text.secret() } else { text }
}
