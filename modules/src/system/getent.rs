//! `getent`: entries of the host's name databases, as facts.

use crate::contract::{Arg, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;

pub struct Getent;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    database: String,
    key: Option<String>,
    service: Option<String>,
    split: Option<String>,
    fail_key: bool,
}

impl Module for Getent {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "- name: One account\n  ansible.builtin.getent:\n    database: passwd\n    key: root\n",
        returns: &[Return {
            name: "ansible_facts",
            when: "always",
            doc: "The entries, as `getent_` and the database.",
        }],
        ..ModuleSpec::new(
            "ansible.builtin.getent",
            "Reads the host's name databases.",
            &[
                Arg::str("database").required().doc("`passwd`, `group`, `hosts`, …"),
                Arg::str("key").doc("The entry; all without."),
                Arg::str("service").doc("Only this source."),
                Arg::str("split").doc("What separates the fields; white space without."),
                Arg::bool("fail_key").default(Literal::Bool(true)).doc("Fail if the entry is missing."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let mut command = Command::new(required(host, "getent")?).arg(&args.database).args(&args.key);
        if let Some(service) = &args.service {
            command = command.args(["-s", service]);
        }
        let out = query(host, &command)?;
        let tree = format!("getent_{}", args.database);
        let facts = |entries: JsonMap| JsonMap::from_iter([(tree.clone(), Json::from(entries))]);
        let msg = match out.rc {
            0 => {
                let found = entries(&args, &out.stdout_text());
                return Ok(Plan::Done(Outcome { facts: Some(facts(found)), ..Outcome::default() }));
            }
            1 => "Missing arguments, or database unknown.",
            2 => "One or more supplied key could not be found in the database.",
            3 => "Enumeration not supported on this database.",
            _ => "Unexpected failure!",
        };
        match (out.rc, args.fail_key, &args.key) {
            (2, false, Some(key)) => {
                let none = JsonMap::from_iter([(key.clone(), Json::Null)]);
                let outcome = Outcome { facts: Some(facts(none)), ..Outcome::default() };
                Ok(Plan::Done(outcome.with("msg", msg)))
            }
            _ => Err(Failure::new(msg)),
        }
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

/// Entries by their first field; where it comes again the value is a list of all.
fn entries(args: &Args, text: &str) -> JsonMap {
    let colon = matches!(args.database.as_str(), "passwd" | "shadow" | "group" | "gshadow").then_some(":");
    let split = args.split.as_deref().or(colon);
    let mut entries = JsonMap::new();
    let mut repeated: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut fields: Vec<Json> = match split {
            Some(separator) => line.split(separator).map(Json::from).collect(),
            None => line.split_whitespace().map(Json::from).collect(),
        };
        if fields.is_empty() {
            continue;
        }
        let key = fields.remove(0).as_str().unwrap_or_default().to_owned();
        match entries.get_mut(&key) {
            None => {
                entries.insert(key, fields.into());
            }
            Some(Json::Array(all)) if repeated.contains(&key) => all.push(fields.into()),
            Some(first) => {
                *first = Json::Array(vec![first.take(), fields.into()]);
                repeated.push(key);
            }
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    #[test]
    fn entries_and_missing_keys() {
        let entry = Entry::of::<Getent>();
        let mut host = Fake::new()
            .file_mode("/usr/bin/getent", "", 0o755)
            .answer("/usr/bin/getent passwd root", 0, "root:x:0:0:root:/root:/bin/bash\n")
            .answer("/usr/bin/getent hosts", 0, "::1 localhost ip6\n::1 other\n")
            .answer("/usr/bin/getent group no", 2, "");
        let out = case(&entry, json!({"database": "passwd", "key": "root"}), &mut host).unwrap();
        let facts = Json::from(out.facts.unwrap());
        assert_eq!(facts, json!({"getent_passwd": {"root": ["x", "0", "0", "root", "/root", "/bin/bash"]}}));
        let out = case(&entry, json!({"database": "hosts"}), &mut host).unwrap();
        assert_eq!(Json::from(out.facts.unwrap()), json!({"getent_hosts": {"::1": [["localhost", "ip6"], ["other"]]}}));
        let failure = run(&entry, json!({"database": "group", "key": "no"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "One or more supplied key could not be found in the database.");
        let out = case(&entry, json!({"database": "group", "key": "no", "fail_key": false}), &mut host).unwrap();
        assert_eq!(Json::from(out.facts.unwrap()), json!({"getent_group": {"no": null}}));
    }
}
