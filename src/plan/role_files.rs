//! Finding a role and reading its files: tasks, handlers, defaults, vars, meta.

use super::context::PlanSettings;
use super::loader::Loader;
use super::paths::normal;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::files::Files;
use crate::playbook::keywords::{Level, find};
use crate::playbook::parse::{self, Parsed};
use crate::playbook::{Item, RoleRef};
use crate::value::{Map, MergeMode, Trust, Value, merge};
use crate::yaml::Node;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a role was found.
#[derive(Clone, Debug)]
pub(super) struct RolePlace {
    pub(super) name: Arc<str>,
    pub(super) collection: Option<Arc<str>>,
    pub(super) path: PathBuf,
}

/// Which of a role's files to read instead of `main`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct FromFiles {
    pub(super) tasks: Option<String>,
    pub(super) vars: Option<String>,
    pub(super) defaults: Option<String>,
    pub(super) handlers: Option<String>,
}

/// A role's files, read.
#[derive(Debug)]
pub(super) struct RoleFiles {
    pub(super) defaults: Arc<Map>,
    pub(super) vars: Arc<Map>,
    pub(super) meta: RoleMeta,
    /// With the file's path; `None`: the role has none.
    pub(super) tasks: Option<(PathBuf, Arc<Parsed<Vec<Item>>>)>,
    pub(super) handlers: Option<(PathBuf, Arc<Parsed<Vec<Item>>>)>,
    pub(super) diagnostics: Diagnostics,
}

#[derive(Debug, Default)]
pub(super) struct RoleMeta {
    pub(super) allow_duplicates: bool,
    pub(super) dependencies: Vec<Arc<RoleRef>>,
    pub(super) collections: Vec<Arc<str>>,
    /// Entry point → specification.
    pub(super) argument_specs: Arc<Map>,
    pub(super) span: Option<Span>,
}

/// Finds a role by its (rendered) name.
///
/// `beside`: the directory of the role that asks, for dependencies.
///
/// # Errors
/// The places that were searched, joined by `:`.
pub(super) fn find_role(
    files: &dyn Files,
    settings: &PlanSettings,
    play_dir: &Path,
    beside: Option<&Path>,
    collections: &[Arc<str>],
    name: &str,
) -> Result<RolePlace, String> {
    if let Some(place) = in_collections(files, settings, play_dir, collections, name) {
        return Ok(place);
    }
    let mut dirs = vec![play_dir.join("roles")];
    dirs.extend(settings.roles_path.iter().cloned());
    dirs.extend(beside.map(Path::to_owned));
    dirs.push(play_dir.to_owned());
    for dir in &dirs {
        let path = normal(&dir.join(name));
        if files.exists(&path) {
            return Ok(RolePlace { name: name.into(), collection: None, path });
        }
    }
    let home = settings.home.as_deref();
    let path = super::paths::join(&files.canonical(Path::new(".")), name, home);
    if files.exists(&path) {
        let short = name.rsplit('/').next().unwrap_or(name);
        return Ok(RolePlace { name: short.into(), collection: None, path });
    }
    let searched: Vec<String> =
        collections.iter().map(ToString::to_string).chain(dirs.iter().map(|d| d.display().to_string())).collect();
    Err(searched.join(":"))
}

/// A role of a collection: `namespace.collection.role`, or a short name in the given collections.
fn in_collections(
    files: &dyn Files,
    settings: &PlanSettings,
    play_dir: &Path,
    collections: &[Arc<str>],
    name: &str,
) -> Option<RolePlace> {
    let parts: Vec<&str> = name.split('.').collect();
    let identifier = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let qualified = parts.len() >= 3 && parts.iter().all(identifier);
    let wanted: Vec<(String, &[&str])> = if qualified {
        vec![(parts[..2].join("."), &parts[2..])]
    } else {
        collections.iter().map(|c| (c.to_string(), &parts[..])).collect()
    };
    for (collection, role) in wanted {
        let Some((namespace, short)) = collection.split_once('.') else { continue };
        for root in settings.collection_roots(play_dir) {
            let mut path = root.join("ansible_collections").join(namespace).join(short).join("roles");
            path.extend(role);
            if files.is_dir(&path) {
                return Some(RolePlace { name: role.join(".").into(), collection: Some(collection.into()), path });
            }
        }
    }
    None
}

