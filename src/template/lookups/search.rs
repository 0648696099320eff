//! Where lookups look for files: the task's directories in order, then the playbook's.

use crate::template::filters::{expand_user, normpath};
use crate::template::runtime::{Cx, Fault};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Candidates for a name, in order. `kind` is `files`, `templates` or `vars`.
pub fn candidates(cx: &Cx, kind: Option<&str>, name: &str) -> Vec<PathBuf> {
    let name = expand_user(cx, name);
    if name.starts_with('/') {
        return vec![clean(Path::new(&name))];
    }
    let mut out = vec![];
    let mut add = |directory: &Path| {
        if let Some(kind) = kind
            && name.split('/').next() != Some(kind)
        {
            out.push(clean(&directory.join(kind).join(&name)));
        }
        out.push(clean(&directory.join(&name)));
    };
    for directory in &cx.context.search_paths {
        // A role's task file: the role's directories come before that of the tasks.
        if directory.file_name().is_some_and(|n| n == "tasks")
            && let Some(role) = directory.parent()
        {
            add(role);
        }
        add(directory);
    }
    add(&cx.context.playbook_dir);
    out.dedup();
    out
}

fn clean(path: &Path) -> PathBuf {
    normpath(&path.to_string_lossy()).into()
}

/// The first candidate that is there.
pub fn find(cx: &Cx, kind: Option<&str>, name: &str) -> Option<PathBuf> {
    let files = cx.engine.outside.files();
    candidates(cx, kind, name).into_iter().find(|p| files.exists(p))
}

/// That a file is not there, as the lookups say that open it at once.
pub fn nothing(name: &str) -> Arc<Fault> {
    Fault::raw(format!(
        "Unable to find {} in expected paths: expected str, bytes or os.PathLike object, not NoneType",
        crate::value::repr_str(name)
    ))
}

/// Files that a shell pattern matches, sorted. `*` does not match a leading dot; `**` is `*`.
pub fn glob(cx: &Cx, pattern: &str) -> Vec<PathBuf> {
    let files = cx.engine.outside.files();
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        if !part.contains(['*', '?', '[']) {
            found = found.into_iter().map(|p| p.join(part)).filter(|p| files.exists(p)).collect();
            continue;
        }
        let Ok(matcher) = globset::GlobBuilder::new(part).literal_separator(true).build() else { return vec![] };
        let matcher = matcher.compile_matcher();
        let mut next = vec![];
        for directory in &found {
            for entry in files.list(directory).unwrap_or_default() {
                let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if matcher.is_match(&name) && (part.starts_with('.') || !name.starts_with('.')) {
                    next.push(directory.join(name));
                }
            }
        }
        found = next;
    }
    found.retain(|p| files.is_file(p));
    found
}
