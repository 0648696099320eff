//! Events → nodes: anchors, tags, merge keys, duplicate keys, as PyYAML's composer and `SafeConstructor` treat them, with
//! Ansible's own tags.

use super::node::{Node, NodeKind};
use super::parser::{Event, Fault, Kind, Mark, Parser};
use super::scalar::{self, Tag};
use crate::diag::{Code, FileId, Span};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Deeper nesting is refused: it is never meant, and the stack is finite.
const DEPTH: usize = 200;
/// How many nodes aliases and merges may add in one stream ("billion laughs").
const EXPANDED: usize = 2_000_000;
const STANDARD: &str = "tag:yaml.org,2002:";

/// Why a text cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ReadFault {
    Parse(Fault),
    /// The text is valid YAML, but no data can be made of it.
    Construct {
        code: Code,
        context: Option<(String, Place)>,
        problem: String,
        at: Place,
        voice: Voice,
    },
}

/// Who would raise the fault; each has its own way of telling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// PyYAML, with a place: Ansible then looks for the usual causes there.
    PyYaml,
    Ansible,
    /// Python's conversions (`int()`, `datetime()`).
    Python,
}

/// A place by libyaml's mark and by its bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub mark: Mark,
    pub span: Span,
}

/// A thing worth telling that does not stop the reading.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notice {
    Duplicate { key: String, first: Span, second: Span },
    Deprecated { what: &'static str, instead: &'static str, at: Span },
}

/// Which tags are known besides YAML's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `!vault`, `!vault-encrypted`, `!unsafe`: the author's files.
    Ansible,
    /// None: the `from_yaml` filter.
    Plain,
}

/// What a node is to the mapping that holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Data,
    /// `<<`
    Merge,
    /// `=`
    Value,
}

#[derive(Clone)]
struct Composed {
    node: Node,
    role: Role,
    /// Nodes in it, itself included.
    size: usize,
    start: Mark,
}

/// What a tag makes of a collection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Natural,
    Unsafe,
    Set,
    Omap,
    Pairs,
}

enum Anchored {
    /// Still being composed: an alias to it would be a cycle.
    Open,
    Done(Composed),
}

pub(super) struct Composer<'t> {
    parser: Parser<'t>,
    text: &'t str,
    file: FileId,
    dialect: Dialect,
    anchors: HashMap<String, (Mark, Anchored)>,
    words: Words,
    unsafe_depth: usize,
    expanded: usize,
    /// Items and entries of the collections that are open, the innermost one's last: each is allocated once, at its end.
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
    pending: Option<Box<ReadFault>>,
    pub notices: Vec<Notice>,
    /// Of the whole stream.
    pub vaults: Vec<Arc<str>>,
}

/// Short texts seen lately: keys and words stand in a text again and again, and are shared.
#[derive(Default)]
struct Words {
    seen: Vec<Option<Arc<str>>>,
    hash: foldhash::fast::FixedState,
}

impl Words {
    const SLOTS: usize = 256;
    const LONGEST: usize = 32;

    fn shared(&mut self, text: &str) -> Arc<str> {
        if text.len() > Self::LONGEST {
            return text.into();
        }
        self.seen.resize(Self::SLOTS, None);
        let slot = &mut self.seen[self.hash.hash_one(text) as usize % Self::SLOTS];
        match slot {
            Some(known) if **known == *text => known.clone(),
            _ => slot.insert(text.into()).clone(),
        }
    }
}

// Boxed: every level of nesting holds a result on the stack.
type Composing<T> = Result<T, Box<ReadFault>>;

impl<'t> Composer<'t> {
    pub fn new(text: &'t str, file: FileId, dialect: Dialect) -> Self {
        Composer {
            parser: Parser::new(text),
            text,
            file,
            dialect,
            anchors: HashMap::new(),
            words: Words::default(),
            unsafe_depth: 0,
            expanded: 0,
            items: vec![],
            entries: vec![],
            pending: None,
            notices: vec![],
            vaults: vec![],
        }
    }

    /// The root of the next document; `None` at the end of the stream.
    pub fn document(&mut self) -> Composing<Option<Node>> {
        let root = self.root()?.map(|(node, _)| node);
        self.settle().map(|()| root)
    }

