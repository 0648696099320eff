//! Faults as text in rustc's manner: code, place, excerpt with every label, causes, hints. The only door to
//! annotate-snippets.

use crate::diag::{Diagnostic, Label, Severity, SourceFile, SourceMap};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;
use std::sync::Arc;

/// Lines shown around each label.
const AROUND: usize = 2;

/// One diagnostic; the text does not end in a newline. `width` is the terminal's, in columns.
pub fn annotated(diagnostic: &Diagnostic, sources: &SourceMap, color: bool, width: usize) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let excerpts = excerpts(diagnostic, sources);
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.0);
    let mut group = Group::with_title(title).elements(excerpts.iter().map(Excerpt::snippet));
    group = group.elements(diagnostic.causes.iter().map(|c| Level::NOTE.message(format!("caused by: {c}"))));
    group = group.elements(diagnostic.hints.iter().map(|h| Level::HELP.message(h.as_str())));
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(width).render(&[group])
}

/// Neighbouring labels of one file, with the lines that are shown for them.
struct Excerpt<'d> {
    file: Arc<SourceFile>,
    path: String,
    /// Bytes of the file that are shown: whole lines.
    shown: Range<usize>,
    labels: Vec<(&'d Label, bool)>,
}

/// One excerpt for each run of labels whose lines meet; the one with the primary label first.
fn excerpts<'d>(diagnostic: &'d Diagnostic, sources: &SourceMap) -> Vec<Excerpt<'d>> {
    let mut out: Vec<Excerpt<'d>> = Vec::new();
    for (i, label) in diagnostic.labels.iter().enumerate() {
        let Some(file) = sources.file(label.span.file) else { continue };
        let shown = lines_around(&file.text, clip(&file.text, label));
        let same = |e: &&mut Excerpt<'_>| {
            Arc::ptr_eq(&e.file, &file) && e.shown.start <= shown.end && shown.start <= e.shown.end
        };
        match out.iter_mut().find(same) {
            Some(excerpt) => {
                excerpt.shown = excerpt.shown.start.min(shown.start)..excerpt.shown.end.max(shown.end);
                excerpt.labels.push((label, i == 0));
            }
            None => {
                let path = file.path().display().to_string();
                out.push(Excerpt { file, path, shown, labels: vec![(label, i == 0)] });
            }
        }
    }
    out
}

impl Excerpt<'_> {
    fn snippet(&self) -> Snippet<'_, Annotation<'_>> {
        let text = &self.file.text;
        let first = self.file.line_column(self.shown.start as u32).0;
        let annotations = self.labels.iter().map(|(label, primary)| {
            let span = clip(text, label);
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(span.start - self.shown.start..span.end - self.shown.start);
            if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
        });
        Snippet::source(&text[self.shown.clone()])
            .line_start(first)
            .path(self.path.as_str())
            .fold(false)
            .annotations(annotations)
    }
}

/// The bytes of a label's first line: of a whole task only the start is pointed at.
fn clip(text: &str, label: &Label) -> Range<usize> {
    let floor = |at: u32| (0..=(at as usize).min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let (start, end) = (floor(label.span.start), floor(label.span.end));
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    start..end.clamp(start, line_end)
}

fn lines_around(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = text[..span.start].rfind('\n').map_or(0, |i| i + 1);
    let mut end = text[span.end..].find('\n').map_or(text.len(), |i| span.end + i);
    for _ in 0..AROUND {
        start = text[..start.saturating_sub(1)].rfind('\n').map_or(0, |i| i + 1);
        end = text.get(end + 1..).map_or(text.len(), |rest| rest.find('\n').map_or(text.len(), |i| end + 1 + i));
    }
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Code, FileId, Span};

    #[test]
    fn labels_near_each_other_share_an_excerpt() {
        let sources = SourceMap::default();
        let file = sources.add("site.yml", "- hosts: all\n  vars:\n    é: 1\n    b: 2\n    é: 3\n  tasks: []\n");
        let warning = Diagnostic::warning(Code::YAML_DUPLICATE_KEY, "Found duplicate mapping key 'é'.")
            .at(Span::new(file, 44, 46), "this value is used")
            .at(Span::new(file, 25, 27), "first defined here")
            .hint("Using last defined value only.");
        insta::assert_snapshot!(annotated(&warning, &sources, false, 100), @r"
        warning[W0101]: Found duplicate mapping key 'é'.
         --> site.yml:5:5
          |
        1 | - hosts: all
        2 |   vars:
        3 |     é: 1
          |     - first defined here
        4 |     b: 2
        5 |     é: 3
          |     ^ this value is used
        6 |   tasks: []
          |
          = help: Using last defined value only.
        ");
        assert!(annotated(&warning, &sources, true, 100).contains("\u{1b}["));
    }

    #[test]
    fn places_far_apart_and_in_other_files_have_their_own() {
        let sources = SourceMap::default();
        let play = sources.add("site.yml", (1..40).map(|i| format!("line{i}: x\n")).collect::<String>());
        let role = sources.add("roles/a/tasks/main.yml", "- debug:\n    msg: \"{{ nope }}\"\n");
        let fault = Diagnostic::error(Code::YAML_SYNTAX, "'nope' is undefined")
            .at(Span::new(role, 18, 30), "")
            .at(Span::new(play, 291, 297), "included from here")
            .cause("the template failed");
        insta::assert_snapshot!(annotated(&fault, &sources, false, 100), @r#"
        error[E0101]: 'nope' is undefined
          --> roles/a/tasks/main.yml:2:10
           |
         1 | - debug:
         2 |     msg: "{{ nope }}"
           |          ^^^^^^^^^^^^
           |
          ::: site.yml:31:1
           |
        29 | line29: x
        30 | line30: x
        31 | line31: x
           | ------ included from here
        32 | line32: x
        33 | line33: x
           |
           = note: caused by: the template failed
        "#);
    }

    #[test]
    fn places_outside_any_text_are_left_out() {
        let sources = SourceMap::default();
        let file = sources.add("a.yml", "é");
        for span in
            [Span::new(FileId(9), 0, 1), Span::new(file, 1, 900), Span::new(file, 2, 2), Span::new(file, 900, 0)]
        {
            let fault = Diagnostic::error(Code::YAML_SYNTAX, "message").at(span, "here");
            assert!(annotated(&fault, &sources, false, 80).starts_with("error[E0101]: message"));
        }
    }
}
