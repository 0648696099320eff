//! Sources of an inventory: which kind each is, tried in the order of INVENTORY_ENABLED, and what is said when none fits.

mod constructed;
mod ini;
mod list;
mod script;
mod toml;
mod yaml;

pub use script::{RunScript, ScriptOutput};

use super::data::{BadNames, Current, Inventory, Rules};
use super::{Reader, VarFiles};
use crate::config::{Settings, Surroundings};
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::template::Engine;
use crate::value::{Map, Trust, Value};
use crate::yaml::{Document, Node};
use fancy_regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What loading an inventory needs.
pub struct Loader<'a> {
    pub reader: &'a Reader,
    pub var_files: &'a VarFiles,
    pub settings: &'a Settings,
    pub around: &'a Surroundings,
    /// Runs executable inventories; without it they are refused.
    pub scripts: Option<&'a dyn RunScript>,
    /// Evaluates the expressions of constructed inventories; without it they are refused.
    pub engine: Option<&'a Arc<Engine>>,
    pub extra_vars: &'a Map,
    /// Path of a Python for the implicit localhost.
    pub python: &'a str,
}

/// An inventory and what is to be said about its sources.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub inventory: Inventory,
    pub warnings: Diagnostics,
}

fn fault(text: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::INVENTORY_INVALID, text)
}

fn skip(text: String, span: Span) -> Diagnostic {
    Diagnostic::warning(Code::WARNING, text).at(span, "here")
}

/// Kinds that there are, as INVENTORY_ENABLED names them.
const KINDS: [&str; 9] =
    ["host_list", "advanced_host_list", "script", "auto", "yaml", "ini", "toml", "constructed", "generator"];

const BUILTIN: &str = "ansible.builtin.";

impl Loader<'_> {
    /// Reads sources (paths, or lists with commas) into one inventory.
    ///
    /// # Errors
    /// Where the settings make an unreadable source an error, or no kind is enabled.
    pub fn load(&self, sources: &[String]) -> Result<Loaded, Diagnostic> {
        let mut warnings = vec![];
        let kinds = self.kinds(&mut warnings)?;
        let mut run = Run {
            loader: self,
            kinds,
            ignored: self.ignored()?,
            inventory: Inventory::new(self.rules()),
            warnings,
            processed: vec![],
            last: None,
        };
        let mut any = false;
        for source in sources.iter().filter(|s| !s.is_empty()) {
            let source = if source.contains(',') {
                source.clone()
            } else {
                self.around.resolve(source, None).to_string_lossy().into_owned()
            };
            any |= run.source(&source)?;
            run.inventory.sources.push(source);
        }
        if any {
            run.inventory.reconcile();
            run.collect();
        } else if self.settings.bool("INVENTORY_UNPARSED_IS_FAILED") {
            return Err(fault("No inventory was parsed, please check your configuration and options."));
        } else if self.settings.bool("INVENTORY_UNPARSED_WARNING") {
            let text = "No inventory was parsed, only implicit localhost is available";
            run.warnings.push(Diagnostic::warning(Code::WARNING, text));
        }
        Ok(Loaded { inventory: run.inventory, warnings: run.warnings })
    }

    fn rules(&self) -> Rules {
        let bad_names = match self.settings.text("TRANSFORM_INVALID_GROUP_CHARS") {
            "always" => BadNames::Always,
            "silently" => BadNames::Silently,
            "ignore" => BadNames::Ignore,
            _ => BadNames::Never,
        };
        let merge = self.settings.text("DEFAULT_HASH_BEHAVIOUR") == "merge";
        Rules { bad_names, merge, python: self.python.into() }
    }

    fn kinds(&self, warnings: &mut Diagnostics) -> Result<Vec<&'static str>, Diagnostic> {
        let mut kinds = vec![];
        for name in self.settings.list("INVENTORY_ENABLED") {
            match KINDS.iter().find(|kind| **kind == name.strip_prefix(BUILTIN).unwrap_or(name)) {
                Some(kind) => kinds.push(*kind),
                None => {
                    let text = format!("Failed to load inventory plugin, skipping {name}");
                    warnings.push(Diagnostic::warning(Code::WARNING, text));
                }
            }
        }
        if kinds.is_empty() {
            let text = "No inventory plugins available to generate inventory, make sure you have at least one enabled.";
            return Err(fault(text));
        }
        Ok(kinds)
    }

    /// Names that are left out in directories.
    fn ignored(&self) -> Result<Regex, Diagnostic> {
        let mut parts = vec![r"^\.".to_owned(), "^host_vars$".into(), "^group_vars$".into(), "^vars_plugins$".into()];
        parts.extend(self.settings.list("INVENTORY_IGNORE_PATTERNS").into_iter().map(str::to_owned));
        let exts = self.settings.list("INVENTORY_IGNORE_EXTS");
        parts.extend(exts.into_iter().filter(|e| !e.is_empty()).map(|e| format!("{}$", fancy_regex::escape(e))));
        Regex::new(&parts.join("|")).map_err(|e| {
            Diagnostic::error(Code::CONFIG_INVALID, "Config 'INVENTORY_IGNORE_PATTERNS' has an invalid value.")
                .cause(e.to_string())
        })
    }
}