    /// The root of the only document.
    pub fn single(&mut self) -> Composing<Option<Node>> {
        let root = self.root()?;
        if let (Some((_, first)), Some(second)) = (&root, self.start()?) {
            return Err(Box::new(ReadFault::Construct {
                code: Code::YAML_SYNTAX,
                context: Some(("expected a single document in the stream".to_owned(), *first)),
                problem: "but found another document".to_owned(),
                at: second,
                voice: Voice::PyYaml,
            }));
        }
        self.settle().map(|()| root.map(|(node, _)| node))
    }

    /// PyYAML constructs data only after a whole document is composed, so faults of syntax come before those of data.
    fn settle(&mut self) -> Composing<()> {
        self.pending.take().map_or(Ok(()), Err)
    }

    /// Keeps the first fault of data for [`Self::settle`] and goes on with a stand-in.
    fn later<T>(&mut self, result: Composing<T>, instead: T) -> T {
        result.unwrap_or_else(|fault| {
            self.pending.get_or_insert(fault);
            instead
        })
    }

    /// Moves to the start of the next document.
    fn start(&mut self) -> Composing<Option<Place>> {
        loop {
            let event = self.next()?;
            match event.kind() {
                Kind::DocumentStart => return Ok(Some(self.place(event.start(), event.start()))),
                Kind::StreamEnd | Kind::Nothing => return Ok(None),
                _ => {}
            }
        }
    }

    fn root(&mut self) -> Composing<Option<(Node, Place)>> {
        if self.start()?.is_none() {
            return Ok(None);
        }
        self.anchors.clear();
        let event = self.next()?;
        let root = self.compose(&event, 0)?;
        let is_data = self.data(&root);
        self.later(is_data, ());
        let place = self.place(root.start, root.start);
        Ok(Some((root.node, place)))
    }

    pub fn place(&self, start: Mark, end: Mark) -> Place {
        Place { mark: start, span: self.span(start, end) }
    }

    fn next(&mut self) -> Composing<Event> {
        self.parser.next().map_err(|f| Box::new(ReadFault::Parse(f)))
    }

    /// Line and column of an offset, for the rare node whose mark is gone.
    fn mark(&self, offset: u32) -> Mark {
        let offset = offset as usize;
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.rfind('\n').map_or(0, |i| i + 1);
        Mark { offset, line: before.matches('\n').count(), column: before[line..].chars().count() }
    }

    fn span(&self, start: Mark, end: Mark) -> Span {
        let start = start.offset.min(self.text.len());
        let end = end.offset.clamp(start, self.text.len());
        let trimmed = self.text.get(start..end).unwrap_or_default().trim_end_matches([' ', '\t', '\r', '\n']).len();
        Span::new(self.file, start, start + trimmed)
    }

    fn fault<T>(&self, at: Place, problem: impl Into<String>) -> Composing<T> {
        Err(Box::new(ReadFault::Construct {
            code: Code::YAML_SYNTAX,
            context: None,
            problem: problem.into(),
            at,
            voice: Voice::PyYaml,
        }))
    }

    /// A fault that Ansible raises, or we alone.
    fn refusal<T>(&self, at: Place, problem: String) -> Composing<T> {
        Err(Box::new(ReadFault::Construct {
            code: Code::YAML_SYNTAX,
            context: None,
            problem,
            at,
            voice: Voice::Ansible,
        }))
    }

    fn at(&self, composed: &Composed) -> Place {
        Place { mark: composed.start, span: composed.node.span }
    }

    fn unknown_tag<T>(&self, tag: &str, at: Place) -> Composing<T> {
        let problem = format!("could not determine a constructor for the tag {}", crate::value::repr_str(tag));
        Err(Box::new(ReadFault::Construct { code: Code::YAML_TAG, context: None, problem, at, voice: Voice::PyYaml }))
    }

    /// Refuses `<<` and `=` where they are no keys.
    fn data(&self, composed: &Composed) -> Composing<()> {
        match composed.role {
            Role::Data => Ok(()),
            Role::Merge => self.unknown_tag(&format!("{STANDARD}merge"), self.at(composed)),
            Role::Value => self.unknown_tag(&format!("{STANDARD}value"), self.at(composed)),
        }
    }

    /// Small on purpose: it recurses through `sequence` and `mapping`.
    fn compose(&mut self, event: &Event, depth: usize) -> Composing<Composed> {
        let place = self.place(event.start(), event.end());
        if depth > DEPTH {
            return self.refusal(place, format!("nested more than {DEPTH} levels deep"));
        }
        match event.kind() {
            Kind::SeqStart { anchor, tag, flow } => {
                self.open(anchor.as_deref(), place)?;
                let form = self.enter(tag.as_deref(), false, place);
                let form = self.later(form, Form::Natural);
                let composed = self.sequence(form, place, flow, depth);
                self.leave(form);
                self.close(anchor, composed)
            }
            Kind::MapStart { anchor, tag, flow } => {
                self.open(anchor.as_deref(), place)?;
                let form = self.enter(tag.as_deref(), true, place);
                let form = self.later(form, Form::Natural);
                let composed = self.mapping(form, place, flow, depth);
                self.leave(form);
                self.close(anchor, composed)
            }
            kind => self.leaf(kind, place),
        }
    }

