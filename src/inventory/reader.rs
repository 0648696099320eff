//! Data files of the author's: read, decrypted where they are vaults, parsed.

use crate::diag::{Code, Diagnostic, Diagnostics, SourceMap};
use crate::files::Files;
use crate::template::Decrypt;
use crate::value::{Map, Trust, Value};
use crate::yaml::{self, Document, Duplicates};
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
    /// The text of a file in the clear, sealed in the sources where it was encrypted.
    ///
    /// # Errors
    /// Where it cannot be read or decrypted.
    pub fn text(&self, path: &Path) -> Result<String, Diagnostic> {
        let fault = |e: &dyn std::fmt::Display| {
            let text = format!(
                "Unable to retrieve file contents.\nCould not find or access '{}' on the Ansible Controller.\n{e}",
                path.display()
            );
            Diagnostic::error(Code::FILE_NOT_FOUND, text)
        };
        let bytes = self.files.read(path).map_err(|e| fault(&e))?;
        let clear = if bytes.starts_with(VAULT) {
            self.sources.seal(path);
            self.decrypt(path, &bytes)?
        } else {
            bytes
        };
        String::from_utf8(clear).map_err(|e| fault(&format!("not UTF-8 at byte {}", e.utf8_error().valid_up_to())))
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
        let document = yaml::read_one(&self.sources, path, &self.text(path)?)?.under(self.duplicates)?;
        if let Some(vault) = &self.vault {
            vault.foresee(&document.vaults);
        }
        Ok(document)
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
