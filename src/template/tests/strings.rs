//! Tests on text.

use super::{TEST, Test};
use crate::template::filters::{as_text, optional, regex_matches, split_url};
use crate::template::runtime::{Args, Cx, Param, Res, V, contains};

const PATTERN: &[Param] = &[
    optional("pattern", "str", "''"),
    optional("ignorecase", "bool", "False"),
    optional("multiline", "bool", "False"),
];

pub const TESTS: &[Test] = &[
    Test {
        name: "match",
        summary: "A pattern matches the start of the text.",
        params: PATTERN,
        example: "'foobar' is match('foo')",
        run: |cx, v, args| pattern(cx, v, args, "match"),
        ..TEST
    },
    Test {
        name: "search",
        summary: "A pattern matches somewhere in the text.",
        params: PATTERN,
        example: "'foobar' is search('bar')",
        run: |cx, v, args| pattern(cx, v, args, "search"),
        ..TEST
    },
    Test {
        name: "regex",
        summary: "A pattern matches somewhere, or as match_type says: search, match or fullmatch.",
        params: &[
            optional("pattern", "str", "''"),
            optional("ignorecase", "bool", "False"),
            optional("multiline", "bool", "False"),
            optional("match_type", "str", "'search'"),
        ],
        example: "'foobar' is regex('foob.r', match_type='fullmatch')",
        run: |cx, v, args| {
            let kind = args.text_or(cx, "match_type", "search")?;
            pattern(cx, v, args, &kind)
        },
        ..TEST
    },
    Test {
        name: "lower",
        summary: "Text in lower case.",
        example: "'abc' is lower",
        run: |cx, v, _| {
            let text = as_text(cx, v)?;
            Ok(text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase))
        },
        ..TEST
    },
    Test {
        name: "upper",
        summary: "Text in upper case.",
        example: "'ABC' is upper",
        run: |cx, v, _| {
            let text = as_text(cx, v)?;
            Ok(text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase))
        },
        ..TEST
    },
    Test {
        name: "uri",
        summary: "A URI, of one of the schemes if any are given.",
        params: &[optional("schemes", "list", "None")],
        example: "'http://a/b' is uri",
        run: |cx, v, args| uri(cx, v, args.get("schemes")),
        ..TEST
    },
    Test {
        name: "url",
        summary: "A URL, of one of the schemes if any are given.",
        params: &[optional("schemes", "list", "None")],
        example: "'http://a/b' is url",
        run: |cx, v, args| {
            let Some(text) = v.as_str() else { return Ok(false) };
            let parts = split_url(text);
            Ok(uri(cx, v, args.get("schemes"))? && (!parts.netloc.is_empty() || parts.scheme == "file"))
        },
        ..TEST
    },
    Test {
        name: "urn",
        summary: "A URN.",
        example: "'urn:isbn:1' is urn",
        run: |cx, v, _| uri(cx, v, Some(&V::list(vec![V::str("urn")]))),
        ..TEST
    },
    Test {
        name: "vault_encrypted",
        summary: "A value that stands as vault text.",
        takes_undefined: true,
        example: "not ('a' is vault_encrypted)",
        run: |_, v, _| match v {
            V::Undef(fault) if fault.ciphertext.is_some() => Ok(true),
            V::Undef(fault) => Err(fault.clone()),
            v => Ok(v.is_secret()),
        },
        ..TEST
    },
];

fn pattern(cx: &Cx, v: &V, args: &Args, kind: &str) -> Res<bool> {
    let text = match v {
        V::Bytes(b) => String::from_utf8_lossy(b).into_owned(),
        v => as_text(cx, v)?,
    };
    let source = args.given("pattern").cloned().unwrap_or_else(|| V::str(""));
    regex_matches(cx, &text, &source, args.flag("ignorecase", false)?, args.flag("multiline", false)?, kind)
}

fn uri(cx: &Cx, v: &V, schemes: Option<&V>) -> Res<bool> {
    let text = match v {
        V::Str(text) => text.as_str(),
        V::None => "",
        _ => return Ok(false),
    };
    let parts = split_url(text);
    match schemes {
        None => Ok(true),
        Some(schemes) => contains(cx, schemes, &V::str(parts.scheme)),
    }
}
