//! Modules of the author's own: programs beside the playbook, in roles, in collections and in the module path. Finds them, and
//! tells from their text how they are to be called.

use super::planner::Planner;
use crate::playbook::builtin_action;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a program takes its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A file with `name='value'` words.
    Words,
    /// A file of JSON.
    Json,
    /// JSON in place of a mark in its own text.
    Inserted,
    /// Not a script: a file of JSON.
    Binary,
}

/// The mark of [`Style::Inserted`].
pub const INSERTED: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";

/// Ends of names that are no modules.
const IGNORED: [&str; 10] = ["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "yaml", "ini"];

/// The style of a program.
///
/// # Errors
/// Why it cannot be run here.
pub fn style(text: &[u8]) -> Result<Style, String> {
    let has = |needle: &str| text.windows(needle.len()).any(|w| w == needle.as_bytes());
    if text.iter().take(1024).any(|b| matches!(b, 0..=6 | 14..=26 | 28..=31)) {
        return Ok(Style::Binary);
    }
    if [
        "from ansible.module_utils",
        "import ansible.module_utils",
        "from ansible_collections",
        "import ansible_collections",
    ]
    .iter()
    .any(|import| has(import))
        || has("#<<INCLUDE_ANSIBLE_MODULE_COMMON>>")
        || relative_import(text)
    {
        return Err("it is a Python module that imports ansible.module_utils, which are not there".to_owned());
    }
    if has("#Requires -Module") || has("# POWERSHELL_COMMON") || has("#AnsibleRequires") {
        return Err("it is a PowerShell module".to_owned());
    }
    let style = if has(INSERTED) {
        Style::Inserted
    } else if has("WANT_JSON") {
        Style::Json
    } else {
        Style::Words
    };
    if text.starts_with(b"#!") { Ok(style) } else { Err("it is missing an interpreter line".to_owned()) }
}

/// `from ...module_utils.x import`, as modules in collections write it.
fn relative_import(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n')
        .any(|line| line.trim_ascii_start().starts_with(b"from .") && line.windows(12).any(|w| w == b"module_utils"))
}

/// The interpreter line's words.
pub fn interpreter(text: &[u8]) -> Vec<String> {
    let line = text.split(|b| *b == b'\n').next().and_then(|l| l.strip_prefix(b"#!")).unwrap_or_default();
    String::from_utf8_lossy(line).split_whitespace().map(str::to_owned).collect()
}

/// The modules in directories that were looked into, by name.
#[derive(Default)]
pub(super) struct Libraries(HashMap<PathBuf, Arc<HashMap<String, PathBuf>>>);

impl Planner {
    /// The author's own module of this name. `search`: where files of the task are looked for.
    pub(super) fn own_module(
        &self,
        name: &str,
        search: &[PathBuf],
        play_dir: &Path,
        collections: &[Arc<str>],
    ) -> Option<(String, Arc<PathBuf>)> {
        let parts: Vec<&str> = name.split('.').collect();
        let in_collection = |collection: &str, name: &str| {
            let (namespace, short) = collection.split_once('.')?;
            self.settings.collection_roots(play_dir).find_map(|root| {
                let dir = root.join("ansible_collections").join(namespace).join(short).join("plugins/modules");
                self.in_directory(&dir, name)
            })
        };
        let found = match parts.as_slice() {
            [namespace, collection, path @ .., short] if *namespace != "ansible" => {
                let name = path.iter().chain([short]).copied().collect::<Vec<_>>().join("/");
                in_collection(&format!("{namespace}.{collection}"), &name).map(|path| (parts.join("."), path))
            }
            [short] | ["ansible", "legacy", short] => {
                let roles: Vec<PathBuf> = self.role_paths();
                let dirs = search.iter().cloned().chain([play_dir.to_owned()]).chain(roles);
                let dirs = dirs.map(|dir| dir.join("library")).chain(self.settings.module_path.iter().cloned());
                let elsewhere = collections.iter().filter(|c| builtin_action(&format!("{c}.x")).is_none());
                let mut elsewhere = elsewhere.filter(|_| parts.len() == 1);
                elsewhere.find_map(|c| in_collection(c, short).map(|path| (format!("{c}.{short}"), path))).or_else(
                    || {
                        let found = dirs.into_iter().find_map(|dir| self.in_directory(&dir, short));
                        found.map(|path| (name.to_owned(), path))
                    },
                )
            }
            _ => None,
        };
        found.map(|(name, path)| (name, Arc::new(path)))
    }

    fn in_directory(&self, dir: &Path, name: &str) -> Option<PathBuf> {
        // A module in a directory below: `ns.collection.dir.module`.
        if let Some((below, name)) = name.rsplit_once('/') {
            return self.in_directory(&dir.join(below), name);
        }
        let mut libraries = self.libraries.lock().unwrap_or_else(|e| e.into_inner());
        let known = libraries.0.entry(dir.to_owned()).or_insert_with(|| {
            let mut modules = HashMap::new();
            for path in self.loader.files.list(dir).unwrap_or_default() {
                let extension = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
                let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                let ignored = IGNORED.contains(&extension.as_str()) || extension.ends_with('~');
                if !ignored && stem != "__init__" && self.loader.files.is_file(&path) {
                    modules.entry(stem).or_insert(path);
                }
            }
            Arc::new(modules)
        });
        known.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_apart() {
        for (text, want) in [
            ("#!/bin/sh\n. $1\n", Ok(Style::Words)),
            ("#!/usr/bin/perl\n# WANT_JSON\n", Ok(Style::Json)),
            ("#!/usr/bin/python\nx = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'\n", Ok(Style::Inserted)),
            ("\u{7f}ELF\0\0", Ok(Style::Binary)),
            ("#!/usr/bin/python\nimport json\n", Ok(Style::Words)),
        ] {
            assert_eq!(style(text.as_bytes()), want, "{text}");
        }
        for text in [
            "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n",
            "#!/usr/bin/python\nfrom ..module_utils import x\n",
            "echo\n",
        ] {
            assert!(style(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(interpreter(b"#! /usr/bin/env python3 -u\nx"), ["/usr/bin/env", "python3", "-u"]);
    }
}
