//! Templates give what ansible-core gives: the cases of `tests/template/cases`, answered in `answers.json` by `record.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;
use tightbeam::diag::SourceMap;
use tightbeam::files::{Disk, Files};
use tightbeam::template::{
    Context, Engine, ErrorKind, FileOptions, Outside, PipeOutput, Templar, TemplateError, TemplateSettings, UrlRequest,
};
use tightbeam::value::{Map, Value};

/// The share of cases that must agree, `known.tsv` aside.
const AGREE: f64 = 0.99;

#[derive(serde::Deserialize)]
struct Case {
    group: String,
    case: String,
    gives: Option<String>,
    error: Option<String>,
    message: Option<String>,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/template")
}

/// The world as `record.py` saw it.
struct World;

impl Outside for World {
    fn files(&self) -> &dyn Files {
        &Disk
    }
    fn env(&self, name: &str) -> Option<String> {
        match name {
            "ORACLE" => Some("from the environment".to_owned()),
            "HOME" => Some("/home/somebody".to_owned()),
            "TZ" => Some("UTC".to_owned()),
            _ => None,
        }
    }
    fn cwd(&self) -> PathBuf {
        directory().join("files")
    }
    fn pipe(&self, command: &str, directory: &Path) -> Result<PipeOutput, String> {
        let out = Command::new("/bin/sh").arg("-c").arg(command).current_dir(directory).output();
        let out = out.map_err(|e| e.to_string())?;
        Ok(PipeOutput { code: out.status.code().unwrap_or(-1), stdout: out.stdout })
    }
    fn url(&self, _: &UrlRequest) -> Result<Vec<u8>, String> {
        Err("no network".to_owned())
    }
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn random(&self, buffer: &mut [u8]) {
        for (i, b) in buffer.iter_mut().enumerate() {
            *b = i as u8;
        }
    }
    fn write_private(&self, _: &Path, _: &[u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    fn setting(&self, name: &str) -> Option<Value> {
        (name == "DEFAULT_ROLES_PATH").then(|| Value::list(vec!["/etc/ansible/roles".into()]))
    }
    fn hosts(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(vec![])
    }
    fn warn(&self, _: &str) {}
}

/// JSON as variables: texts are the author's, but for `{"__foreign": "text"}`.
fn variable(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::String(s) => Value::trusted(s),
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(variable).collect()),
        serde_json::Value::Object(map) => match map.get("__foreign") {
            Some(serde_json::Value::String(s)) => Value::foreign(s.as_str()),
            _ => Value::map(map.into_iter().map(|(k, v)| (k.into(), variable(v))).collect()),
        },
        serde_json::Value::Number(n) if n.as_i64().is_none() && n.as_f64().is_some_and(|f| f > 1e20) => {
            Value::BigInt(Arc::new("123456789012345678901234567890".parse().expect("a number")))
        }
        other => Value::from(other),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c @ ('\\' | '\'' | '"')) => out.push(c),
                Some('b') => out.push('\x08'),
                Some('d') => out.push_str("\\d"),
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

fn run(templar: &Templar, case: &str) -> Result<Value, TemplateError> {
    let (kind, text) = match case.as_bytes() {
        [kind, b':', ..] if kind.is_ascii_uppercase() => (*kind, case[2..].trim_matches(' ')),
        _ => (b'E', case),
    };
    match kind {
        b'E' => templar.render(&Value::trusted(format!("{{{{ {text} }}}}"))),
        b'T' => templar.render(&Value::trusted(unescape(text))),
        b'F' => {
            let files = directory().join("files/templates/case.j2");
            templar.file(&unescape(text), &FileOptions { path: Some(files), ..FileOptions::default() }).map(Value::from)
        }
        b'C' => templar.condition(&Value::trusted(text)).map(Value::Bool),
        _ => {
            let (name, terms) = text.split_once(' ').expect("a name and terms");
            let terms = variable(serde_json::from_str(terms).expect("terms in JSON"));
            templar.lookup(name, &terms, &Map::new()).map(Value::list)
        }
    }
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Undefined => "undefined",
        ErrorKind::Syntax => "syntax",
        ErrorKind::NotBoolean => "not boolean",
        ErrorKind::Recursive => "recursive",
        ErrorKind::Omitted => "omitted",
        ErrorKind::Failed | ErrorKind::Vault => "failed",
    }
}

#[test]
fn answers_agree_with_the_reference() {
    let directory = directory();
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).expect(name);
    let cases: Vec<Case> = serde_json::from_str(&read("answers.json")).expect("answers.json");
    let known: BTreeMap<String, String> = read("known.tsv")
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(case, why)| (case.to_owned(), why.to_owned()))
        .collect();
    let variables = variable(serde_json::from_str(&read("variables.json")).expect("variables.json"));
    let Value::Map(variables) = variables else { panic!("variables.json is a map") };
    let engine = Engine::new(Arc::new(World), None, TemplateSettings::default(), SourceMap::default());
    let files = directory.join("files");
    let context = Context { search_paths: vec![files.clone()], playbook_dir: files.clone(), action: None };
    let mut wrong = vec![];
    let mut stale: Vec<&String> = vec![];
    let (mut messages, mut same_messages) = (0, 0);
    for case in &cases {
        let templar = Templar::new(&engine, variables.clone(), context.clone());
        let got = run(&templar, &case.case);
        let agrees = match (&got, &case.gives, &case.error) {
            (Ok(value), Some(wanted), _) => value.repr().replace(&*files.to_string_lossy(), "FILES") == *wanted,
            (Err(error), _, Some(kind)) => {
                messages += 1;
                let ours = error.message.replace(&*files.to_string_lossy(), "FILES");
                same_messages += usize::from(Some(&ours) == case.message.as_ref());
                if std::env::var_os("SHOW_MESSAGES").is_some() && Some(&ours) != case.message.as_ref() {
                    println!("{}\n   ours: {ours}\n theirs: {}", case.case, case.message.as_deref().unwrap_or(""));
                }
                kind_name(error.kind) == kind
            }
            _ => false,
        };
        match (agrees, known.get_key_value(&case.case)) {
            (true, Some((line, _))) => stale.push(line),
            (false, None) => {
                let ours = got.map_or_else(|e| format!("{}: {}", kind_name(e.kind), e.message), |v| v.repr());
                let theirs = case.gives.clone().unwrap_or_else(|| {
                    format!("{}: {}", case.error.as_deref().unwrap_or(""), case.message.as_deref().unwrap_or(""))
                });
                wrong.push(format!("[{}] {}\n   ours: {ours}\n theirs: {theirs}", case.group, case.case));
            }
            _ => {}
        }
    }
    println!(
        "{} cases, {} wrong, {} known; {same_messages} of {messages} messages are the same",
        cases.len(),
        wrong.len(),
        known.len()
    );
    for line in &wrong {
        println!("{line}");
    }
    assert!(stale.is_empty(), "known.tsv lists cases that agree: {stale:?}");
    let bad = wrong.len() + known.len();
    assert!(
        bad as f64 <= cases.len() as f64 * (1.0 - AGREE),
        "{bad} of {} cases differ:\n{}",
        cases.len(),
        wrong.join("\n")
    );
    assert!(wrong.is_empty(), "differences that known.tsv does not list:\n{}", wrong.join("\n"));
}
