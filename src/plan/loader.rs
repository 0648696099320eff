//! Reads the author's files, each once per run: YAML documents, lists of tasks, dictionaries of variables.

use crate::diag::{Code, Diagnostic, Diagnostics, Severity, SourceMap, Span};
use crate::files::Files;
use crate::playbook::parse::{self, Grammar, Parsed};
use crate::playbook::{Item, Playbook};
use crate::value::{Map, Trust, Value};
use crate::yaml::{self, Document};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

/// Decrypts a whole file that is a vault.
pub trait Decrypt: Send + Sync {
    /// # Errors
    /// Why it cannot be decrypted, as a sentence.
    fn decrypt(&self, ciphertext: &[u8]) -> Result<Vec<u8>, String>;
    /// Tells of vault texts that may be asked for, in the order of the file that they stand in.
    fn foresee(&self, _ciphertexts: &[Arc<str>]) {}
}

/// For runs without vault passwords.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Decrypt for NoSecrets {
    fn decrypt(&self, _: &[u8]) -> Result<Vec<u8>, String> {
        Err("A vault password or secret must be specified to decrypt".to_owned())
    }
}

/// Files, parsed and kept for the run.
pub struct Loader {
    pub files: Arc<dyn Files>,
    pub sources: SourceMap,
    secrets: Arc<dyn Decrypt>,
    is_action: Box<dyn Fn(&str) -> bool + Send + Sync>,
    is_lookup: Box<dyn Fn(&str) -> bool + Send + Sync>,
    invalid_keyword_fails: bool,
    duplicates: yaml::Duplicates,
    cache: Mutex<Cache>,
    /// Files of the controller that this run wrote with text of a host's.
    foreign: RwLock<HashSet<PathBuf>>,
}

#[derive(Default)]
struct Cache {
    /// With the bytes that they were read from.
    documents: HashMap<PathBuf, (Vec<u8>, Arc<Document>)>,
    tasks: HashMap<(PathBuf, bool), Arc<Parsed<Vec<Item>>>>,
}

impl Loader {
    /// `is_action` and `is_lookup` tell which names are those of actions and lookups.
    pub fn new(
        files: Arc<dyn Files>,
        sources: SourceMap,
        secrets: Arc<dyn Decrypt>,
        invalid_keyword_fails: bool,
        is_action: impl Fn(&str) -> bool + Send + Sync + 'static,
        is_lookup: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        Loader {
            files,
            sources,
            secrets,
            is_action: Box::new(is_action),
            is_lookup: Box::new(is_lookup),
            invalid_keyword_fails,
            duplicates: yaml::Duplicates::default(),
            cache: Mutex::default(),
            foreign: RwLock::default(),
        }
    }

    /// With another meaning of keys that stand twice.
    #[must_use]
    pub fn duplicates(self, duplicates: yaml::Duplicates) -> Self {
        Loader { duplicates, ..self }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn grammar(&self) -> Grammar<'_> {
        Grammar {
            is_action: &*self.is_action,
            is_lookup: &*self.is_lookup,
            invalid_keyword_fails: self.invalid_keyword_fails,
        }
    }

    /// The text of a file, decrypted if it is a vault. `wanted`: where the author asks for it.
    ///
    /// # Errors
    /// E0110 where it cannot be read, E0602 where it cannot be decrypted.
    pub fn text(&self, path: &Path, wanted: Option<Span>) -> Result<String, Diagnostic> {
        let bytes = self.files.read(path).map_err(|e| unreadable(path, &e, wanted))?;
        self.clear(path, bytes, wanted)
    }

    fn clear(&self, path: &Path, bytes: Vec<u8>, wanted: Option<Span>) -> Result<String, Diagnostic> {
        let bytes = if bytes.starts_with(b"$ANSIBLE_VAULT;") {
            self.sources.seal(path);
            self.secrets.decrypt(&bytes).map_err(|reason| {
                let reason =
                    if reason.ends_with("to decrypt") { format!("{reason} {}", path.display()) } else { reason };
                Diagnostic::error(Code::VAULT_DECRYPT, format!("{} cannot be decrypted", path.display()))
                    .at(wanted, "")
                    .cause(reason)
                    .hint("give its password with --vault-password-file, --vault-id or --ask-vault-pass")
            })?
        } else {
            bytes
        };
        String::from_utf8(bytes).map_err(|e| {
            let offset = e.utf8_error().valid_up_to();
            let message = format!("{} is not UTF-8: byte {offset} is not part of a character", path.display());
            Diagnostic::error(Code::YAML_SYNTAX, message).at(wanted, "")
        })
    }

    /// The YAML document in a file, as the file is now: a task may have written it since it was read last.
    ///
    /// # Errors
    /// As [`Loader::text`], and E01xx where it is not valid YAML.
    pub fn document(&self, path: &Path, wanted: Option<Span>) -> Result<Arc<Document>, Diagnostic> {
        let bytes = self.files.read(path).map_err(|e| unreadable(path, &e, wanted))?;
        if let Some((known, document)) = self.cache().documents.get(path)
            && *known == bytes
        {
            return Ok(document.clone());
        }
        let text = self.clear(path, bytes.clone(), wanted)?;
        let document = Arc::new(yaml::read_one(&self.sources, path, &text)?.under(self.duplicates)?);
        self.secrets.foresee(&document.vaults);
        self.cache().documents.insert(path.to_owned(), (bytes, document.clone()));
        Ok(document)
    }

