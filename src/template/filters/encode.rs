//! Base64.

use super::{FILTER, Filter, as_text, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "b64encode",
        summary: "Text in base64.",
        params: &[optional("encoding", "str", "'utf-8'"), optional("urlsafe", "bool", "False")],
        example: ("'héllo' | b64encode", "'aMOpbGxv'"),
        run: b64encode,
        ..FILTER
    },
    Filter {
        name: "b64decode",
        summary: "The text that base64 holds.",
        params: &[optional("encoding", "str", "'utf-8'"), optional("urlsafe", "bool", "False")],
        example: ("'aMOpbGxv' | b64decode", "'héllo'"),
        run: b64decode,
        ..FILTER
    },
];

fn engine(args: &Args) -> Res<GeneralPurpose> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    Ok(GeneralPurpose::new(if args.flag("urlsafe", false)? { &URL_SAFE } else { &STANDARD }, config))
}

fn bytes(text: &str, encoding: &str) -> Res<Vec<u8>> {
    let normal = encoding.to_ascii_lowercase().replace(['_', '-'], "");
    Ok(match normal.as_str() {
        "utf8" | "ascii" => text.as_bytes().to_vec(),
        "utf16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf16" => [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect(),
        "latin1" | "iso88591" => text
            .chars()
            .map(|c| u8::try_from(c as u32).map_err(|_| Fault::raw("'latin-1' codec can't encode character")))
            .collect::<Res<Vec<u8>>>()?,
        _ => return Err(Fault::raw(format!("unknown encoding: {encoding}"))),
    })
}

/// Text of bytes in an encoding that Python knows.
pub fn from_bytes(bytes: &[u8], encoding: &str) -> Res<String> {
    let normal = encoding.to_ascii_lowercase().replace(['_', '-'], "");
    let utf16 = |from: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks(2).map(|c| from([c[0], c.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16_lossy(&units)
    };
    Ok(match normal.as_str() {
        // Bytes that are no text stay recognisable, though not as Python's surrogates.
        "utf8" | "ascii" => String::from_utf8_lossy(bytes).into_owned(),
        "utf16le" => utf16(u16::from_le_bytes, bytes),
        "utf16be" => utf16(u16::from_be_bytes, bytes),
        "utf16" => match bytes {
            [0xfe, 0xff, rest @ ..] => utf16(u16::from_be_bytes, rest),
            [0xff, 0xfe, rest @ ..] => utf16(u16::from_le_bytes, rest),
            rest => utf16(u16::from_le_bytes, rest),
        },
        "latin1" | "iso88591" => bytes.iter().map(|b| char::from(*b)).collect(),
        _ => return Err(Fault::raw(format!("unknown encoding: {encoding}"))),
    })
}

fn b64encode(cx: &Cx, v: V, args: Args) -> Res {
    let data = match &v {
        V::Bytes(b) => b.to_vec(),
        v => bytes(&as_text(cx, v)?, &args.text_or(cx, "encoding", "utf-8")?)?,
    };
    Ok(V::str(engine(&args)?.encode(data)))
}

fn b64decode(cx: &Cx, v: V, args: Args) -> Res {
    // Characters outside the alphabet are skipped, as Python does.
    let urlsafe = args.flag("urlsafe", false)?;
    let ours = |c: char| {
        c.is_ascii_alphanumeric() || c == '=' || if urlsafe { matches!(c, '-' | '_') } else { matches!(c, '+' | '/') }
    };
    let text: String = as_text(cx, &v)?.chars().filter(|c| ours(*c)).collect();
    let data_chars = text.trim_end_matches('=').len();
    if data_chars % 4 == 1 {
        return Err(Fault::raw(format!(
            "Invalid base64-encoded string: number of data characters ({data_chars}) cannot be 1 more than a multiple of 4"
        )));
    }
    let padded = match text.find('=') {
        Some(at) if !data_chars.is_multiple_of(4) => {
            let needed = 4 - data_chars % 4;
            if text.len() - at < needed {
                return Err(Fault::raw("Incorrect padding"));
            }
            format!("{}{}", &text[..at], "=".repeat(needed))
        }
        Some(at) => text[..at].to_owned(),
        None if !data_chars.is_multiple_of(4) => return Err(Fault::raw("Incorrect padding")),
        None => text,
    };
    let data = engine(&args)?.decode(padded).map_err(|e| Fault::raw(format!("Invalid base64-encoded string: {e}")))?;
    from_bytes(&data, &args.text_or(cx, "encoding", "utf-8")?).map(V::str)
}
