//! Where a relative name of a task file is looked for.

use super::model::{Frame, IncludeLink};
use crate::files::Files;
use std::path::{Component, Path, PathBuf};

/// Removes `.` and `..` without asking the disk.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// Joins, with `~` for the user's home, and removes `.` and `..`.
pub fn join(base: &Path, name: &str, home: Option<&Path>) -> PathBuf {
    if let (Some(home), Some(rest)) = (home, name.strip_prefix('~'))
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return normal(&home.join(rest.trim_start_matches('/')));
    }
    normal(&base.join(name))
}

/// Finds the file that an include or import names, along the chain of includes around it. The last place tried where
/// there is none.
///
/// `dynamic`: the search of include_tasks, which tries the role's own directory first.
pub fn find_tasks(
    files: &dyn Files,
    frame: &Frame,
    handlers: bool,
    dynamic: bool,
    target: &str,
    home: Option<&Path>,
) -> PathBuf {
    let search = Search { files, play_dir: &frame.play_dir, home };
    let subdir = if handlers { "handlers" } else { "tasks" };
    let role = frame.role.as_ref().map(|r| r.path.as_path());
    let mut last = None;
    let mut cumulative: Option<PathBuf> = None;
    let mut link: Option<&IncludeLink> = frame.include.as_deref();
    while let Some(include) = link {
        let dir = match cumulative {
            Some(inner) if !inner.is_absolute() => include.dir.join(inner),
            _ => include.dir.clone(),
        };
        let found = match role {
            Some(role) => {
                let nested = role.join(subdir).join(&dir);
                let own = dynamic.then(|| search.relative(role, subdir, target, true)).filter(|p| files.exists(p));
                own.unwrap_or_else(|| search.relative(&nested, subdir, target, dynamic))
            }
            None => search.relative(&frame.play_dir, &dir.to_string_lossy(), target, false),
        };
        if files.exists(&found) {
            return found;
        }
        cumulative = Some(dir);
        last = Some(found);
        link = include.outer.as_deref();
    }
    match (role, last) {
        (_, Some(last)) if dynamic => last,
        (Some(role), _) => search.relative(role, subdir, target, dynamic),
        (None, _) => join(&frame.play_dir, crate::playbook::kv::unquote(target), home),
    }
}

struct Search<'a> {
    files: &'a dyn Files,
    play_dir: &'a Path,
    home: Option<&'a Path>,
}

impl Search<'_> {
    /// The first place that has `source`: below `path`, with and without `dirname`, then below the playbook's directory.
    fn relative(&self, path: &Path, dirname: &str, source: &str, is_role: bool) -> PathBuf {
        if source.starts_with('/') || source.starts_with('~') {
            return join(Path::new("/"), source, self.home);
        }
        let mut places = vec![path.join(dirname).join(source)];
        let is_role = is_role || self.is_role(path);
        let in_tasks = is_role && path.file_name().is_some_and(|n| n == "tasks");
        let base = if in_tasks { path.parent().unwrap_or(path) } else { path };
        places.push(normal(&base.join(dirname).join(source)));
        if is_role && !source.ends_with(dirname) {
            places.push(normal(&base.join("tasks").join(source)));
        }
        places.push(normal(&base.join(source)));
        places.push(normal(&self.play_dir.join(dirname).join(source)));
        places.push(normal(&self.play_dir.join(source)));
        let last = places.last().cloned().unwrap_or_default();
        places.into_iter().find(|p| self.files.exists(p)).unwrap_or(last)
    }

    /// Whether a directory looks like a role's, or like one within a role.
    fn is_role(&self, path: &Path) -> bool {
        let has = |dir: &Path, below: &str| {
            ["main.yml", "main.yaml", "main"].iter().any(|main| self.files.exists(&dir.join(below).join(main)))
        };
        let plain = normal(path);
        let parent = path.parent().unwrap_or(path);
        (path.file_name().is_some_and(|n| n == "tasks") && has(path, ""))
            || [&plain, parent].iter().any(|dir| has(dir, "tasks") || has(dir, "meta"))
    }
}
