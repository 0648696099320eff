//! Writes a tree of styled nodes as libyaml's emitter does, which is what PyYAML's `CSafeDumper` and so Ansible use.

use std::borrow::Cow;

/// How a scalar is asked to be written; the emitter may have to choose another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

pub(super) enum Tree<'v> {
    Scalar {
        tag: &'static str,
        text: Cow<'v, str>,
        style: Style,
        /// Without its tag the text would be read back as the same type: written plain, written in quotes.
        plain_implicit: bool,
        quoted_implicit: bool,
    },
    Seq {
        flow: bool,
        items: Vec<Tree<'v>>,
    },
    Map {
        flow: bool,
        entries: Vec<(Tree<'v>, Tree<'v>)>,
    },
}

impl Tree<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Tree::Scalar { .. } => false,
            Tree::Seq { items, .. } => items.is_empty(),
            Tree::Map { entries, .. } => entries.is_empty(),
        }
    }
}

/// What of [`super::DumpOptions`] the emitter itself needs.
pub(super) struct Form {
    pub indent: usize,
    pub width: usize,
    pub unicode: bool,
    pub canonical: bool,
    pub explicit_start: bool,
    pub explicit_end: bool,
}

/// What a node stands in.
#[derive(Clone, Copy, Default)]
struct Context {
    mapping: bool,
    simple_key: bool,
}

pub(super) fn emit(root: &Tree<'_>, form: &Form) -> String {
    let mut e = Emitter {
        form,
        out: String::new(),
        column: 0,
        indent: None,
        flow_level: 0,
        whitespace: true,
        indention: true,
        open_ended: false,
    };
    if form.explicit_start || form.canonical {
        e.indicator("---", true, false, false);
        if form.canonical {
            e.write_indent();
        }
    }
    e.node(root, Context::default());
    e.write_indent();
    if form.explicit_end {
        e.indicator("...", true, false, false);
        e.open_ended = false;
        e.write_indent();
    }
    if e.open_ended {
        e.indicator("...", true, false, false);
        e.write_indent();
    }
    e.out
}

struct Emitter<'f> {
    form: &'f Form,
    out: String,
    /// In characters.
    column: usize,
    /// `None` outside the root node.
    indent: Option<usize>,
    flow_level: usize,
    /// The last character was white space.
    whitespace: bool,
    /// The last characters were indentation or indicators that count as such.
    indention: bool,
    /// The last block scalar keeps its trailing breaks, so the document needs an end mark.
    open_ended: bool,
}

