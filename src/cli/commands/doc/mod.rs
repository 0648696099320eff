//! `tightbeam doc`: modules, filters, tests, lookups and keywords, from the tables that the program itself uses.

mod modules;
mod plugins;

use crate::cli::args::{DocArgs, DocKind};
use crate::cli::error::{CommandError, code};
use crate::cli::out::out;
use std::fmt::Write;

/// One thing that has documentation.
struct Page {
    name: String,
    /// Short names and aliases.
    others: Vec<String>,
    summary: String,
    /// Markdown.
    text: String,
}

pub fn run(args: &DocArgs) -> Result<u8, CommandError> {
    let pages = pages(args.kind);
    let mut text = String::new();
    // Writing to a String cannot fail.
    match (args.names.is_empty(), args.list, args.kind) {
        (true, false, DocKind::Keyword) => text = crate::playbook::keyword_reference(),
        (true, _, _) => {
            let width = pages.iter().map(|p| p.name.len()).max().unwrap_or(0) + 2;
            for page in &pages {
                let _ = writeln!(text, "{:<width$}{}", page.name, page.summary);
            }
        }
        _ => {
            for name in &args.names {
                let page = find(&pages, name, args.kind)?;
                match args.list {
                    true => {
                        let _ = writeln!(text, "{}  {}", page.name, page.summary);
                    }
                    false => text += &page.text,
                }
            }
        }
    }
    out!("{text}");
    Ok(code::OK)
}

fn pages(kind: DocKind) -> Vec<Page> {
    match kind {
        DocKind::Module => modules::pages(),
        DocKind::Filter => plugins::filters(),
        DocKind::Test => plugins::tests(),
        DocKind::Lookup => plugins::lookups(),
        DocKind::Keyword => plugins::keywords(),
    }
}

fn find<'a>(pages: &'a [Page], name: &str, kind: DocKind) -> Result<&'a Page, CommandError> {
    let full = |p: &&Page| p.name == name;
    let other = |p: &&Page| p.others.iter().any(|o| o == name);
    pages.iter().find(full).or_else(|| pages.iter().find(other)).ok_or_else(|| {
        let names = pages.iter().flat_map(|p| p.others.iter().chain([&p.name])).map(String::as_str);
        let near = tightbeam_modules::contract::nearest(name, names);
        let hint = near.map(|n| format!("; did you mean {n}?")).unwrap_or_default();
        CommandError::usage(format!("there is no {} {name}{hint}", kind.title()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    /// Every page is found by each of its names, and says more than a name.
    #[test]
    fn every_page_is_found_and_says_something() {
        for &kind in DocKind::value_variants() {
            let pages = pages(kind);
            assert!(pages.len() > 20, "{kind:?}: {}", pages.len());
            for page in &pages {
                assert!(!page.summary.is_empty() && page.text.lines().count() > 2, "{kind:?} {}", page.name);
                for name in page.others.iter().chain([&page.name]) {
                    assert!(find(&pages, name, kind).is_ok(), "{kind:?} {name}");
                }
            }
            assert!(find(&pages, "no such thing", kind).is_err());
        }
    }
}