    fn leaf(&mut self, kind: Kind<'_>, place: Place) -> Composing<Composed> {
        match kind {
            Kind::Alias { anchor } => self.alias(&anchor, place),
            Kind::Scalar { anchor, tag, value, implicit, plain } => {
                self.open(anchor.as_deref(), place)?;
                let data = self.scalar(tag.as_deref(), &value, implicit, plain, place);
                let (kind, role) = self.later(data, (NodeKind::Null, Role::Data));
                let node = Node { kind, span: place.span };
                self.close(anchor, Ok(Composed { node, role, size: 1, start: place.mark }))
            }
            _ => self.fault(place, "expected a node"),
        }
    }

    fn alias(&mut self, anchor: &str, place: Place) -> Composing<Composed> {
        match self.anchors.get(anchor) {
            None => self.fault(place, "found undefined alias"),
            Some((_, Anchored::Open)) => {
                self.refusal(place, "found an alias inside the node that it stands for".to_owned())
            }
            Some((_, Anchored::Done(composed))) => {
                self.expanded += composed.size;
                if self.expanded > EXPANDED {
                    return self.refusal(place, format!("aliases make more than {EXPANDED} nodes of this text"));
                }
                Ok(composed.clone())
            }
        }
    }

    fn open(&mut self, anchor: Option<&str>, place: Place) -> Composing<()> {
        let Some(anchor) = anchor else { return Ok(()) };
        if let Some((first, _)) = self.anchors.get(anchor) {
            return Err(Box::new(ReadFault::Construct {
                code: Code::YAML_SYNTAX,
                context: Some(("found duplicate anchor; first occurrence".to_owned(), self.place(*first, *first))),
                problem: "second occurrence".to_owned(),
                at: place,
                voice: Voice::PyYaml,
            }));
        }
        self.anchors.insert(anchor.to_owned(), (place.mark, Anchored::Open));
        Ok(())
    }

    fn close(&mut self, anchor: Option<Cow<'_, str>>, composed: Composing<Composed>) -> Composing<Composed> {
        if let (Some(anchor), Ok(composed)) = (anchor, &composed) {
            self.anchors.insert(anchor.into_owned(), (composed.start, Anchored::Done(composed.clone())));
        }
        composed
    }

    /// What the tag of a collection makes of it; under `!unsafe` until [`Self::leave`].
    fn enter(&mut self, tag: Option<&str>, is_map: bool, place: Place) -> Composing<Form> {
        let ansible = self.dialect == Dialect::Ansible;
        let tag = match tag {
            None | Some("!") => return Ok(Form::Natural),
            Some("!unsafe") if ansible => {
                self.unsafe_depth += 1;
                return Ok(Form::Unsafe);
            }
            Some(tag @ ("!vault" | "!vault-encrypted")) if ansible => {
                return self.refusal(place, format!("the '{tag}' tag requires a string value"));
            }
            Some(tag) => tag,
        };
        let found = if is_map { "mapping" } else { "sequence" };
        match tag.strip_prefix(STANDARD) {
            Some("map" | "python/dict") if is_map => Ok(Form::Natural),
            Some("set") if is_map => Ok(Form::Set),
            Some("seq") if !is_map => Ok(Form::Natural),
            Some("omap") if !is_map => Ok(Form::Omap),
            Some("pairs") if !is_map => Ok(Form::Pairs),
            Some("map" | "python/dict" | "set") => {
                self.fault(place, format!("expected a mapping node, but found {found}"))
            }
            Some("seq") => self.fault(place, format!("expected a sequence node, but found {found}")),
            Some(tag @ ("omap" | "pairs")) => {
                let form = if tag == "omap" { Form::Omap } else { Form::Pairs };
                self.pairs_fault(form, format!("expected a sequence, but found {found}"), place, place)
            }
            Some("str" | "python/unicode" | "int" | "float" | "bool" | "null" | "timestamp" | "binary") => {
                self.fault(place, format!("expected a scalar node, but found {found}"))
            }
            _ => self.unknown_tag(tag, place),
        }
    }