/// Reads what a role consists of. Faults of the tasks are among the diagnostics.
///
/// # Errors
/// A file that must be there and is not, or cannot be read.
pub(super) fn read_role(
    loader: &Loader,
    place: &RolePlace,
    from: &FromFiles,
    wanted: Option<Span>,
) -> Result<RoleFiles, Diagnostic> {
    let reader = Reader { loader, place, wanted };
    let mut diagnostics = Vec::new();
    let vars = reader.variables("vars", from.vars.as_deref())?;
    let defaults = reader.variables("defaults", from.defaults.as_deref())?;
    let meta = reader.meta(&mut diagnostics)?;
    let tasks = reader.tasks("tasks", from.tasks.as_deref(), false, &mut diagnostics)?;
    let handlers = reader.tasks("handlers", from.handlers.as_deref(), true, &mut diagnostics)?;
    Ok(RoleFiles { defaults, vars, meta, tasks, handlers, diagnostics })
}

struct Reader<'a> {
    loader: &'a Loader,
    place: &'a RolePlace,
    wanted: Option<Span>,
}

/// A role's file with its parsed tasks.
type TaskFile = (PathBuf, Arc<Parsed<Vec<Item>>>);

impl Reader<'_> {
    /// The files of a kind: `main` with the usual extensions, or the one asked for. More than one only where a directory
    /// stands for a file.
    fn files(&self, kind: &str, main: Option<&str>, directory: bool) -> Result<Vec<PathBuf>, Diagnostic> {
        let files = &*self.loader.files;
        let dir = self.place.path.join(kind);
        let extensions: &[&str] = match main {
            None => &[".yml", ".yaml", ".json", ""],
            Some(_) => &["", ".yml", ".yaml", ".json"],
        };
        if !files.is_dir(&dir) {
            return Ok(vec![]);
        }
        for extension in extensions {
            let path = normal(&dir.join(format!("{}{extension}", main.unwrap_or("main"))));
            if files.is_dir(&path) && directory {
                let mut found = Vec::new();
                variable_files(files, &path, &mut found);
                return Ok(found);
            }
            if files.is_file(&path) {
                if !path.starts_with(&dir) {
                    let message = format!(
                        "Failed loading '{}' for role ({}) as it is not inside the expected role path: '{}'",
                        path.display(),
                        self.place.name,
                        dir.display()
                    );
                    return Err(Diagnostic::error(Code::INCLUDE_INVALID, message).at(self.wanted, ""));
                }
                return Ok(vec![path]);
            }
        }
        match main {
            None => Ok(vec![]),
            Some(main) => {
                let message = format!("Could not find specified file in role: {kind}/{main}");
                Err(Diagnostic::error(Code::INCLUDE_INVALID, message).at(self.wanted, ""))
            }
        }
    }

    fn variables(&self, kind: &str, main: Option<&str>) -> Result<Arc<Map>, Diagnostic> {
        let what = format!("The {kind}/main.yml file for role '{}'", self.place.name);
        let mut all: Option<Arc<Map>> = None;
        for path in self.files(kind, main, true)? {
            let vars = self.loader.vars(&path, &what, self.wanted)?;
            all = Some(match all {
                None => vars,
                Some(before) => Arc::new(merge(&before, &vars, MergeMode::default())),
            });
        }
        Ok(all.unwrap_or_default())
    }

    fn tasks(
        &self,
        kind: &str,
        main: Option<&str>,
        handlers: bool,
        diagnostics: &mut Diagnostics,
    ) -> Result<Option<TaskFile>, Diagnostic> {
        let Some(path) = self.files(kind, main, false)?.into_iter().next() else { return Ok(None) };
        let parsed = self.loader.tasks(&path, handlers, self.wanted)?;
        diagnostics.extend(parsed.diagnostics.iter().map(|fault| {
            if fault.code != Code::NOT_TASKS {
                return fault.clone();
            }
            let (name, file) = (&self.place.name, main.unwrap_or("main"));
            let message = format!("The {kind}/{file}.yml file for role '{name}' must contain a list of tasks");
            Diagnostic { code: Code::PLAYBOOK_SHAPE, message, ..fault.clone() }
        }));
        Ok(Some((path, parsed)))
    }

    fn meta(&self, diagnostics: &mut Diagnostics) -> Result<RoleMeta, Diagnostic> {
        let mut meta = RoleMeta::default();
        if let Some(path) = self.files("meta", None, false)?.first() {
            let document = self.loader.document(path, self.wanted)?;
            if let Some(root) = document.root.as_ref().filter(|r| !r.is_null()) {
                self.main_meta(root, &mut meta, diagnostics)?;
            }
        }
        for extension in [".yml", ".yaml", ".json"] {
            let path = self.place.path.join("meta").join(format!("argument_specs{extension}"));
            if self.loader.files.is_file(&path) {
                let document = self.loader.document(&path, self.wanted)?;
                let specs = document.root.as_ref().and_then(|r| r.get("argument_specs"));
                meta.argument_specs = specs.map(mapping).unwrap_or_default();
                meta.span = document.root.as_ref().map(|r| r.span);
                break;
            }
        }
        Ok(meta)
    }

    fn main_meta(&self, root: &Node, meta: &mut RoleMeta, diagnostics: &mut Diagnostics) -> Result<(), Diagnostic> {
        if root.as_map().is_none() {
            let message = format!("the 'meta/main.yml' for role {} is not a dictionary", self.place.name);
            return Err(Diagnostic::error(Code::PLAYBOOK_SHAPE, message).at(root.span, root.type_name()));
        }
        meta.span = Some(root.span);
        let grammar = self.loader.grammar();
        for (key, value) in root.entries() {
            let name = key.as_str().unwrap_or_default();
            match name {
                "allow_duplicates" => {
                    let json = value.to_value(Trust::Author).to_json();
                    let bool = tightbeam_modules::contract::ArgType::Bool;
                    meta.allow_duplicates =
                        tightbeam_modules::contract::coerce(bool, json).is_ok_and(|v| v.as_bool() == Some(true));
                }
                "dependencies" => {
                    let parsed = parse::dependencies(value, &grammar);
                    meta.dependencies = parsed.tree;
                    diagnostics.extend(parsed.diagnostics);
                }
                "collections" => {
                    let parsed = parse::collections(value, &grammar);
                    meta.collections = parsed.tree.map(|c| c.to_vec()).unwrap_or_default();
                    diagnostics.extend(parsed.diagnostics);
                }
                "argument_specs" => meta.argument_specs = mapping(value),
                "galaxy_info" => {}
                _ => {
                    if matches!(name, "tags" | "when" | "import_playbook") || find(name, Level::Import).is_none() {
                        let message = format!("'{name}' is not a valid attribute for a RoleMetadata");
                        diagnostics
                            .push(Diagnostic::error(Code::KEYWORD_UNKNOWN, message).at(key.span, "unknown keyword"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn mapping(node: &Node) -> Arc<Map> {
    match node.to_value(Trust::Author) {
        Value::Map(map) => map,
        _ => Arc::default(),
    }
}

/// Files of variables in a directory and those below it, in order of name; hidden files and backups do not count.
fn variable_files(files: &dyn Files, dir: &Path, out: &mut Vec<PathBuf>) {
    for path in files.list(dir).unwrap_or_default() {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        if files.is_dir(&path) {
            if extension.is_none() {
                variable_files(files, &path, out);
            }
        } else if extension.as_deref().is_none_or(|e| matches!(e, "yml" | "yaml" | "json")) {
            out.push(path);
        }
    }
}
