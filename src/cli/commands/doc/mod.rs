//! `tightbeam doc`: modules, filters, tests, lookups and keywords, from the tables that the program itself uses.

mod modules;
mod plugins;

use crate::cli::args::{DocArgs, DocKind};
use crate::cli::error::{CommandError, code};
use crate::cli::out::out;
use serde_json::{Map, Value as Json};
use std::fmt::Write;

/// One thing that has documentation.
struct Page {
    name: String,
    /// Short names and aliases.
    others: Vec<String>,
    summary: String,
    /// Markdown.
    text: String,
    /// What `--json` prints, where there is such a form.
    data: Option<Json>,
}

pub fn run(args: &DocArgs) -> Result<u8, CommandError> {
    let pages = pages(args.kind);
    if args.json {
        out!("{}\n", json(&pages, args)?);
        return Ok(code::OK);
    }
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

/// As `ansible-doc -j`: documentation by name; with `--list` summaries by name.
fn json(pages: &[Page], args: &DocArgs) -> Result<String, CommandError> {
    let mut chosen = vec![];
    for name in &args.names {
        chosen.push(find(pages, name, args.kind)?);
    }
    if chosen.is_empty() {
        chosen.extend(pages);
    }
    let mut all = Map::new();
    for page in chosen {
        let value = match (args.list, &page.data) {
            (true, _) => Json::from(page.summary.as_str()),
            (false, Some(data)) => data.clone(),
            (false, None) => return Err(CommandError::usage(format!("--json shows no {}", args.kind.title()))),
        };
        all.insert(page.name.clone(), value);
    }
    Ok(format!("{:#}", Json::Object(all)))
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
    let moved = || match kind {
        DocKind::Module => modules::redirected(name).and_then(|to| pages.iter().find(|p| p.name == to)),
        _ => None,
    };
    pages.iter().find(full).or_else(|| pages.iter().find(other)).or_else(moved).ok_or_else(|| {
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

    /// A module's options, its aliases and those of the sets that it shares.
    #[test]
    fn json_tells_options_by_name() {
        let args = |kind, list| DocArgs { names: vec![], kind, list, json: true };
        let read = |args: &DocArgs| -> Json {
            json(&pages(args.kind), args).ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
        };
        let all = read(&args(DocKind::Module, false));
        let options = &all["ansible.builtin.file"]["doc"]["options"];
        assert_eq!(options["path"]["aliases"], serde_json::json!(["dest", "name"]));
        assert_eq!(options["path"]["required"], true);
        assert_eq!(options["mode"]["type"], "raw");
        assert!(find(&pages(DocKind::Module), "yum", DocKind::Module).is_ok_and(|p| p.name == "ansible.builtin.dnf"));
        assert!(read(&args(DocKind::Filter, true))["ansible.builtin.b64encode"].is_string());
        assert!(json(&pages(DocKind::Filter), &args(DocKind::Filter, false)).is_err());
    }

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