    fn leave(&mut self, form: Form) {
        if form == Form::Unsafe {
            self.unsafe_depth -= 1;
        }
    }

    fn scalar(
        &mut self,
        tag: Option<&str>,
        text: &str,
        implicit: bool,
        plain: bool,
        place: Place,
    ) -> Composing<(NodeKind, Role)> {
        let is_unsafe = self.unsafe_depth > 0;
        let resolved = match tag {
            None | Some("!") if implicit => scalar::resolve(text),
            None | Some("!") => Tag::Str,
            Some("!unsafe") if self.dialect == Dialect::Ansible => {
                return match scalar::resolve(text) {
                    Tag::Str => Ok((NodeKind::Str { text: text.into(), is_unsafe: true, plain }, Role::Data)),
                    tag => {
                        let (kind, role) = self.construct(tag, text, true, plain, place)?;
                        self.data(&Composed {
                            node: Node { kind: kind.clone(), span: place.span },
                            role,
                            size: 1,
                            start: place.mark,
                        })?;
                        Ok((kind, role))
                    }
                };
            }
            Some(tag @ ("!vault" | "!vault-encrypted")) if self.dialect == Dialect::Ansible => {
                if scalar::resolve(text) != Tag::Str {
                    return self.refusal(place, format!("the '{tag}' tag requires a string value"));
                }
                if tag == "!vault-encrypted" {
                    self.notices.push(Notice::Deprecated {
                        what: "`!vault-encrypted` tag",
                        instead: "Use the `!vault` tag instead.",
                        at: place.span,
                    });
                }
                let ciphertext: Arc<str> = text.into();
                self.vaults.push(ciphertext.clone());
                return Ok((NodeKind::Vault(ciphertext), Role::Data));
            }
            Some(tag) => match tag.strip_prefix(STANDARD) {
                Some("str" | "python/unicode") => Tag::Str,
                Some("null") => Tag::Null,
                Some("bool") => Tag::Bool,
                Some("int") => Tag::Int,
                Some("float") => Tag::Float,
                Some("timestamp") => Tag::Timestamp,
                Some("merge") => Tag::Merge,
                Some("value") => Tag::Value,
                Some("binary") => return Ok((self.binary(text, place)?, Role::Data)),
                Some("map" | "python/dict" | "set") => {
                    return self.fault(place, "expected a mapping node, but found scalar");
                }
                Some("seq") => return self.fault(place, "expected a sequence node, but found scalar"),
                Some(tag @ ("omap" | "pairs")) => {
                    let form = if tag == "omap" { Form::Omap } else { Form::Pairs };
                    let problem = "expected a sequence, but found scalar".to_owned();
                    return self.pairs_fault(form, problem, place, place);
                }
                _ => return self.unknown_tag(tag, place),
            },
        };
        self.construct(resolved, text, is_unsafe, plain, place)
    }

    fn construct(
        &mut self,
        tag: Tag,
        text: &str,
        is_unsafe: bool,
        plain: bool,
        place: Place,
    ) -> Composing<(NodeKind, Role)> {
        let mut string = || NodeKind::Str { text: self.words.shared(text), is_unsafe, plain };
        let kind = match tag {
            Tag::Str => return Ok((string(), Role::Data)),
            Tag::Null => Ok(NodeKind::Null),
            Tag::Bool => scalar::bool(text),
            Tag::Int => scalar::int(text),
            Tag::Float => scalar::float(text),
            Tag::Timestamp => scalar::timestamp(text),
            Tag::Merge => return Ok((string(), Role::Merge)),
            Tag::Value => return Ok((string(), Role::Value)),
        };
        match kind {
            Ok(kind) => Ok((kind, Role::Data)),
            Err(problem) => Err(Box::new(ReadFault::Construct {
                code: Code::YAML_SYNTAX,
                context: None,
                problem,
                at: place,
                voice: Voice::Python,
            })),
        }
    }

    /// Base64 as Python's `decodebytes` reads it: characters outside the alphabet are skipped.
    fn binary(&self, text: &str, place: Place) -> Composing<NodeKind> {
        use base64::Engine;
        if !text.is_ascii() {
            return self.fault(place, "failed to convert base64 data into ascii");
        }
        let clean: String =
            text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect();
        let engine = base64::engine::GeneralPurpose::new(
            &base64::alphabet::STANDARD,
            base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
        );
        match engine.decode(clean) {
            Ok(bytes) => Ok(NodeKind::Bytes(bytes.into())),
            Err(_) => self.fault(place, "failed to decode base64 data: Incorrect padding"),
        }
    }

