//! Data files of the author's: read, decrypted where they are vaults, parsed.

use crate::diag::{Code, Diagnostic, Diagnostics, FileId, SourceMap, Span};
use crate::files::Files;
use crate::template::Decrypt;
use crate::value::{Map, Trust, Value};
use crate::yaml::{self, Document, Duplicates, Node, NodeKind};
use std::path::Path;
use std::sync::Arc;

/// What reading a file needs. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub files: Arc<dyn Files>,
    pub sources: SourceMap,
    pub vault: Option<Arc<dyn Decrypt>>,
    pub duplicates: Duplicates,
}

const VAULT: &[u8] = b"$ANSIBLE_VAULT";

impl Reader {
    /// The text of a file in the clear, and whether it was encrypted.
    ///
    /// # Errors
    /// Where it cannot be read or decrypted.
    pub fn text(&self, path: &Path) -> Result<(String, bool), Diagnostic> {
        let fault = |e: &dyn std::fmt::Display| {
            let text = format!("Unable to retrieve file contents: {}: {e}", path.display());
            Diagnostic::error(Code::FILE_NOT_FOUND, text)
        };
        let bytes = self.files.read(path).map_err(|e| fault(&e))?;
        let encrypted = bytes.starts_with(VAULT);
        let clear = if encrypted { self.decrypt(path, &bytes)? } else { bytes };
        let text = String::from_utf8(clear)
            .map_err(|e| fault(&format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to())))?;
        Ok((text, encrypted))
    }

    fn decrypt(&self, path: &Path, bytes: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let fault = |cause: String| {
            let text =
                format!("Decryption failed (no vault secrets were found that could decrypt): {}", path.display());
            Diagnostic::error(Code::VAULT_DECRYPT, text).cause(cause)
        };
        let vault = self.vault.as_ref().ok_or_else(|| {
            let text = format!("Attempting to decrypt {} but no vault secrets found.", path.display());
            Diagnostic::error(Code::VAULT_DECRYPT, text)
        })?;
        vault.decrypt(&String::from_utf8_lossy(bytes)).map_err(fault)
    }

    /// The document in a file. Of an encrypted one only positions are kept: its text never shows in an excerpt.
    ///
    /// # Errors
    /// Where it cannot be read, decrypted or parsed.
    pub fn document(&self, path: &Path) -> Result<Document, Diagnostic> {
        let (text, encrypted) = self.text(path)?;
        if !encrypted {
            return yaml::read_one(&self.sources, path, &text)?.under(self.duplicates);
        }
        let file = self.sources.add(path, masked(&text));
        match yaml::read_one(&SourceMap::default(), path, &text) {
            Ok(mut document) => {
                document.file = file;
                document.root.iter_mut().for_each(|node| move_to(node, file));
                document.warnings.iter_mut().for_each(|w| relabel(w, file));
                document.under(self.duplicates)
            }
            Err(mut fault) => {
                relabel(&mut fault, file);
                Err(fault)
            }
        }
    }

    /// The variables in a file; none where it is empty. Duplicate keys and the like are added to the warnings.
    ///
    /// # Errors
    /// As [`Reader::document`], and where the file holds no mapping.
    pub fn variables(&self, path: &Path, warnings: &mut Diagnostics) -> Result<Arc<Map>, Diagnostic> {
        let document = self.document(path)?;
        warnings.extend(document.warnings);
        match document.root.map(|node| (node.to_value(Trust::Author), node)) {
            None => Ok(Arc::default()),
            Some((Value::Map(map), _)) => Ok(map),
            Some((value, _)) if !value.truthy() => Ok(Arc::default()),
            Some((value, node)) => {
                let text = format!("Could not process '{}'", path.display());
                let cause = format!(
                    "failed to combine variables, expected dicts but got a 'dict' and a '{}'.",
                    value.type_name()
                );
                Err(Diagnostic::error(Code::INVENTORY_INVALID, text).cause(cause).at(node.span, "not a mapping"))
            }
        }
    }
}

/// The same lines and offsets without the content.
pub(super) fn masked(text: &str) -> String {
    let mask = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    text.chars().map(mask).collect()
}

fn relabel(diagnostic: &mut Diagnostic, file: FileId) {
    diagnostic.labels.iter_mut().for_each(|l| l.span = Span { file, ..l.span });
}

fn move_to(node: &mut Node, file: FileId) {
    node.span.file = file;
    match &mut node.kind {
        NodeKind::Seq(items) => items.iter_mut().for_each(|n| move_to(n, file)),
        NodeKind::Map(entries) => entries.iter_mut().for_each(|(k, v)| {
            move_to(k, file);
            move_to(v, file);
        }),
        _ => {}
    }
}
