//! Pages of filters, tests, lookups and keywords, from their tables.

use super::Page;
use crate::playbook::{KEYWORDS, Keyword};
use crate::template::{FILTERS, LOOKUPS, Param, TESTS};
use std::fmt::Write;

pub fn filters() -> Vec<Page> {
    let pages = FILTERS.iter().copied().flatten().map(|f| {
        let (example, result) = f.example;
        let mut text = head(f.collection, f.name, f.aliases, f.summary);
        parameters("Arguments", f.params, &mut text);
        if let Some(rest) = f.rest {
            let _ = writeln!(text, "- and more, by position: {rest}");
        }
        if f.named {
            let _ = writeln!(text, "- and more, by name");
        }
        let _ = writeln!(text, "\n## Example\n\n```\n{{{{ {example} }}}}\n```\n\ngives `{result}`\n");
        page(f.collection, f.name, f.aliases, f.summary, text)
    });
    sorted(pages.collect())
}

pub fn tests() -> Vec<Page> {
    let pages = TESTS.iter().copied().flatten().map(|t| {
        let mut text = head(t.collection, t.name, t.aliases, t.summary);
        parameters("Arguments", t.params, &mut text);
        let _ = writeln!(text, "\n## Example\n\n```\n{{{{ {} }}}}\n```\n\ngives `True`\n", t.example);
        page(t.collection, t.name, t.aliases, t.summary, text)
    });
    sorted(pages.collect())
}

pub fn lookups() -> Vec<Page> {
    let pages = LOOKUPS.iter().copied().flatten().map(|l| {
        let (example, result) = l.example;
        let mut text = head(l.collection, l.name, l.aliases, l.summary);
        parameters("Options", l.params, &mut text);
        let _ = writeln!(text, "\n## Example\n\n```\n{{{{ {example} }}}}\n```\n\ngives `{result}`\n");
        page(l.collection, l.name, l.aliases, l.summary, text)
    });
    sorted(pages.collect())
}

pub fn keywords() -> Vec<Page> {
    let page = |k: &Keyword| Page {
        name: k.name.to_owned(),
        others: vec![],
        summary: k.doc.to_owned(),
        text: k.page(),
        data: None,
    };
    KEYWORDS.iter().map(page).collect()
}

fn page(collection: &str, name: &str, aliases: &[&str], summary: &str, text: String) -> Page {
    let others = [name].into_iter().chain(aliases.iter().copied()).map(str::to_owned);
    let full = aliases.iter().map(|n| format!("{collection}.{n}"));
    Page {
        name: format!("{collection}.{name}"),
        others: others.chain(full).collect(),
        summary: summary.to_owned(),
        text,
        data: None,
    }
}

fn head(collection: &str, name: &str, aliases: &[&str], summary: &str) -> String {
    let also = match aliases {
        [] => String::new(),
        names => format!("Also called {}.\n\n", names.join(", ")),
    };
    format!("# {collection}.{name}\n\n{summary}\n\n{also}")
}

fn parameters(title: &str, params: &[Param], out: &mut String) {
    if params.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {title}\n");
    for param in params {
        let default = param.default.map_or_else(|| "required".to_owned(), |d| format!("default: {d}"));
        let _ = writeln!(out, "- `{}` ({}; {default})", param.name, param.kind);
    }
}

fn sorted(mut pages: Vec<Page>) -> Vec<Page> {
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}