    fn sequence(&mut self, form: Form, place: Place, flow: bool, depth: usize) -> Composing<Composed> {
        let first = self.items.len();
        let mut size = 1;
        let mut end = place.span.end;
        loop {
            let event = self.next()?;
            if event.is_end() {
                end = if flow { event.end().offset as u32 } else { end };
                break;
            }
            let item = self.compose(&event, depth + 1)?;
            let is_data = self.data(&item);
            self.later(is_data, ());
            end = end.max(last(&event, &item));
            size += item.size;
            if matches!(form, Form::Omap | Form::Pairs) {
                let pair = self.pair(form, &item, place);
                let pair = self.later(pair, item.node);
                self.items.push(pair);
            } else {
                self.items.push(item.node);
            }
        }
        self.note_deprecated(form, place);
        let items = self.items.split_off(first);
        let span = Span { end, ..place.span };
        Ok(Composed { node: Node { kind: NodeKind::Seq(items), span }, role: Role::Data, size, start: place.mark })
    }

    fn note_deprecated(&mut self, form: Form, place: Place) {
        let (what, instead) = match form {
            Form::Omap => ("`!!omap` tag", "Use a standard mapping instead, as key order is always preserved."),
            Form::Pairs => ("`!!pairs` tag", "Use a standard mapping instead."),
            _ => return,
        };
        self.notices.push(Notice::Deprecated { what, instead, at: place.span });
    }

    /// An item of `!!omap` or `!!pairs` as a list of key and value.
    fn pair(&self, form: Form, item: &Composed, whole: Place) -> Composing<Node> {
        let problem = match &item.node.kind {
            NodeKind::Map(entries) => match &entries[..] {
                [(key, value)] => {
                    return Ok(Node { kind: NodeKind::Seq(vec![key.clone(), value.clone()]), span: item.node.span });
                }
                _ => format!("expected a single mapping item, but found {} items", entries.len()),
            },
            NodeKind::Seq(_) => "expected a mapping of length 1, but found sequence".to_owned(),
            _ => "expected a mapping of length 1, but found scalar".to_owned(),
        };
        self.pairs_fault(form, problem, whole, self.at(item))
    }

    fn pairs_fault<T>(&self, form: Form, problem: String, whole: Place, at: Place) -> Composing<T> {
        let context = if form == Form::Omap { "while constructing an ordered map" } else { "while constructing pairs" };
        Err(Box::new(ReadFault::Construct {
            code: Code::YAML_SYNTAX,
            context: Some((context.to_owned(), whole)),
            problem,
            at,
            voice: Voice::PyYaml,
        }))
    }

    fn mapping(&mut self, form: Form, place: Place, flow: bool, depth: usize) -> Composing<Composed> {
        let first = self.entries.len();
        let mut merged = Vec::new();
        let mut size = 1;
        let mut end = place.span.end;
        loop {
            let event = self.next()?;
            if event.is_end() {
                end = if flow { event.end().offset as u32 } else { end };
                break;
            }
            let key = self.compose(&event, depth + 1)?;
            let event = self.next()?;
            let value = self.compose(&event, depth + 1)?;
            end = end.max(last(&event, &value));
            size += key.size + value.size;
            if key.role == Role::Merge {
                let added = self.merge(value, place, &mut merged);
                self.later(added, ());
            } else {
                let fits = self.data(&value).and_then(|()| self.hashable(&key, place));
                self.later(fits, ());
                self.entries.push((key.node, value.node));
            }
        }
        let mut own = self.entries.split_off(first);
        if !merged.is_empty() {
            merged.append(&mut own);
            own = merged;
        }
        let entries = self.deduplicate(own);
        let span = Span { end, ..place.span };
        let kind = match form {
            Form::Set => NodeKind::Seq(entries.into_iter().map(|(key, _)| key).collect()),
            _ => NodeKind::Map(entries),
        };
        Ok(Composed { node: Node { kind, span }, role: Role::Data, size, start: place.mark })
    }

    fn hashable(&self, key: &Composed, whole: Place) -> Composing<()> {
        if !matches!(key.node.kind, NodeKind::Seq(_) | NodeKind::Map(_)) {
            return Ok(());
        }
        Err(Box::new(ReadFault::Construct {
            code: Code::YAML_SYNTAX,
            context: Some(("while constructing a mapping".to_owned(), whole)),
            problem: "found unhashable key".to_owned(),
            at: self.at(key),
            voice: Voice::PyYaml,
        }))
    }

