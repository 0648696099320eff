//! The one door to libyaml's parser, and the only `unsafe` of this part: text in, events with marks out.
//!
//! Nothing here knows what the events mean. Every pointer that libyaml hands out is copied or borrowed under the lifetime
//! of its event, and every event and the parser itself are freed on drop.

use std::borrow::Cow;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Deref;
#[allow(clippy::unsafe_removed_from_name)] // `sys` is where the unsafe is
use unsafe_libyaml as sys;

/// A place in the text, from 0. The offset counts bytes (unsafe-libyaml differs from libyaml in that), the column
/// characters; CR, CR LF, LF, NEL, LS and PS end a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub offset: usize,
    pub line: usize,
    pub column: usize,
}

impl From<sys::yaml_mark_t> for Mark {
    fn from(m: sys::yaml_mark_t) -> Self {
        Mark { offset: m.index as usize, line: m.line as usize, column: m.column as usize }
    }
}

/// Why libyaml gave up, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A character that YAML does not allow, and its offset in bytes.
    Reader { problem: String, offset: usize, character: u32 },
    /// A fault of syntax: what was being read and what was wrong.
    Syntax { context: Option<(String, Mark)>, problem: String, mark: Mark },
}

/// What an event says, borrowed from it.
#[derive(Debug)]
pub(super) enum Kind<'e> {
    Nothing,
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias {
        anchor: Cow<'e, str>,
    },
    /// `implicit`: the text may be resolved to another type (plain, or with the tag `!`).
    Scalar {
        anchor: Option<Cow<'e, str>>,
        tag: Option<Cow<'e, str>>,
        value: Cow<'e, str>,
        implicit: bool,
        plain: bool,
    },
    SeqStart {
        anchor: Option<Cow<'e, str>>,
        tag: Option<Cow<'e, str>>,
        flow: bool,
    },
    SeqEnd,
    MapStart {
        anchor: Option<Cow<'e, str>>,
        tag: Option<Cow<'e, str>>,
        flow: bool,
    },
    MapEnd,
}

/// One event; freed on drop.
pub(super) struct Event(sys::yaml_event_t);

impl Event {
    pub fn start(&self) -> Mark {
        self.0.start_mark.into()
    }
    pub fn end(&self) -> Mark {
        self.0.end_mark.into()
    }
    /// Whether it ends a collection.
    pub fn is_end(&self) -> bool {
        matches!(self.0.type_, sys::YAML_SEQUENCE_END_EVENT | sys::YAML_MAPPING_END_EVENT)
    }
    pub fn is_alias(&self) -> bool {
        self.0.type_ == sys::YAML_ALIAS_EVENT
    }
    /// Checks the texts: to be called once for each event.
    pub fn kind(&self) -> Kind<'_> {
        // SAFETY: `type_` says which member of the union libyaml has written; its strings are null or end with a zero
        // byte, and live until the event is deleted, that is as long as `self`.
        unsafe {
            let data = &self.0.data;
            match self.0.type_ {
                sys::YAML_STREAM_START_EVENT => Kind::StreamStart,
                sys::YAML_STREAM_END_EVENT => Kind::StreamEnd,
                sys::YAML_DOCUMENT_START_EVENT => Kind::DocumentStart,
                sys::YAML_DOCUMENT_END_EVENT => Kind::DocumentEnd,
                sys::YAML_ALIAS_EVENT => Kind::Alias { anchor: text(data.alias.anchor).unwrap_or_default() },
                sys::YAML_SCALAR_EVENT => Kind::Scalar {
                    anchor: text(data.scalar.anchor),
                    tag: text(data.scalar.tag),
                    value: counted(data.scalar.value, data.scalar.length as usize),
                    implicit: data.scalar.plain_implicit,
                    plain: data.scalar.style == sys::YAML_PLAIN_SCALAR_STYLE,
                },
                sys::YAML_SEQUENCE_START_EVENT => Kind::SeqStart {
                    anchor: text(data.sequence_start.anchor),
                    tag: text(data.sequence_start.tag),
                    flow: data.sequence_start.style == sys::YAML_FLOW_SEQUENCE_STYLE,
                },
                sys::YAML_SEQUENCE_END_EVENT => Kind::SeqEnd,
                sys::YAML_MAPPING_START_EVENT => Kind::MapStart {
                    anchor: text(data.mapping_start.anchor),
                    tag: text(data.mapping_start.tag),
                    flow: data.mapping_start.style == sys::YAML_FLOW_MAPPING_STYLE,
                },
                sys::YAML_MAPPING_END_EVENT => Kind::MapEnd,
                _ => Kind::Nothing,
            }
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event was filled by `yaml_parser_parse` and is deleted once.
        unsafe { sys::yaml_event_delete(&raw mut self.0) }
    }
}