/// The directory beside which a source's `group_vars/` and `host_vars/` lie; `None` for lists.
pub(super) fn directory_of(reader: &Reader, source: &str) -> Option<PathBuf> {
    let path = Path::new(source);
    if reader.files.is_dir(path) {
        return Some(reader.files.canonical(path));
    }
    if source.contains(',') && !reader.files.exists(path) {
        return None;
    }
    path.parent().map(|parent| reader.files.canonical(parent))
}

struct Run<'a> {
    loader: &'a Loader<'a>,
    kinds: Vec<&'static str>,
    ignored: Regex,
    inventory: Inventory,
    warnings: Diagnostics,
    /// Sources read so far.
    processed: Vec<String>,
    /// The document that was read last: one kind after another looks at the same file.
    last: Option<(PathBuf, Arc<Document>)>,
}

fn plain(node: &Node) -> Value {
    node.to_value(Trust::Author)
}

impl Run<'_> {
    fn collect(&mut self) {
        self.warnings.extend(self.inventory.take_warnings());
        self.warnings.extend(self.loader.var_files.take_warnings());
    }

    /// Reads one source, a directory with all that is in it; whether anything could be read.
    fn source(&mut self, source: &str) -> Result<bool, Diagnostic> {
        let files = &*self.loader.reader.files;
        if files.is_dir(Path::new(source)) {
            let mut any = false;
            for path in files.list(Path::new(source)).unwrap_or_default() {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                if !self.ignored.is_match(&name).unwrap_or(false) {
                    any |= self.source(&path.to_string_lossy())?;
                }
            }
            return Ok(any);
        }
        self.inventory.current = self.current(source);
        let mut failures = vec![];
        let mut parsed = false;
        for kind in self.kinds.clone() {
            if !self.accepts(kind, source) {
                continue;
            }
            match self.read(kind, source) {
                Ok(()) => {
                    parsed = true;
                    break;
                }
                Err(failure) => failures.push((kind, failure)),
            }
        }
        self.collect();
        self.last = None;
        self.inventory.current = Current::default();
        if parsed {
            self.processed.push(source.to_owned());
        } else if source != "/etc/ansible/hosts" || files.exists(Path::new(source)) {
            self.unparsed(source, failures)?;
        }
        Ok(parsed)
    }

    fn unparsed(&mut self, source: &str, failures: Vec<(&str, Diagnostic)>) -> Result<(), Diagnostic> {
        for (kind, failure) in failures {
            let text = format!("Failed to parse inventory with '{kind}' plugin: {}", failure.message);
            self.warnings
                .push(Diagnostic { code: failure.code, ..Diagnostic::warning(Code::WARNING, text) }.with(failure));
        }
        if self.loader.settings.bool("INVENTORY_ANY_UNPARSED_IS_FAILED") {
            let mut failed = fault(format!("Completely failed to parse inventory source {source}"));
            failed.causes = self.warnings.iter().map(|w| w.message.clone()).collect();
            return Err(failed);
        }
        let text = format!("Unable to parse {source} as an inventory source");
        self.warnings.push(Diagnostic::warning(Code::WARNING, text));
        Ok(())
    }

    /// Where hosts of this source come from: the variables `inventory_file` and `inventory_dir`.
    fn current(&self, source: &str) -> Current {
        let path = Path::new(source);
        let dir = self.loader.reader.files.is_file(path).then(|| path.parent()).flatten();
        Current {
            file: Value::foreign(source),
            dir: dir.map_or(Value::Null, |d| Value::foreign(d.to_string_lossy().into_owned())),
        }
    }

    fn accepts(&self, kind: &str, source: &str) -> bool {
        let files = &*self.loader.reader.files;
        let path = Path::new(source);
        if kind.ends_with("host_list") {
            return source.contains(',') && !files.exists(path);
        }
        let extension = path.extension().map(|e| format!(".{}", e.to_string_lossy()));
        let among =
            |setting: &str| extension.as_ref().is_none_or(|e| self.loader.settings.list(setting).contains(&e.as_str()));
        files.exists(path)
            && match kind {
                "script" => files.is_executable(path),
                "auto" => source.ends_with(".yml") || source.ends_with(".yaml"),
                "yaml" => among("inventory_yaml.yaml_extensions"),
                "toml" => extension.as_deref() == Some(".toml"),
                "ini" => extension.as_deref() != Some(".toml"),
                _ => extension.as_deref() == Some(".config") || among("YAML_FILENAME_EXTENSIONS"),
            }
    }

    fn read(&mut self, kind: &str, source: &str) -> Result<(), Diagnostic> {
        let path = Path::new(source);
        let reader = self.loader.reader;
        match kind {
            "host_list" => list::read(&mut self.inventory, source, false).map_err(fault),
            "advanced_host_list" => list::read(&mut self.inventory, source, true).map_err(fault),
            "script" => {
                let scripts = self.loader.scripts.ok_or_else(|| fault("Inventory programs cannot be run here."))?;
                let loud = self.loader.settings.bool("inventory_script.always_show_stderr");
                script::read(&mut self.inventory, scripts, path, loud)
            }
            "yaml" => {
                let document = self.document(path)?;
                self.warnings.extend(document.warnings.iter().cloned());
                yaml::read(&mut self.inventory, &document)
            }
            "ini" => {
                let text = reader.text(path)?;
                ini::read(&mut self.inventory, reader.sources.add(path, text.as_str()), &text)
            }
            "toml" => {
                let text = reader.text(path)?;
                toml::read(&mut self.inventory, reader.sources.add(path, text.as_str()), source, &text)
            }
            "auto" => {
                let document = self.document(path)?;
                let plugin = document.root.as_ref().and_then(|root| root.get("plugin")).map(plain);
                let name = plugin.filter(Value::truthy).map(|name| name.to_string()).ok_or_else(|| {
                    fault(format!(
                        "no root 'plugin' key found, '{source}' is not a valid YAML inventory plugin config file"
                    ))
                })?;
                let short = name.strip_prefix(BUILTIN).unwrap_or(&name);
                if !KINDS.contains(&short) {
                    let text = format!("inventory config '{source}' specifies unknown plugin '{name}'");
                    return Err(fault(text));
                }
                if !self.accepts(short, source) || short == "auto" {
                    let text =
                        format!("inventory source '{source}' could not be verified by inventory plugin '{name}'");
                    return Err(fault(text));
                }
                self.read(short, source)
            }
            configured => self.configured(configured, path),
        }
    }

    fn document(&mut self, path: &Path) -> Result<Arc<Document>, Diagnostic> {
        if let Some((known, document)) = &self.last
            && known == path
        {
            return Ok(document.clone());
        }
        let document = Arc::new(self.loader.reader.document(path)?);
        self.last = Some((path.to_owned(), document.clone()));
        Ok(document)
    }

    fn config(&mut self, path: &Path) -> Result<Arc<Map>, Diagnostic> {
        match self.document(path)?.root.as_ref().map(plain) {
            Some(Value::Map(map)) => Ok(map),
            _ => Ok(Arc::default()),
        }
    }

    /// Constructed and generated inventories.
    fn configured(&mut self, kind: &str, path: &Path) -> Result<(), Diagnostic> {
        let config = self.config(path)?;
        if config.is_empty() {
            return Err(fault(format!("{} is empty", path.display())));
        }
        let name = config.get("plugin").map(ToString::to_string);
        if name.as_deref().is_none_or(|n| n.strip_prefix(BUILTIN).unwrap_or(n) != kind) {
            let name = name.unwrap_or_else(|| "none found".to_owned());
            return Err(fault(format!("Incorrect plugin name in file: {name}")));
        }
        let engine = self.loader.engine.ok_or_else(|| fault("Templates cannot be evaluated here."))?;
        let directories: Vec<PathBuf> =
            self.processed.iter().filter_map(|s| directory_of(self.loader.reader, s)).collect();
        let around = constructed::Around {
            engine,
            extra_vars: self.loader.extra_vars,
            var_files: self.loader.var_files,
            directories: &directories,
        };
        if kind == "generator" {
            return constructed::generated(&mut self.inventory, &config, &around);
        }
        let mut config = (*config).clone();
        if !config.contains_key("use_extra_vars") {
            config.insert("use_extra_vars", self.loader.settings.bool("constructed.use_extra_vars"));
        }
        constructed::constructed(&mut self.inventory, &config, &around).map_err(|e| {
            let path = crate::value::repr_str(&path.to_string_lossy());
            let text = format!("Failed to parse {path}: {}", e.message);
            fault(text).with(e)
        })
    }
}

impl Diagnostic {
    /// Takes over places, hints and causes of another diagnostic.
    fn with(self, other: Diagnostic) -> Diagnostic {
        Diagnostic { labels: other.labels, hints: other.hints, causes: other.causes, ..self }
    }
}
