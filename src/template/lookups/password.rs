//! The password lookup: a random password, kept in a file.

use super::options::Options;
use super::{How, LOOKUP, Lookup, keyvalue};
use crate::template::filters::{Crypt, crypt_password, expand_user, generator, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate, text};
use crate::value::Text;
use std::path::PathBuf;

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "password",
    acts: true,
    summary: "A random password that is made once and kept in a file.",
    params: &[
        optional("length", "integer", "20"),
        optional("chars", "list", "['ascii_letters', 'digits', '.,:-_']"),
        optional("encrypt", "str", "None"),
        optional("ident", "str", "None"),
        optional("seed", "str", "None"),
    ],
    example: ("lookup('password', '/dev/null', length=3, seed='a') | length", "3"),
    run: password,
    ..LOOKUP
}];

/// What is asked for.
struct Wanted {
    length: i64,
    chars: Vec<String>,
    seed: Option<V>,
}

fn password(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    terms.iter().map(|term| one(cx, &text(cx, term)?, args)).collect()
}

fn split_chars(text: &str) -> Vec<String> {
    let mut out = vec![];
    if text.contains(",,") {
        out.push(",".to_owned());
    }
    out.extend(text.replace(",,", ",").split(',').filter(|c| !c.is_empty()).map(str::to_owned));
    out
}

/// The path and the options of a term.
fn split<'a>(cx: &'a Cx, term: &str, args: &'a Args) -> Res<(String, Options<'a>)> {
    let Some((first, rest)) = term.split_once(' ') else {
        return Ok((term.to_owned(), Options::new(cx, "password", args, vec![])?));
    };
    let (raw, words) = keyvalue::parse(rest)?;
    let path = if raw.is_empty() { first.to_owned() } else { format!("{first} {raw}") };
    if !term.starts_with(&path) {
        return Err(Fault::raw("Unrecognized value after key=value parameters given to password lookup"));
    }
    let known = |name: &str| ["length", "encrypt", "chars", "ident", "seed"].contains(&name);
    let strange: Vec<&str> = words.iter().map(|(k, _)| k.as_str()).filter(|k| !known(k)).collect();
    if !strange.is_empty() {
        let strange = strange.join(", ");
        return Err(Fault::raw(format!("Unrecognized parameter(s) given to password lookup: {strange}")));
    }
    Ok((path, Options::new(cx, "password", args, words)?))
}

/// The password, salt and bcrypt version of a password file.
fn parse(content: &str) -> (String, Option<String>, Option<String>) {
    let Some((password, rest)) = content.rsplit_once(" salt=") else { return (content.to_owned(), None, None) };
    let full = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    match rest.rsplit_once(" ident=") {
        Some((salt, ident)) => (password.to_owned(), full(salt), full(ident)),
        None => (password.to_owned(), full(rest), None),
    }
}

fn one(cx: &Cx, term: &str, args: &Args) -> Res {
    let (path, options) = split(cx, term, args)?;
    let chars = match options.given("chars").as_deref() {
        None | Some(V::None) => vec!["ascii_letters".to_owned(), "digits".to_owned(), ".,:-_".to_owned()],
        Some(V::Str(t)) => split_chars(t),
        Some(list) => iterate(cx, list)?.iter().map(|c| text(cx, c)).collect::<Res<_>>()?,
    };
    let seed = options.given("seed").map(std::borrow::Cow::into_owned).filter(|s| !matches!(s, V::None));
    let wanted = Wanted { length: options.int("length", 20)?, chars, seed };
    let full = |text: String| Some(text).filter(|t| !t.is_empty());
    let encrypt = full(options.text("encrypt", "")?);

    let path = expand_user(cx, &path);
    let path: PathBuf = if path.starts_with('/') { path.into() } else { cx.context.playbook_dir.join(path) };
    let throw_away = path.as_os_str() == "/dev/null";
    let files = cx.engine.outside.files();
    let stored = if throw_away || !files.exists(&path) {
        None
    } else {
        let content = files.read_text(&path).map_err(|e| Fault::raw(format!("{}: {e}", path.display())))?;
        Some(content.trim_end().to_owned())
    };
    let mut changed = stored.is_none();
    let (plain, mut salt, mut ident) = match stored {
        None => (random(cx, &wanted)?, None, None),
        Some(content) => parse(&content),
    };
    if let (Some(kind), None) = (&encrypt, &salt) {
        let length = match kind.as_str() {
            "sha256_crypt" | "sha512_crypt" => 16,
            "bcrypt" => 22,
            _ => 8,
        };
        let chars = vec!["ascii_letters".into(), "digits".into(), "./".into()];
        salt = Some(random(cx, &Wanted { length, chars, seed: None })?);
        changed = true;
    }
    let given = full(options.text("ident", "")?);
    match (&ident, given) {
        (None, given) => ident = given,
        (Some(stored), Some(given)) if *stored != given => {
            return Err(Fault::raw(format!(
                "The ident parameter provided ({given}) does not match the stored one ({stored})."
            )));
        }
        _ => {}
    }
    if ident.is_none() && encrypt.as_deref() == Some("bcrypt") {
        ident = Some("2b".to_owned());
        changed = true;
    }
    if changed && !throw_away {
        let content = match (&salt, &ident) {
            (Some(salt), Some(ident)) => format!("{plain} salt={salt} ident={ident}\n"),
            (Some(salt), None) => format!("{plain} salt={salt}\n"),
            (None, _) => format!("{plain}\n"),
        };
        cx.engine
            .outside
            .write_private(&path, content.as_bytes())
            .map_err(|e| Fault::raw(format!("{}: {e}", path.display())))?;
    }
    let out = match &encrypt {
        Some(kind) => crypt_password(cx, &plain, kind, Crypt { salt, ident, ..Crypt::default() })?,
        None => plain,
    };
    Ok(V::Str(Text::foreign(out)))
}

fn random(cx: &Cx, options: &Wanted) -> Res<String> {
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
    let mut all = String::new();
    for set in &options.chars {
        match set.as_str() {
            "ascii_letters" => all += &format!("{lower}{upper}"),
            "ascii_lowercase" => all += lower,
            "ascii_uppercase" => all += upper,
            "digits" => all += "0123456789",
            "hexdigits" => all += "0123456789abcdefABCDEF",
            "octdigits" => all += "01234567",
            "punctuation" => all += punctuation,
            "whitespace" => all += " \t\n\r\x0b\x0c",
            "printable" => all += &format!("0123456789{lower}{upper}{punctuation} \t\n\r\x0b\x0c"),
            literal => all += literal,
        }
    }
    all.retain(|c| c != '"' && c != '\'');
    let all: Vec<char> = all.chars().collect();
    if all.is_empty() {
        return Err(Fault::raw("no characters to choose from"));
    }
    let mut generator = generator(cx, options.seed.as_ref())?;
    let length = usize::try_from(options.length).unwrap_or(0).min(1 << 20);
    Ok((0..length).map(|_| all[generator.below(all.len() as u64) as usize]).collect())
}