    /// The tasks or handlers in a file.
    ///
    /// # Errors
    /// As [`Loader::document`]; faults of the tasks are in the result.
    pub fn tasks(
        &self,
        path: &Path,
        handlers: bool,
        wanted: Option<Span>,
    ) -> Result<Arc<Parsed<Vec<Item>>>, Diagnostic> {
        let key = (path.to_owned(), handlers);
        if let Some(known) = self.cache().tasks.get(&key) {
            return Ok(known.clone());
        }
        let document = self.document(path, wanted)?;
        let mut parsed = parse::task_list(document.root.as_ref(), handlers, &self.grammar());
        parsed.diagnostics.splice(0..0, document.warnings.iter().cloned());
        let parsed = Arc::new(parsed);
        self.cache().tasks.insert(key, parsed.clone());
        Ok(parsed)
    }

    /// A playbook.
    ///
    /// # Errors
    /// As [`Loader::document`]; faults of the plays are in the result.
    pub fn playbook(&self, path: &Path, wanted: Option<Span>) -> Result<Parsed<Playbook>, Diagnostic> {
        let document = self.document(path, wanted)?;
        let mut parsed = parse::playbook(path, document.file, document.root.as_ref(), &self.grammar());
        parsed.diagnostics.splice(0..0, document.warnings.iter().cloned());
        Ok(parsed)
    }

    /// A playbook that stands in no file (ad-hoc commands).
    ///
    /// # Errors
    /// Where the text is not valid YAML; faults of the plays are in the result.
    pub fn playbook_text(&self, path: &Path, text: &str) -> Result<Parsed<Playbook>, Diagnostic> {
        let document = yaml::read_one(&self.sources, path, text)?;
        Ok(parse::playbook(path, document.file, document.root.as_ref(), &self.grammar()))
    }

    /// A dictionary of variables; an empty file is an empty one.
    ///
    /// # Errors
    /// As [`Loader::document`], and E0201 with `what` where the file holds something else.
    pub fn vars(&self, path: &Path, what: &str, wanted: Option<Span>) -> Result<Arc<Map>, Diagnostic> {
        let document = self.document(path, wanted)?;
        let Some(root) = document.root.as_ref().filter(|r| !r.is_null()) else { return Ok(Arc::default()) };
        match root.to_value(self.trust(path)) {
            Value::Map(map) => Ok(map),
            _ => Err(Diagnostic::error(Code::PLAYBOOK_SHAPE, format!("{what} must contain a dictionary of variables"))
                .at(root.span, root.type_name())),
        }
    }

    /// That this run wrote a file of the controller: where the text is a host's, what is read from it is no template.
    pub fn wrote(&self, path: &Path, trust: Trust) {
        let mut foreign = self.foreign.write().unwrap_or_else(|e| e.into_inner());
        let path = self.files.canonical(path);
        match trust {
            Trust::Foreign => drop(foreign.insert(path)),
            Trust::Author => drop(foreign.remove(&path)),
        }
    }

    fn trust(&self, path: &Path) -> Trust {
        let foreign = self.foreign.read().unwrap_or_else(|e| e.into_inner());
        let is_foreign = !foreign.is_empty() && foreign.contains(&self.files.canonical(path));
        if is_foreign { Trust::Foreign } else { Trust::Author }
    }

    /// What a file of `vars_files` holds: a dictionary, or a list of them of which later ones win.
    ///
    /// # Errors
    /// As [`Loader::document`], and E0201 where the file holds something else.
    pub fn vars_file(&self, path: &Path, wanted: Option<Span>) -> Result<Arc<Map>, Diagnostic> {
        let document = self.document(path, wanted)?;
        let Some(root) = document.root.as_ref().filter(|r| !r.is_null()) else { return Ok(Arc::default()) };
        let all = match root.to_value(self.trust(path)) {
            Value::Map(map) => return Ok(map),
            other => other,
        };
        let maps: Option<Vec<&Map>> = all.as_list().and_then(|all| all.iter().map(Value::as_map).collect());
        match maps {
            Some(maps) => {
                Ok(Arc::new(maps.into_iter().flat_map(Map::iter).map(|(k, v)| (k.clone(), v.clone())).collect()))
            }
            None => Err(Diagnostic::error(Code::PLAYBOOK_SHAPE, "Invalid variable file contents.")
                .at(root.span, root.type_name())
                .hint("Variable files must contain either a dictionary of variables, or a list of dictionaries.")),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error, wanted: Option<Span>) -> Diagnostic {
    let shown = path.display();
    let fault = if error.kind() == io::ErrorKind::NotFound {
        let message = format!("Could not find or access '{shown}' on the Ansible Controller.");
        Diagnostic::error(Code::FILE_NOT_FOUND, message)
    } else {
        Diagnostic::error(Code::FILE_NOT_FOUND, format!("{shown} cannot be read")).cause(error.to_string())
    };
    fault.at(wanted, "wanted here")
}

/// Whether there is an error among diagnostics.
pub(super) fn has_errors(diagnostics: &Diagnostics) -> bool {
    diagnostics.iter().any(|d| d.severity == Severity::Error)
}
