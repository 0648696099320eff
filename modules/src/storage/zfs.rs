//! `community.general.zfs`: file systems, volumes and snapshots of ZFS.

use crate::contract::{Arg, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{Steps, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

pub struct Zfs;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    state: String,
    origin: Option<String>,
    extra_zfs_properties: JsonMap,
}

impl Module for Zfs {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        examples: "- name: A file system\n  community.general.zfs:\n    name: tank/data\n    state: present\n    extra_zfs_properties:\n      compression: lz4\n      setuid: false\n\n- name: A snapshot\n  community.general.zfs:\n    name: tank/data@before\n    state: present\n",
        differs: "Check mode tells of properties that differ. Values are told as texts.",
        ..ModuleSpec::new(
            "community.general.zfs",
            "File systems, volumes and snapshots of ZFS.",
            &[
                Arg::str("name").required().doc("Its name."),
                Arg::str("state").required().choices(&["absent", "present"]).doc("Whether it is to be there."),
                Arg::str("origin").doc("The snapshot to clone."),
                Arg::dict("extra_zfs_properties").default(Literal::EmptyDict).doc("Its properties."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let name = args.name.as_str();
        let origin = args.origin.as_deref().filter(|o| !o.is_empty());
        if origin.is_some() && name.contains('@') {
            return Err(Failure::new("cannot specify origin when operating on a snapshot"));
        }
        let zfs = required(host, "zfs")?;
        let command = |words: &[&str]| Command::new(&zfs).args(words.iter().copied());
        let wanted: Vec<(&String, String)> =
            args.extra_zfs_properties.iter().map(|(name, value)| (name, property(value))).collect();
        // A pool that is not there is told as such.
        let pool = name.split(['/', '@']).next().unwrap_or_default();
        let ask = Command::new(required(host, "zpool")?).args(["get", "version", pool]);
        let out = query(host, &ask)?;
        if !out.ok() {
            return Err(failed_command(&ask, &out, ""));
        }
        let exists = query(host, &command(&["list", "-t", "all", name]))?.ok();
        let mut steps = Steps::default();
        let (mut before, mut after) = (JsonMap::new(), JsonMap::new());
        match (args.state.as_str(), exists) {
            ("absent", false) => {}
            ("absent", true) => {
                steps.run(command(&["destroy", "-R", name]));
                before.insert("state".into(), "present".into());
                after.insert("state".into(), "absent".into());
            }
            (_, false) => {
                steps.run(create(command(&[]), name, origin, &wanted));
                before.insert("state".into(), "absent".into());
                after.insert("state".into(), "present".into());
            }
            (_, true) => {
                let now = set_properties(
                    &query(host, &command(&["get", "-H", "-p", "-o", "property,value,source", "all", name]))?
                        .stdout_text(),
                );
                let (mut old, mut new) = (JsonMap::new(), JsonMap::new());
                for (property, value) in &wanted {
                    let current = now.get(*property);
                    if current != Some(value) {
                        steps.run(command(&["set", &format!("{property}={value}"), name]));
                        old.insert((*property).clone(), current.cloned().into());
                        new.insert((*property).clone(), value.as_str().into());
                    }
                }
                before.insert("extra_zfs_properties".into(), old.into());
                after.insert("extra_zfs_properties".into(), new.into());
            }
        }
        let mut outcome = Outcome::changed(!steps.steps.is_empty()).with("name", name).with("state", args.state);
        let told = !before.is_empty();
        let side = |map: JsonMap| told.then_some(Json::Object(map));
        outcome.diff.push(Diff {
            before: side(before),
            after: side(after),
            before_header: Some(name.to_owned()),
            after_header: Some(name.to_owned()),
            prepared: None,
        });
        outcome.values.extend(wanted.iter().map(|(name, value)| ((*name).clone(), json!(value))));
        steps.outcome = outcome;
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// A value as zfs writes it.
fn property(value: &Json) -> String {
    match value {
        Json::Bool(true) => "on".to_owned(),
        Json::Bool(false) => "off".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Properties that were set or are fixed, not those with inherited or default values.
fn set_properties(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let parts: Vec<&str> = line.split('\t').collect();
            let [name, value, source] = parts[..] else { return None };
            ["local", "received", "-"].contains(&source).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

fn create(command: Command, name: &str, origin: Option<&str>, properties: &[(&String, String)]) -> Command {
    let action = if name.contains('@') {
        "snapshot"
    } else if origin.is_some() {
        "clone"
    } else {
        "create"
    };
    let mut command = command.arg(action).args((action != "snapshot").then_some("-p"));
    for (property, value) in properties {
        command = match property.as_str() {
            "volsize" => command.args(["-V", value]),
            "volblocksize" => command.args(["-b", value]),
            _ => command.args(["-o", &format!("{property}={value}")]),
        };
    }
    command.args(origin.filter(|_| action == "clone")).arg(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};

    const ZFS: Entry = Entry::of::<Zfs>();
    const LIST: &str = "zfs list -t all tank/d";
    const GET: &str = "zfs get -H -p -o property,value,source all tank/d";

    fn host() -> Fake {
        Fake::new().answer("zpool get version tank", 0, "").answer(LIST, 1, "")
    }

    #[test]
    fn comes_changes_and_goes() {
        let mut host = host().effect("zfs create -p -o compression=lz4 -o setuid=off tank/d", 0, "", |h| {
            h.set_answer(LIST, 0, "");
            h.set_answer(GET, 0, "compression\tlz4\tlocal\nsetuid\toff\tlocal\natime\ton\tdefault\n");
        });
        let mut args = json!({"name": "tank/d", "state": "present", "extra_zfs_properties": {"compression": "lz4", "setuid": false}});
        let out = case(&ZFS, args.clone(), &mut host).unwrap();
        assert_eq!(
            (&out.values["setuid"], out.diff[0].before.clone()),
            (&json!("off"), Some(json!({"state": "absent"})))
        );
        let mut host = host.effect("zfs set atime=on tank/d", 0, "", |h| {
            h.set_answer(GET, 0, "compression\tlz4\tlocal\natime\ton\tlocal\n");
        });
        args["extra_zfs_properties"] = json!({"atime": true});
        let out = case(&ZFS, args, &mut host).unwrap();
        assert_eq!(out.diff[0].before, Some(json!({"extra_zfs_properties": {"atime": null}})));
        let mut host = host.effect("zfs destroy -R tank/d", 0, "", |h| h.set_answer(LIST, 1, ""));
        assert!(case(&ZFS, json!({"name": "tank/d", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn volumes_snapshots_and_clones() {
        for (args, command) in [
            (json!({"extra_zfs_properties": {"volsize": "1G"}}), "zfs create -p -V 1G tank/d"),
            (json!({"origin": "tank/a@b"}), "zfs clone -p tank/a@b tank/d"),
        ] {
            let mut args = args;
            args.as_object_mut()
                .unwrap()
                .extend([("name".into(), json!("tank/d")), ("state".into(), json!("present"))]);
            let mut host = host().effect(command, 0, "", |_| {});
            assert!(run(&ZFS, args, &mut host, false).unwrap().changed);
        }
        let args = json!({"name": "tank/d@s", "state": "present", "origin": "x"});
        let msg = "cannot specify origin when operating on a snapshot";
        assert_eq!(run(&ZFS, args, &mut host(), true).unwrap_err().msg, msg);
    }
}
