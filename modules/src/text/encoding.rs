//! Text in encodings, by the names that Python has for them.

use crate::contract::Failure;
use crate::host::{Command, Observe};
use std::path::PathBuf;

/// An encoding that can be read on this host.
pub enum Encoding {
    Utf8,
    Ascii,
    Latin1,
    /// By the host's `iconv`, and the name that it knows.
    Iconv(PathBuf, String),
}

impl Encoding {
    /// # Errors
    /// An encoding of that name is not known here.
    pub fn named(name: Option<&str>, host: &dyn Observe) -> Result<Self, Failure> {
        let Some(name) = name else { return Ok(Encoding::Utf8) };
        match name.to_lowercase().replace(['_', ' '], "-").as_str() {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => return Ok(Encoding::Utf8),
            "ascii" | "us-ascii" | "646" => return Ok(Encoding::Ascii),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                return Ok(Encoding::Latin1);
            }
            _ => {}
        }
        let unknown = || Failure::new(format!("unknown encoding: {name}"));
        let program = host.which("iconv").ok_or_else(|| {
            Failure::new(format!("unknown encoding: {name} (the host has no `iconv`, which would read it)"))
        })?;
        // A name that is read as an option is none.
        if name.starts_with('-') {
            return Err(unknown());
        }
        let known = host.query(&iconv(&program, name).stdin("")).is_ok_and(|out| out.ok());
        if known { Ok(Encoding::Iconv(program, name.to_owned())) } else { Err(unknown()) }
    }

    /// Whether text can be looked at as it is, part by part.
    pub fn is_by_parts(&self) -> bool {
        matches!(self, Encoding::Utf8 | Encoding::Ascii)
    }

    /// How many of these bytes are whole characters; none where some cannot become any. Nothing follows the `last` ones.
    pub fn accepted(&self, bytes: &[u8], last: bool) -> Option<usize> {
        match self {
            Encoding::Ascii => bytes.is_ascii().then_some(bytes.len()),
            Encoding::Utf8 => match std::str::from_utf8(bytes) {
                Ok(_) => Some(bytes.len()),
                Err(e) if e.error_len().is_none() && !last => Some(e.valid_up_to()),
                Err(_) => None,
            },
            Encoding::Latin1 | Encoding::Iconv(..) => Some(bytes.len()),
        }
    }

    /// The text; none where the bytes are not in the encoding.
    pub fn decode(&self, bytes: Vec<u8>, host: &dyn Observe) -> Option<String> {
        match self {
            Encoding::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
            Encoding::Ascii | Encoding::Utf8 => {
                String::from_utf8(bytes).ok().filter(|text| text.is_ascii() || matches!(self, Encoding::Utf8))
            }
            Encoding::Iconv(program, name) => {
                let out = host.query(&iconv(program, name).stdin(bytes)).ok()?;
                out.ok().then(|| out.stdout_text())
            }
        }
    }
}

fn iconv(program: &std::path::Path, name: &str) -> Command {
    Command::new(program).args(["-f", name, "-t", "UTF-8"])
}
