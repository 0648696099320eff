//! Source files, spans in them, and line and column of a span.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// A file in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A range of bytes in a source file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Span { file, start: start as u32, end: end as u32 }
    }
}

/// A thing with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    pub node: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(node: T, span: Span) -> Self {
        Spanned { node, span }
    }
}

/// One source text. `text` is what was parsed, so offsets of spans fit it.
#[derive(Debug)]
pub struct SourceFile {
    /// As people should see it; `<command line>` and the like for text that is in no file.
    pub path: PathBuf,
    pub text: Arc<str>,
    /// The file is encrypted: `text` has its lines and offsets, and stars in place of its content.
    pub sealed: bool,
    line_starts: Vec<u32>,
}

/// Line and column of the start of a span, both from 1; the column counts characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    pub path: PathBuf,
    pub line: usize,
    pub column: usize,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// All texts read in one run. Only grows, so spans stay valid; cheap to clone and to share between threads.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Arc<RwLock<Vec<Arc<SourceFile>>>>,
    sealed: Arc<RwLock<HashSet<PathBuf>>>,
}

impl SourceMap {
    /// The text of this path is a secret: what is added under it from now on is kept without its content.
    pub fn seal(&self, path: impl Into<PathBuf>) {
        self.sealed.write().unwrap_or_else(|e| e.into_inner()).insert(path.into());
    }

    /// Adds a text and returns its number.
    pub fn add(&self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let (path, mut text) = (path.into(), text.into());
        let sealed = self.sealed.read().unwrap_or_else(|e| e.into_inner()).contains(&path);
        if sealed {
            text = masked(&text).into();
        }
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        let mut files = self.files.write().unwrap_or_else(|e| e.into_inner());
        files.push(Arc::new(SourceFile { path, text, sealed, line_starts }));
        FileId(files.len() as u32 - 1)
    }

    /// A source without text, known by its description alone: `<environment variable 'HOME'>`.
    pub fn described(&self, description: &str) -> FileId {
        let files = self.files.read().unwrap_or_else(|e| e.into_inner());
        let found = files.iter().rposition(|f| f.path.as_os_str() == description && f.text.is_empty());
        drop(files);
        found.map_or_else(|| self.add(description, ""), |i| FileId(i as u32))
    }

    pub fn file(&self, id: FileId) -> Option<Arc<SourceFile>> {
        self.files.read().unwrap_or_else(|e| e.into_inner()).get(id.0 as usize).cloned()
    }

    /// All texts, in the order in which they were read.
    pub fn files(&self) -> Vec<Arc<SourceFile>> {
        self.files.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    pub fn location(&self, span: Span) -> Option<Location> {
        let file = self.file(span.file)?;
        let (line, column) = file.line_column(span.start);
        Some(Location { path: file.path.clone(), line, column })
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> Option<String> {
        self.file(span.file)?.text.get(span.start as usize..span.end as usize).map(str::to_owned)
    }

    pub fn path(&self, id: FileId) -> Option<PathBuf> {
        self.file(id).map(|f| f.path.clone())
    }
}

/// The same lines and offsets without the content.
fn masked(text: &str) -> String {
    let mask = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    text.chars().map(mask).collect()
}

impl SourceFile {
    /// Line and column, from 1, of a byte offset.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|s| *s <= offset).max(1);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text.get(start..offset as usize).map_or(0, |t| t.chars().count()) + 1;
        (line, column)
    }
    /// Byte offset of a line and column, both from 0, the column in characters; clamped to the text.
    pub fn offset(&self, line: usize, column: usize) -> u32 {
        let Some(&start) = self.line_starts.get(line) else {
            return self.text.len() as u32;
        };
        let rest = &self.text[start as usize..];
        start + rest.char_indices().nth(column).map_or(rest.len(), |(i, _)| i) as u32
    }
    pub fn path(&self) -> &Path {
        &self.path
    }
}