    /// Adds what `<<: value` brings; of a list of maps the first that has a key wins.
    fn merge(&mut self, value: Composed, place: Place, merged: &mut Vec<(Node, Node)>) -> Composing<()> {
        let context = Some(("while constructing a mapping".to_owned(), place));
        let fault = |at, problem| {
            Err(Box::new(ReadFault::Construct { code: Code::YAML_SYNTAX, context, problem, at, voice: Voice::PyYaml }))
        };
        let at = self.at(&value);
        match value.node.kind {
            NodeKind::Map(entries) => merged.extend(entries),
            NodeKind::Seq(maps) => {
                for map in maps.into_iter().rev() {
                    match map.kind {
                        NodeKind::Map(entries) => merged.extend(entries),
                        other => {
                            let at = Place { span: map.span, mark: self.mark(map.span.start) };
                            return fault(at, format!("expected a mapping for merging, but found {}", shape(&other)));
                        }
                    }
                }
            }
            other => {
                let problem =
                    format!("expected a mapping or list of mappings for merging, but found {}", shape(&other));
                return fault(at, problem);
            }
        }
        Ok(())
    }

    /// Keeps the last value of each key at the first one's position, and notes every repetition.
    fn deduplicate(&mut self, mut entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
        let repeated = repetitions(&entries);
        if repeated.is_empty() {
            return entries;
        }
        let mut gone = vec![false; entries.len()];
        for (first, again) in repeated {
            let (key, value) = entries[again].clone();
            let first_key = &mut entries[first].0;
            self.notices.push(Notice::Duplicate {
                key: key.to_value(crate::value::Trust::Foreign).repr(),
                first: first_key.span,
                second: key.span,
            });
            first_key.span = key.span;
            entries[first].1 = value;
            gone[again] = true;
        }
        let mut gone = gone.into_iter();
        entries.retain(|_| !gone.next().unwrap_or(false));
        entries
    }
}

/// Where an item of a block collection ends in the text; an alias ends where it stands, not where its anchor does.
fn last(event: &Event, item: &Composed) -> u32 {
    if event.is_alias() { event.end().offset as u32 } else { item.node.span.end }
}

fn shape(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Seq(_) => "sequence",
        NodeKind::Map(_) => "mapping",
        _ => "scalar",
    }
}

/// A key as Python compares and hashes it: `1 == 1.0 == True`.
#[derive(PartialEq, Eq, Hash)]
enum Identity<'n> {
    Null,
    Int(i64),
    Big(&'n num_bigint::BigInt),
    Float(u64),
    Str(&'n str),
    Time(&'n str),
    Bytes(&'n Arc<[u8]>),
    Vault(&'n str),
}

fn identity(node: &Node) -> Option<Identity<'_>> {
    Some(match &node.kind {
        NodeKind::Null => Identity::Null,
        NodeKind::Bool(b) => Identity::Int(i64::from(*b)),
        NodeKind::Int(i) => Identity::Int(*i),
        NodeKind::BigInt(i) => Identity::Big(i),
        NodeKind::Float(f) if f.is_nan() => return None,
        NodeKind::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Identity::Int(*f as i64),
        NodeKind::Float(f) => Identity::Float(f.to_bits()),
        NodeKind::Str { text, .. } => Identity::Str(text),
        NodeKind::Timestamp(t) => Identity::Time(t),
        NodeKind::Bytes(b) => Identity::Bytes(b),
        NodeKind::Vault(v) => Identity::Vault(v),
        NodeKind::Seq(_) | NodeKind::Map(_) => return None,
    })
}

/// Pairs of positions: where a key stood first and where it stands again.
fn repetitions(entries: &[(Node, Node)]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let keys = entries.iter().enumerate().filter_map(|(i, (key, _))| Some((i, identity(key)?)));
    if entries.len() <= 12 {
        let mut seen: Vec<(usize, Identity<'_>)> = Vec::with_capacity(entries.len());
        for (i, key) in keys {
            match seen.iter().find(|(_, k)| *k == key) {
                Some((first, _)) => found.push((*first, i)),
                None => seen.push((i, key)),
            }
        }
    } else {
        let mut seen = HashMap::with_capacity_and_hasher(entries.len(), foldhash::fast::RandomState::default());
        for (i, key) in keys {
            let first = *seen.entry(key).or_insert(i);
            if first != i {
                found.push((first, i));
            }
        }
    }
    found
}
