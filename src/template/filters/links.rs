//! The filter that makes HTML links of the addresses in a text, as Jinja2 does.

use super::text::escape;
use super::{FILTER, Filter, as_text, each, optional};
use crate::template::regex::{self, Pattern};
use crate::template::runtime::{Args, Cx, Fault, Res, V};
use std::collections::BTreeSet;
use std::sync::OnceLock;

pub const FILTERS: &[Filter] = &[Filter {
    name: "urlize",
    summary: "Text as HTML, its addresses as links.",
    params: &[
        optional("trim_url_limit", "int", "None"),
        optional("nofollow", "bool", "False"),
        optional("target", "str", "None"),
        optional("rel", "str", "None"),
        optional("extra_schemes", "list of str", "None"),
    ],
    example: ("'see example.org' | urlize", "'see <a href=\"https://example.org\" rel=\"noopener\">example.org</a>'"),
    run: urlize,
    ..FILTER
}];

/// What counts as an address of a page.
const PAGE: &str = r"(?:(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))(?::\d{1,5})?(?:[/?#]\S*)?$";
const EMAIL: &str = r"\S+@\w[\w.-]*\.\w+$";
/// What opens and closes brackets around an address, in escaped text.
const BRACKETS: [(&str, &str); 3] = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];

struct Patterns {
    page: Pattern,
    email: Pattern,
    scheme: Pattern,
    blanks: Pattern,
}

fn patterns() -> Res<&'static Patterns> {
    static PATTERNS: OnceLock<Result<Patterns, String>> = OnceLock::new();
    let made = PATTERNS.get_or_init(|| {
        Ok(Patterns {
            page: Pattern::new(PAGE, true, false)?,
            email: Pattern::new(EMAIL, false, false)?,
            scheme: Pattern::new(r"[\w.+-]{2,}:/{0,2}$", false, false)?,
            blanks: Pattern::new(r"\s+", false, false)?,
        })
    });
    made.as_ref().map_err(|e| Fault::raw(e.clone()))
}

fn fits(pattern: &Pattern, text: &str) -> Res<bool> {
    pattern.match_at_start(text).map(|m| m.is_some()).map_err(Fault::raw)
}

struct Links<'a> {
    known: &'a Patterns,
    limit: Option<usize>,
    attributes: String,
    schemes: Vec<String>,
}

fn urlize(cx: &Cx, v: V, args: Args) -> Res {
    let text = escape(&as_text(cx, &v)?);
    let known = patterns()?;
    let mut rel: BTreeSet<String> = ["noopener".to_owned()].into();
    rel.extend(args.text_or(cx, "rel", "")?.split_whitespace().map(str::to_owned));
    if args.flag("nofollow", false)? {
        rel.insert("nofollow".to_owned());
    }
    let rel: Vec<_> = rel.into_iter().collect();
    let target = args.text(cx, "target")?.map(|t| format!(" target=\"{}\"", escape(&t))).unwrap_or_default();
    let mut schemes = Vec::new();
    if let Some(list) = args.given("extra_schemes") {
        for scheme in each(cx, list)? {
            let scheme = as_text(cx, &scheme)?;
            if !fits(&known.scheme, &scheme)? {
                let shown = crate::value::repr_str(&scheme);
                return Err(Fault::raw(format!("{shown} is not a valid URI scheme prefix.")));
            }
            schemes.push(scheme);
        }
    }
    let limit = match args.given("trim_url_limit") {
        None => None,
        Some(_) => usize::try_from(args.int("trim_url_limit", 0)?).ok(),
    };
    let links = Links { known, limit, attributes: format!(" rel=\"{}\"{target}", escape(&rel.join(" "))), schemes };
    let mut out = String::new();
    let mut at = 0;
    for blank in regex::all_matches(&known.blanks, &text, 0).map_err(Fault::raw)? {
        let (start, end) = blank.range(0).unwrap_or((at, at));
        links.word(&text[at..start], &mut out)?;
        out += &text[start..end];
        at = end;
    }
    links.word(&text[at..], &mut out)?;
    Ok(V::str(out))
}

impl Links<'_> {
    /// One word: brackets and stops around an address do not belong to it, unless it opens the brackets itself.
    fn word(&self, word: &str, out: &mut String) -> Res<()> {
        let middle = trimmed(word, &["(", "<", "&lt;"], |text, mark| text.strip_prefix(mark));
        let head = &word[..word.len() - middle.len()];
        let bare = trimmed(middle, &[")", ">", ".", ",", "&gt;"], |text, mark| text.strip_suffix(mark));
        let mut length = bare.len();
        for (open, close) in BRACKETS {
            let (middle, tail) = middle.split_at(length);
            let opened = middle.matches(open).count();
            if opened > middle.matches(close).count() {
                let ends = tail.match_indices(close).take(opened).last();
                length += ends.map_or(0, |(at, _)| at + close.len());
            }
        }
        let (middle, tail) = middle.split_at(length);
        *out += head;
        self.link(middle, out)?;
        *out += tail;
        Ok(())
    }

    fn link(&self, text: &str, out: &mut String) -> Res<()> {
        let attributes = &self.attributes;
        *out += &if fits(&self.known.page, text)? {
            let scheme = if text.starts_with("https://") || text.starts_with("http://") { "" } else { "https://" };
            format!("<a href=\"{scheme}{text}\"{attributes}>{}</a>", self.shown(text))
        } else if let Some(address) =
            text.strip_prefix("mailto:").filter(|a| fits(&self.known.email, a).unwrap_or(false))
        {
            format!("<a href=\"{text}\">{address}</a>")
        } else if text.contains('@')
            && !text.starts_with("www.")
            && !text.contains(':')
            && fits(&self.known.email, text)?
        {
            format!("<a href=\"mailto:{text}\">{text}</a>")
        } else if self.schemes.iter().any(|s| text.len() > s.len() && text.starts_with(s.as_str())) {
            format!("<a href=\"{text}\"{attributes}>{text}</a>")
        } else {
            text.to_owned()
        };
        Ok(())
    }

    fn shown(&self, text: &str) -> String {
        match self.limit {
            Some(limit) if text.chars().count() > limit => text.chars().take(limit).collect::<String>() + "...",
            _ => text.to_owned(),
        }
    }
}

/// Without the marks at one end.
fn trimmed<'t>(mut text: &'t str, marks: &[&str], cut: fn(&'t str, &str) -> Option<&'t str>) -> &'t str {
    while let Some(shorter) = marks.iter().find_map(|mark| cut(text, mark)) {
        text = shorter;
    }
    text
}
