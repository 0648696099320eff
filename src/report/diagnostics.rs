//! Faults as text, in the form that ansible-core 2.19 gives them: message, origin, excerpt with a caret, causes.

use crate::diag::{Code, Diagnostic, Severity, SourceMap, Span};
use crate::event::Cause;

/// Lines shown before the line at fault.
const LINES_BEFORE: usize = 2;
/// Columns of an excerpt, line numbers included.
const WIDTH: usize = 120;
const CUT: &str = "...";

/// A diagnostic: `[ERROR]: message`, code, origin, excerpt, further places, causes, hints.
pub fn reference(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "ERROR",
        Severity::Warning if diagnostic.code == Code::DEPRECATED => "DEPRECATION WARNING",
        Severity::Warning => "WARNING",
    };
    let mut out = format!("[{word}]: {}", diagnostic.message);
    let mut excerpts = String::new();
    for (i, label) in diagnostic.labels.iter().enumerate() {
        if diagnostic.labels[..i].iter().any(|e| sources.location(e.span) == sources.location(label.span)) {
            continue;
        }
        if i > 0 {
            excerpts.push_str(&format!("\n{}\n", if label.text.is_empty() { "See also:" } else { &label.text }));
        }
        excerpts.push_str(&origin(label.span, sources));
    }
    // What the message has in full is not told again.
    for cause in diagnostic.causes.iter().filter(|c| !diagnostic.message.contains(c.trim_end_matches('.'))) {
        excerpts.push_str(&format!("\n<<< caused by >>>\n\n{cause}\n"));
    }
    if !excerpts.is_empty() {
        out.push('\n');
        out.push_str(excerpts.trim_end_matches('\n'));
        out.push('\n');
    }
    for hint in &diagnostic.hints {
        out.push_str(&format!("\nHint: {hint}"));
    }
    if diagnostic.severity == Severity::Error {
        out.push_str(&format!("\n({}: `tightbeam explain {}` tells more)", diagnostic.code, diagnostic.code));
    }
    out
}

/// A failed task: the chain of messages on one line, then each link with its own place.
pub fn failure(causes: &[Cause], sources: &SourceMap) -> String {
    let chain: Vec<&str> = causes.iter().map(|c| c.message.as_str()).collect();
    let mut out = format!("[ERROR]: {}", chain.join(": "));
    let first = causes.first().and_then(|c| c.span);
    let one_place = causes.iter().skip(1).all(|c| c.span.is_none() || c.span == first);
    if one_place {
        if let Some(span) = first {
            out.push('\n');
            out.push_str(&origin(span, sources));
        }
        return out;
    }
    out.push('\n');
    // Links that stand at one place are told as one.
    let links: Vec<&[Cause]> = causes.chunk_by(|a, b| a.span == b.span).collect();
    for (i, link) in links.iter().enumerate() {
        out.push_str(if i == 0 { "\n" } else { "\n<<< caused by >>>\n\n" });
        let words: Vec<&str> = link.iter().map(|c| c.message.as_str()).collect();
        let dot = if i + 1 < links.len() { "." } else { "" };
        out.push_str(&format!("{}{dot}\n", words.join(": ")));
        if let Some(span) = link[0].span {
            out.push_str(&origin(span, sources));
        }
    }
    out
}

/// `Origin: path:line:column` and the excerpt; ends with a newline. Empty for a span that is in no text.
pub fn origin(span: Span, sources: &SourceMap) -> String {
    let (Some(place), Some(file)) = (sources.location(span), sources.file(span.file)) else { return String::new() };
    let mut out = format!("Origin: {place}\n");
    if file.sealed {
        out.push_str("\n(source not shown: content encrypted)\n");
        return out;
    }
    let first = place.line.saturating_sub(LINES_BEFORE).max(1);
    let numbers = place.line.to_string().len();
    let room = WIDTH - numbers - 1;
    let lines: Vec<&str> = file.text.lines().skip(first - 1).take(place.line - first + 1).collect();
    if lines.is_empty() || place.line > file.text.lines().count().max(1) {
        out.push_str("\n(the text ends there)\n");
        return out;
    }
    out.push('\n');
    let mut usable = room;
    for (i, line) in lines.iter().enumerate() {
        let mut line = line.replace('\t', " ");
        if let Some((end, _)) = line.char_indices().nth(room) {
            usable = room - CUT.len();
            let end = line.char_indices().nth(usable).map_or(end, |(i, _)| i);
            line.truncate(end);
            line.push_str(CUT);
        }
        let blank = if line.is_empty() { "" } else { " " };
        out.push_str(&format!("{:>numbers$}{blank}{line}\n", first + i));
    }
    if place.column <= usable {
        let words = format!("column {}", place.column);
        let before = place.column - 1;
        // The words go to the left of the caret where there is no room to its right.
        let marker = if before + 2 + words.len() > room {
            format!("{:>before$} ^", words, before = before.saturating_sub(1))
        } else {
            format!("{:before$}^ {words}", "")
        };
        out.push_str(&format!("{:numbers$} {marker}\n", ""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_with_two_places() {
        let sources = SourceMap::default();
        let file = sources.add("/p/x.yml", "- hosts: all\n  tasks:\n    - debug:\n        msg: '{{ nope }}'\n");
        let causes = [
            Cause { message: "Task failed".into(), span: Some(Span::new(file, 28, 33)) },
            Cause { message: "'nope' is undefined".into(), span: Some(Span::new(file, 48, 60)) },
        ];
        assert_eq!(
            failure(&causes, &sources),
            "[ERROR]: Task failed: 'nope' is undefined\n\nTask failed.\nOrigin: /p/x.yml:3:7\n\n1 - hosts: all\n2   tasks:\n3     - debug:\n        ^ column 7\n\n\
             <<< caused by >>>\n\n'nope' is undefined\nOrigin: /p/x.yml:4:14\n\n2   tasks:\n3     - debug:\n4         msg: '{{ nope }}'\n               ^ column 14\n"
        );
    }

    #[test]
    fn long_lines_are_cut_and_the_words_move_left() {
        let sources = SourceMap::default();
        let text = format!("a\n\n\tb: {} {}\n", "x".repeat(104), "y".repeat(60));
        let file = sources.add("f", text);
        let shown = |column: usize| origin(Span::new(file, 2 + column, 2 + column), &sources);
        let cut = format!("3  b: {} {}...\n", "x".repeat(104), "y".repeat(6));
        assert_eq!(shown(2), format!("Origin: f:3:2\n\n1 a\n2\n{cut}   ^ column 2\n"));
        assert_eq!(shown(112), format!("Origin: f:3:112\n\n1 a\n2\n{cut}  {}column 112 ^\n", " ".repeat(100)));
        assert_eq!(shown(130), format!("Origin: f:3:130\n\n1 a\n2\n{cut}"));
    }
}