impl Emitter<'_> {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break('\n');
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    /// Runs `body` one level deeper; the outermost level starts at column 0 in block style.
    fn deeper(&mut self, flow: bool, indentless: bool, body: impl FnOnce(&mut Self)) {
        let before = self.indent;
        self.indent = Some(match before {
            None if flow => self.form.indent,
            None => 0,
            Some(i) if indentless => i,
            Some(i) => i + self.form.indent,
        });
        body(self);
        self.indent = before;
    }

    fn node(&mut self, tree: &Tree<'_>, context: Context) {
        match tree {
            Tree::Scalar { tag, text, style, plain_implicit, quoted_implicit } => {
                self.scalar(tag, text, *style, *plain_implicit, *quoted_implicit, context);
            }
            Tree::Seq { flow, items } => {
                if self.form.canonical {
                    self.tag("!!seq");
                }
                if self.flow_level > 0 || *flow || self.form.canonical || tree.is_empty() {
                    self.flow_seq(items);
                } else {
                    self.block_seq(items, context);
                }
            }
            Tree::Map { flow, entries } => {
                if self.form.canonical {
                    self.tag("!!map");
                }
                if self.flow_level > 0 || *flow || self.form.canonical || tree.is_empty() {
                    self.flow_map(entries);
                } else {
                    self.block_map(entries);
                }
            }
        }
    }

    fn block_seq(&mut self, items: &[Tree<'_>], context: Context) {
        let indentless = context.mapping && !self.indention;
        self.deeper(false, indentless, |e| {
            for item in items {
                e.write_indent();
                e.indicator("-", true, false, true);
                e.node(item, Context::default());
            }
        });
    }

    fn block_map(&mut self, entries: &[(Tree<'_>, Tree<'_>)]) {
        self.deeper(false, false, |e| {
            for (key, value) in entries {
                e.write_indent();
                if e.is_simple_key(key) {
                    e.node(key, Context { mapping: true, simple_key: true });
                    e.indicator(":", false, false, false);
                } else {
                    e.indicator("?", true, false, true);
                    e.node(key, Context { mapping: true, simple_key: false });
                    e.write_indent();
                    e.indicator(":", true, false, true);
                }
                e.node(value, Context { mapping: true, simple_key: false });
            }
        });
    }

    fn wrap(&mut self) {
        if self.form.canonical || self.column > self.form.width {
            self.write_indent();
        }
    }

    fn flow_seq(&mut self, items: &[Tree<'_>]) {
        self.indicator("[", true, true, false);
        self.flow_level += 1;
        self.deeper(true, false, |e| {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    e.indicator(",", false, false, false);
                }
                e.wrap();
                e.node(item, Context::default());
            }
        });
        self.flow_level -= 1;
        self.flow_end("]", items.is_empty());
    }

    fn flow_map(&mut self, entries: &[(Tree<'_>, Tree<'_>)]) {
        self.indicator("{", true, true, false);
        self.flow_level += 1;
        self.deeper(true, false, |e| {
            for (i, (key, value)) in entries.iter().enumerate() {
                if i > 0 {
                    e.indicator(",", false, false, false);
                }
                e.wrap();
                if !e.form.canonical && e.is_simple_key(key) {
                    e.node(key, Context { mapping: true, simple_key: true });
                    e.indicator(":", false, false, false);
                } else {
                    e.indicator("?", true, false, false);
                    e.node(key, Context { mapping: true, simple_key: false });
                    e.wrap();
                    e.indicator(":", true, false, false);
                }
                e.node(value, Context { mapping: true, simple_key: false });
            }
        });
        self.flow_level -= 1;
        self.flow_end("}", entries.is_empty());
    }

    fn flow_end(&mut self, bracket: &str, empty: bool) {
        if self.form.canonical && !empty {
            self.indicator(",", false, false, false);
            self.write_indent();
        }
        self.indicator(bracket, false, false, false);
    }

    /// Whether a key can stand before its colon on one line, without `?`.
    fn is_simple_key(&self, key: &Tree<'_>) -> bool {
        match key {
            Tree::Scalar { tag, text, plain_implicit, quoted_implicit, .. } => {
                let tag = if self.form.canonical || !(*plain_implicit || *quoted_implicit) { tag.len() } else { 0 };
                !text.chars().any(is_break) && text.len() + tag <= 128
            }
            other => other.is_empty(),
        }
    }

    fn tag(&mut self, tag: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        tag.chars().for_each(|c| self.put(c));
        self.whitespace = false;
        self.indention = false;
    }

    fn scalar(
        &mut self,
        tag: &str,
        text: &str,
        wanted: Style,
        plain_implicit: bool,
        quoted_implicit: bool,
        context: Context,
    ) {
        let look = Look::at(text, self.form.unicode);
        let no_tag = !self.form.canonical && (plain_implicit || quoted_implicit);
        let in_flow = self.flow_level > 0;
        let mut style = wanted;
        if self.form.canonical || (context.simple_key && look.multiline) {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain
            && (!(if in_flow { look.flow_plain } else { look.block_plain })
                || (text.is_empty() && (in_flow || context.simple_key))
                || (no_tag && !plain_implicit))
        {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !look.single_quoted {
            style = Style::DoubleQuoted;
        }
        if matches!(style, Style::Literal | Style::Folded) && (!look.block || in_flow || context.simple_key) {
            style = Style::DoubleQuoted;
        }
        if !no_tag {
            self.tag(tag);
        } else if !quoted_implicit && style != Style::Plain {
            self.tag("!");
        }
        let breaks_allowed = !context.simple_key;
        self.deeper(true, false, |e| match style {
            Style::Plain => e.plain(text, breaks_allowed),
            Style::SingleQuoted => e.single_quoted(text, breaks_allowed),
            Style::DoubleQuoted => e.double_quoted(text, breaks_allowed),
            Style::Literal => e.literal(text),
            Style::Folded => e.folded(text),
        });
    }

    /// Text that has no line breaks: others are never written plain.
    fn plain(&mut self, text: &str, breaks_allowed: bool) {
        if !self.whitespace && (!text.is_empty() || self.flow_level > 0) {
            self.put(' ');
        }
        let mut spaces = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ' ' {
                let fold = breaks_allowed && !spaces && self.column > self.form.width && chars.peek() != Some(&' ');
                if fold {
                    self.write_indent()
                } else {
                    self.put(c)
                }
                spaces = true;
            } else {
                self.put(c);
                self.indention = false;
                spaces = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single_quoted(&mut self, text: &str, breaks_allowed: bool) {
        self.indicator("'", true, false, false);
        let mut spaces = false;
        let mut breaks = false;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if c == ' ' {
                let fold = breaks_allowed
                    && !spaces
                    && self.column > self.form.width
                    && i != 0
                    && i + 1 != text.len()
                    && chars.peek().is_none_or(|(_, next)| *next != ' ');
                if fold {
                    self.write_indent()
                } else {
                    self.put(c)
                }
                spaces = true;
            } else if is_break(c) {
                if !breaks && c == '\n' {
                    self.put_break('\n');
                }
                self.put_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put('\'');
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
        }
        if breaks {
            self.write_indent();
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str, breaks_allowed: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if !is_printable(c) || (!self.form.unicode && !c.is_ascii()) || is_break(c) || matches!(c, '"' | '\\') {
                self.escape(c);
                spaces = false;
            } else if c == ' ' {
                let fold = breaks_allowed && !spaces && self.column > self.form.width && i != 0 && i + 1 != text.len();
                if fold {
                    self.write_indent();
                    if matches!(chars.peek(), Some((_, ' '))) {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        self.put('\\');
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => {
                let code = c as u32;
                let digits = match code {
                    0..=0xff => format!("x{code:02X}"),
                    0x100..=0xffff => format!("u{code:04X}"),
                    _ => format!("U{code:08X}"),
                };
                digits.chars().for_each(|d| self.put(d));
                return;
            }
        };
        self.put(short);
    }

    /// Indentation and chomping after `|` or `>`.
    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            let digit = self.form.indent.to_string();
            self.indicator(&digit, false, false, false);
        }
        self.open_ended = false;
        let mut back = text.chars().rev();
        match (back.next().is_some_and(is_break), back.next()) {
            (false, _) => self.indicator("-", false, false, false),
            (true, before) if before.is_none_or(is_break) => {
                self.indicator("+", false, false, false);
                self.open_ended = true;
            }
            _ => {}
        }
        self.put_break('\n');
        self.indention = true;
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        let mut breaks = true;
        for c in text.chars() {
            if is_break(c) {
                self.put_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn folded(&mut self, text: &str) {
        self.indicator(">", true, false, false);
        self.block_hints(text);
        let mut breaks = true;
        let mut leading_spaces = true;
        for (i, c) in text.char_indices() {
            let rest = &text[i..];
            if is_break(c) {
                if !breaks && !leading_spaces && c == '\n' {
                    let after = rest.trim_start_matches(is_break);
                    if !after.is_empty() && !after.starts_with([' ', '\t', '\0']) {
                        self.put_break('\n');
                    }
                }
                self.put_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    leading_spaces = matches!(c, ' ' | '\t');
                }
                if !breaks && c == ' ' && !rest[1..].starts_with(' ') && self.column > self.form.width {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                self.indention = false;
                breaks = false;
            }
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// libyaml 0.2.5's idea of it: nothing beyond the Basic Multilingual Plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Which styles a text allows.
struct Look {
    multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
    block: bool,
}

impl Look {
    fn at(text: &str, unicode: bool) -> Self {
        if text.is_empty() {
            return Look { multiline: false, flow_plain: false, block_plain: true, single_quoted: true, block: false };
        }
        let blank_or_end = |c: Option<char>| c.is_none_or(|c| matches!(c, ' ' | '\t' | '\0') || is_break(c));
        let mut block_indicators = text.starts_with("---") || text.starts_with("...");
        let mut flow_indicators = block_indicators;
        let (mut special, mut multiline, mut break_space, mut space_break) = (false, false, false, false);
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let followed = blank_or_end(chars.peek().copied());
            let first = previous.is_none();
            match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
                    if first =>
                {
                    flow_indicators = true;
                    block_indicators = true;
                }
                ':' => {
                    flow_indicators = true;
                    block_indicators |= followed;
                }
                '?' => {
                    flow_indicators = true;
                    block_indicators |= first && followed;
                }
                '-' if first && followed => {
                    flow_indicators = true;
                    block_indicators = true;
                }
                ',' | '[' | ']' | '{' | '}' => flow_indicators = true,
                '#' if blank_or_end(previous) => {
                    flow_indicators = true;
                    block_indicators = true;
                }
                _ => {}
            }
            special |= !is_printable(c) || (!unicode && !c.is_ascii());
            if is_break(c) {
                multiline = true;
                space_break |= previous == Some(' ');
            }
            break_space |= c == ' ' && previous.is_some_and(is_break);
            previous = Some(c);
        }
        let outer = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(outer) || text.ends_with(outer);
        let mixed = space_break || special;
        let plain = !edges && !break_space && !mixed && !multiline;
        Look {
            multiline,
            flow_plain: plain && !flow_indicators,
            block_plain: plain && !block_indicators,
            single_quoted: !break_space && !mixed,
            block: !mixed && !text.ends_with(' '),
        }
    }
}
