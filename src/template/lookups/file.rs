//! Lookups that read files: file, unvault, fileglob.

use super::{How, LOOKUP, Lookup, search};
use crate::template::filters::{from_bytes, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V, text};
use crate::value::Text;
use std::path::{Path, PathBuf};

pub const LOOKUPS: &[Lookup] = &[
    Lookup {
        name: "file",
        summary: "The content of files of the controller.",
        params: &[optional("rstrip", "bool", "True"), optional("lstrip", "bool", "False")],
        example: ("query('file', '/nothing', errors='ignore')", "[]"),
        run: file,
        ..LOOKUP
    },
    Lookup {
        name: "unvault",
        summary: "The content of files, decrypted where they are vaulted.",
        example: ("query('unvault', '/nothing', errors='ignore')", "[]"),
        run: |cx, terms, _, _| {
            terms
                .iter()
                .map(|term| {
                    let name = text(cx, term)?;
                    let path = find(cx, &name, || format!("Unable to find file matching \"{name}\" "))?;
                    read(cx, &path).map(V::Str)
                })
                .collect()
        },
        ..LOOKUP
    },
    Lookup {
        name: "fileglob",
        summary: "Files of the controller that shell patterns match.",
        example: ("query('fileglob', '/nothing/*')", "[]"),
        run: fileglob,
        ..LOOKUP
    },
];

fn find(cx: &Cx, name: &str, missing: impl FnOnce() -> String) -> Res<PathBuf> {
    search::find(cx, Some("files"), name).ok_or_else(|| Fault::raw(missing()))
}

/// A file's text; a vaulted file's plaintext, as a secret.
pub fn read(cx: &Cx, path: &Path) -> Res<Text> {
    read_as(cx, path, "utf-8")
}

/// As [`read`], in an encoding that Python knows.
pub fn read_as(cx: &Cx, path: &Path, encoding: &str) -> Res<Text> {
    let bytes = cx.engine.outside.files().read(path).map_err(|e| {
        Fault::raw(format!("an error occurred while trying to read the file '{}': {e}", path.display()))
    })?;
    if !bytes.starts_with(b"$ANSIBLE_VAULT;") {
        return Ok(Text::foreign(from_bytes(&bytes, encoding)?));
    }
    let ciphertext = String::from_utf8_lossy(&bytes);
    let vault = cx.engine.vault.as_ref().ok_or_else(|| {
        Fault::raw(format!("Decryption failed (no vault secrets were found that could decrypt) on {}", path.display()))
    })?;
    let plain = vault.decrypt(&ciphertext).map_err(|e| Fault::raw(format!("{e} on {}", path.display())))?;
    Ok(Text::foreign(from_bytes(&plain, encoding)?).secret())
}

fn file(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let (rstrip, lstrip) = (args.flag("rstrip", true)?, args.flag("lstrip", false)?);
    let mut out = vec![];
    for term in terms {
        let name = text(cx, term)?;
        let path = find(cx, &name, || {
            let tried: Vec<String> =
                search::candidates(cx, Some("files"), &name).iter().map(|p| p.display().to_string()).collect();
            format!("Unable to access the file '{name}': it is in none of {}", tried.join(", "))
        })?;
        let content = read(cx, &path)?;
        let mut stripped = content.as_str();
        if lstrip {
            stripped = stripped.trim_start();
        }
        if rstrip {
            stripped = stripped.trim_end();
        }
        let out_text = Text::foreign(stripped);
        out.push(V::Str(if content.is_secret() { out_text.secret() } else { out_text }));
    }
    Ok(out)
}

fn fileglob(cx: &Cx, terms: &[V], _: &Args, _: How) -> Res<Vec<V>> {
    let mut out = vec![];
    for term in terms {
        let Some(pattern) = term.as_str() else {
            let kind = term.type_name();
            return Err(Fault::raw(format!("expected str, bytes or os.PathLike object, not {kind}")));
        };
        let mut found = vec![];
        if pattern.contains('/') {
            // The directory is looked for as files are.
            let (directory, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
            let directory = if directory.is_empty() { "/" } else { directory };
            if let Some(directory) = search::find(cx, Some("files"), directory) {
                found = search::glob(cx, &format!("{}/{name}", directory.display()));
            }
        } else {
            let mut directories: Vec<PathBuf> = vec![];
            for path in cx.context.search_paths.iter().chain([&cx.context.playbook_dir]) {
                directories.extend([path.join("files"), path.clone()]);
            }
            for directory in directories {
                found = search::glob(cx, &format!("{}/{pattern}", directory.display()));
                if !found.is_empty() {
                    break;
                }
            }
        }
        out.extend(found.into_iter().map(|p| V::str(p.to_string_lossy().into_owned())));
    }
    Ok(out)
}
