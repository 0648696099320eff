//! Text in encodings, by the names that Python has for them.

use crate::contract::Failure;
use crate::host::{Command, Observe};
use std::path::PathBuf;

/// Python reads files in parts of this size, in bytes: what stands before a fault is read up to there.
const PART: usize = 8 << 10;

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

    /// The text.
    ///
    /// # Errors
    /// Bytes that are none: the text of the parts before them.
    pub fn decode(&self, bytes: Vec<u8>, host: &dyn Observe) -> Result<String, String> {
        let start = |bytes: &[u8], good: usize| String::from_utf8_lossy(&bytes[..good / PART * PART]).into_owned();
        match self {
            Encoding::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
            Encoding::Ascii if !bytes.is_ascii() => {
                Err(start(&bytes, bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0)))
            }
            Encoding::Ascii | Encoding::Utf8 => {
                String::from_utf8(bytes).map_err(|e| start(e.as_bytes(), e.utf8_error().valid_up_to()))
            }
            Encoding::Iconv(program, name) => match host.query(&iconv(program, name).stdin(bytes)) {
                Ok(out) if out.ok() => Ok(out.stdout_text()),
                _ => Err(String::new()),
            },
        }
    }
}

fn iconv(program: &std::path::Path, name: &str) -> Command {
    Command::new(program).args(["-f", name, "-t", "UTF-8"])
}
