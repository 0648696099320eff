//! The password lookup: a random password, kept in a file.

use super::{How, LOOKUP, Lookup, keyvalue};
use crate::template::filters::{crypt_password, expand_user, generator, optional};
use crate::template::runtime::{Args, Cx, Fault, Res, V, iterate, text};
use crate::value::Text;
use std::path::PathBuf;

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "password",
    summary: "A random password that is made once and kept in a file.",
    params: &[
        optional("length", "int", "20"),
        optional("chars", "list", "['ascii_letters', 'digits', '.,:-_']"),
        optional("encrypt", "str", "None"),
        optional("ident", "str", "None"),
        optional("seed", "str", "None"),
    ],
    example: ("lookup('password', '/dev/null', length=3, seed='a') | length", "3"),
    run: password,
    ..LOOKUP
}];

#[derive(Clone)]
struct Options {
    length: i64,
    chars: Vec<String>,
    encrypt: Option<String>,
    seed: Option<V>,
}

fn password(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut chars = vec!["ascii_letters".to_owned(), "digits".to_owned(), ".,:-_".to_owned()];
    match args.get("chars") {
        None => {}
        Some(V::Str(t)) => chars = split_chars(t),
        Some(list) => chars = iterate(cx, list)?.iter().map(|c| text(cx, c)).collect::<Res<_>>()?,
    }
    let given = Options {
        length: args.int("length", 20)?,
        chars,
        encrypt: args.text(cx, "encrypt")?,
        seed: args.get("seed").cloned(),
    };
    terms.iter().map(|term| one(cx, &text(cx, term)?, given.clone())).collect()
}

fn split_chars(text: &str) -> Vec<String> {
    let mut out = vec![];
    if text.contains(",,") {
        out.push(",".to_owned());
    }
    out.extend(text.replace(",,", ",").split(',').filter(|c| !c.is_empty()).map(str::to_owned));
    out
}

fn one(cx: &Cx, term: &str, mut options: Options) -> Res {
    let mut path = term.to_owned();
    if let Some((first, rest)) = term.split_once(' ') {
        let (raw, pairs) = keyvalue::parse(rest)?;
        path = if raw.is_empty() { first.to_owned() } else { format!("{first} {raw}") };
        for (key, value) in pairs {
            match key.as_str() {
                "length" => options.length = value.parse().map_err(|_| Fault::raw("length must be an integer"))?,
                "chars" => options.chars = split_chars(&value),
                "encrypt" => options.encrypt = Some(value),
                "seed" => options.seed = Some(V::str(value)),
                "ident" => {}
                other => {
                    return Err(Fault::raw(format!("Unrecognized parameter(s) given to password lookup: {other}")));
                }
            }
        }
    }
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
    let (plain, mut salt) = match stored {
        None => (random(cx, &options)?, None),
        Some(content) => match content.rsplit_once(" salt=") {
            Some((password, rest)) => {
                let salt = rest.split_once(" ident=").map_or(rest, |(s, _)| s);
                (password.to_owned(), Some(salt.to_owned()))
            }
            None => (content, None),
        },
    };
    if let (Some(kind), None) = (&options.encrypt, &salt) {
        let size = if kind.starts_with("md5") { 8 } else { 16 };
        let salt_chars = Options {
            length: size,
            chars: vec!["ascii_letters".into(), "digits".into(), "./".into()],
            encrypt: None,
            seed: None,
        };
        salt = Some(random(cx, &salt_chars)?);
        changed = true;
    }
    if changed && !throw_away {
        let content = match &salt {
            Some(salt) => format!("{plain} salt={salt}\n"),
            None => format!("{plain}\n"),
        };
        cx.engine
            .outside
            .write_private(&path, content.as_bytes())
            .map_err(|e| Fault::raw(format!("{}: {e}", path.display())))?;
    }
    let out = match &options.encrypt {
        Some(kind) => crypt_password(cx, &plain, kind, salt, None, None)?,
        None => plain,
    };
    Ok(V::Str(Text::foreign(out)))
}

fn random(cx: &Cx, options: &Options) -> Res<String> {
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
