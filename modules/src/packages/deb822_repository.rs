//! `deb822_repository`: package sources in deb822 format, `sources.list.d/*.sources`, with their keys.

use crate::contract::{Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{Step, Steps};
use crate::host::{Change, Observe};
use crate::network::http;
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Deb822Repository;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    state: State,
    mode: Json,
    signed_by: Option<String>,
    #[serde(flatten)]
    fields: JsonMap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

const KEYRINGS: &str = "/etc/apt/keyrings";

impl Module for Deb822Repository {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: A vendor's repository with its key\n  ansible.builtin.deb822_repository:\n    name: vendor\n    uris: https://apt.example.com\n    suites: stable\n    components: [main]\n    signed_by: https://apt.example.com/key.asc\n",
        differs: "Needs no python3-debian.",
        ..ModuleSpec::new(
            "ansible.builtin.deb822_repository",
            "Manages apt's package sources in deb822 format.",
            &[
                Arg::bool("allow_downgrade_to_insecure").doc("Allow a repository to become unsigned."),
                Arg::bool("allow_insecure").doc("Allow an unsigned repository."),
                Arg::bool("allow_weak").doc("Allow weak signatures."),
                Arg::list("architectures", ArgType::Str).doc("Architectures to download."),
                Arg::bool("by_hash").doc("Fetch indexes by their hash."),
                Arg::bool("check_date").doc("Check the release's date."),
                Arg::bool("check_valid_until").doc("Check the release's end."),
                Arg::list("components", ArgType::Str).doc("Components of the suites."),
                Arg::int("date_max_future").doc("How far ahead the release's date may be, in seconds."),
                Arg::bool("enabled").doc("Whether apt uses the source."),
                Arg::str("inrelease_path").doc("Path of the InRelease file."),
                Arg::list("languages", ArgType::Str).doc("Languages of translations."),
                Arg::str("name").required().doc("Name of the repository, and of its file."),
                Arg::bool("pdiffs").doc("Use differences of indexes."),
                Arg::str("signed_by").doc("URL of a key, a file on the host, a fingerprint or the key itself."),
                Arg::list("suites", ArgType::Str).doc("Suites, or exact paths ending with `/`."),
                Arg::list("targets", ArgType::Str).doc("Download targets."),
                Arg::bool("trusted").doc("Take it as trusted or not, whatever its signature."),
                Arg::list("types", ArgType::Str)
                    .choices(&["deb", "deb-src"])
                    .default(Literal::Strs(&["deb"]))
                    .doc("Binary or source packages."),
                Arg::list("uris", ArgType::Str).doc("Base addresses."),
                Arg::raw("mode").default(Literal::Str("0644")).doc("Permissions of the file."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the source is there."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Steps>, Failure> {
        let slug = slug(&args.name);
        let path = PathBuf::from(format!("/etc/apt/sources.list.d/{slug}.sources"));
        let key_path = |ext: &str| Path::new(KEYRINGS).join(format!("{slug}.{ext}"));
        let mut steps = Steps::default();
        let report = |steps: Steps, repo: Json, key: Json| {
            let outcome = Outcome::changed(!steps.steps.is_empty())
                .with("repo", repo)
                .with("dest", path.display().to_string())
                .with("key_filename", key);
            Ok(if steps.steps.is_empty() { Plan::Done(outcome) } else { Plan::Work(Steps { outcome, ..steps }) })
        };
        if args.state == State::Absent {
            for file in [path.clone(), key_path("asc"), key_path("gpg")] {
                if host.stat(&file).is_ok() {
                    steps.steps.push(Step::Remove(file));
                }
            }
            return report(steps, Json::Null, key_path("gpg").display().to_string().into());
        }
        let mut fields = args.fields.clone();
        fields.insert("name".to_owned(), args.name.as_str().into());
        let mut key_file = Json::Null;
        if let Some(value) = &args.signed_by {
            let (value, file) = signed_by(value, &key_path, host, call, &mut steps)?;
            key_file = file.map_or(Json::Null, Json::from);
            fields.insert("signed_by".to_owned(), value.into());
        }
        let text = render(fields);
        let mode = mode_bits(&args.mode)?;
        match (host.read(&path), host.stat(&path)) {
            (Ok(now), Ok(stat)) if now == text.as_bytes() => {
                if let Some(mode) = mode.filter(|m| *m != stat.mode) {
                    steps.steps.push(Step::Mode(path.clone(), mode));
                }
            }
            _ => {
                steps.write(&path, text.as_str(), mode);
            }
        }
        report(steps, text.into(), key_file)
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// The name as a file name: lower case, spaces as `-`, other signs dropped.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '-' => out.push(c),
            c if (c == '_' || c.is_whitespace()) && !out.ends_with('\u{1}') => out.push('\u{1}'),
            _ => {}
        }
    }
    out.replace('\u{1}', "-")
}

fn mode_bits(mode: &Json) -> Result<Option<u32>, Failure> {
    let text = match mode {
        Json::Null => return Ok(None),
        Json::Number(n) => return Ok(n.as_u64().map(|n| n as u32)),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    u32::from_str_radix(text.trim_start_matches("0o"), 8)
        .map(Some)
        .map_err(|_| Failure::new(format!("mode {text} is not an octal number")))
}

/// The value of `Signed-By`, and the key file that it names. A key given by URL is stored among apt's keyrings.
fn signed_by(
    value: &str,
    key_path: &dyn Fn(&str) -> PathBuf,
    host: &dyn Observe,
    call: &Call,
    steps: &mut Steps,
) -> Result<(String, Option<String>), Failure> {
    if host.stat(Path::new(value)).is_ok_and(|s| s.kind == crate::host::FileKind::File) {
        return Ok((value.to_owned(), Some(value.to_owned())));
    }
    let scheme = value.split_once("://").map(|(s, _)| s);
    if !scheme.is_some_and(|s| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric())) {
        return Ok((value.to_owned(), None));
    }
    let key =
        http::download(host, call, value).map_err(|e| Failure::new(format!("Could not fetch signed_by key: {e}")))?;
    let armored = key.windows(36).any(|w| w == b"-----BEGIN PGP PUBLIC KEY BLOCK-----");
    let file = key_path(if armored { "asc" } else { "gpg" });
    let keyrings = Path::new(KEYRINGS);
    if host.read(&file).is_ok_and(|now| now == key) {
        if host.stat(&file).is_ok_and(|s| s.mode != 0o644) {
            steps.steps.push(Step::Mode(file.clone(), 0o644));
        }
    } else {
        match host.stat(keyrings) {
            Err(_) => steps.steps.push(Step::CreateDir { path: keyrings.into(), mode: 0o755, owner: Some((0, 0)) }),
            Ok(stat) => {
                if stat.mode != 0o755 {
                    steps.steps.push(Step::Mode(keyrings.into(), 0o755));
                }
                if (stat.uid, stat.gid) != (0, 0) {
                    steps.steps.push(Step::Owner(keyrings.into(), Some(0), Some(0)));
                }
            }
        }
        steps.write(&file, key, Some(0o644));
    }
    let shown = file.display().to_string();
    Ok((shown.clone(), Some(shown)))
}

fn render(fields: JsonMap) -> String {
    let mut fields: Vec<(String, Json)> = fields.into_iter().filter(|(_, v)| !v.is_null()).collect();
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    let mut text = String::new();
    for (key, value) in fields {
        let value = match value {
            Json::Bool(b) => if b { "yes" } else { "no" }.to_owned(),
            Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" "),
            Json::String(s) => s,
            other => other.to_string(),
        };
        let gap = if value.is_empty() || value.contains('\n') { "" } else { " " };
        text.push_str(&format!("{}:{gap}{}\n", field_name(&key), folded(&value)));
    }
    text
}

/// Several lines become continuation lines; an empty one is a dot.
fn folded(value: &str) -> String {
    if !value.contains('\n') {
        return value.to_owned();
    }
    let lines = value.trim().lines().map(str::trim);
    lines.fold(String::new(), |text, line| text + "\n    " + if line.is_empty() { "." } else { line })
}

fn field_name(key: &str) -> String {
    match key {
        "name" => "X-Repolib-Name".to_owned(),
        "uris" => "URIs".to_owned(),
        _ => key
            .split('_')
            .map(|part| {
                let mut chars = part.chars();
                chars.next().map_or_else(String::new, |c| c.to_ascii_uppercase().to_string() + chars.as_str())
            })
            .collect::<Vec<_>>()
            .join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    const REPO: Entry = Entry::of::<Deb822Repository>();

    #[test]
    fn writes_fields_in_order_and_stores_the_key() {
        let mut host = Fake::new()
            .dir("/etc/apt/sources.list.d")
            .dir("/etc/apt")
            .file("/k", "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx");
        let args = json!({
            "name": "My Vendor_x!", "uris": "https://a.org", "suites": ["stable"], "components": "main,extra",
            "enabled": false, "signed_by": "file:///k", "by_hash": true
        });
        let out = case(&REPO, args, &mut host).unwrap();
        assert!(out.changed);
        assert_eq!(
            host.text("/etc/apt/sources.list.d/my-vendor-x.sources"),
            "By-Hash: yes\nComponents: main extra\nEnabled: no\nX-Repolib-Name: My Vendor_x!\nSigned-By: /etc/apt/keyrings/my-vendor-x.asc\nSuites: stable\nTypes: deb\nURIs: https://a.org\n"
        );
        assert_eq!(out.values["key_filename"], "/etc/apt/keyrings/my-vendor-x.asc");
        assert!(case(&REPO, json!({"name": "My Vendor_x!", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn inline_keys_are_folded() {
        assert_eq!(folded("a\n\n b\n"), "\n    a\n    .\n    b");
    }
}