/// # Safety
/// `start` is null or points to bytes that end with a zero and outlive `'e`.
unsafe fn text<'e>(start: *const u8) -> Option<Cow<'e, str>> {
    // SAFETY: as promised by the caller.
    (!start.is_null()).then(|| unsafe { CStr::from_ptr(start.cast()) }.to_string_lossy())
}

/// # Safety
/// `start` is null or points to `length` bytes that outlive `'e`.
unsafe fn counted<'e>(start: *const u8, length: usize) -> Cow<'e, str> {
    if start.is_null() {
        return Cow::Borrowed("");
    }
    // SAFETY: as promised by the caller.
    String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(start, length) })
}

/// A running parser over a borrowed text.
pub(super) struct Parser<'t> {
    // libyaml keeps a pointer to the parser in the parser, so it must not move.
    raw: Box<MaybeUninit<sys::yaml_parser_t>>,
    failed: Option<Fault>,
    text: PhantomData<&'t str>,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut raw = Box::new(MaybeUninit::uninit());
        // SAFETY: initialised first; allocation failures abort inside libyaml, so it cannot fail otherwise. The text
        // outlives the parser by `'t`.
        unsafe {
            let parser = raw.as_mut_ptr();
            let _ = sys::yaml_parser_initialize(parser);
            sys::yaml_parser_set_encoding(parser, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
        }
        Parser { raw, failed: None, text: PhantomData }
    }

    /// The next event. After the end of the stream only [`Kind::Nothing`] comes; after a fault the same fault.
    pub fn next(&mut self) -> Result<Event, Fault> {
        if let Some(fault) = &self.failed {
            return Err(fault.clone());
        }
        let mut event = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: the parser is initialised; `yaml_parser_parse` writes the whole event before anything can fail.
        unsafe {
            let parser = self.raw.as_mut_ptr();
            if sys::yaml_parser_parse(parser, event.as_mut_ptr()).ok {
                return Ok(Event(event.assume_init()));
            }
            let fault = fault(&*parser);
            self.failed = Some(fault.clone());
            Err(fault)
        }
    }
}

/// # Safety
/// The parser has failed.
unsafe fn fault(parser: &sys::yaml_parser_t) -> Fault {
    let words = |p: *const i8| -> Option<String> {
        // SAFETY: libyaml's messages are literals that end with a zero.
        (!p.is_null()).then(|| unsafe { CStr::from_ptr(p.cast()) }.to_string_lossy().into_owned())
    };
    let prefix = parser.deref();
    let problem = words(prefix.problem).unwrap_or_else(|| "cannot be read".to_owned());
    if prefix.error == sys::YAML_READER_ERROR {
        return Fault::Reader {
            problem,
            offset: prefix.problem_offset as usize,
            character: u32::try_from(prefix.problem_value).unwrap_or(0),
        };
    }
    Fault::Syntax {
        context: words(prefix.context).map(|c| (c, prefix.context_mark.into())),
        problem,
        mark: prefix.problem_mark.into(),
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, deleted once.
        unsafe { sys::yaml_parser_delete(self.raw.as_mut_ptr()) }
    }
}
