//! Settings as ansible-core 2.19 reads them: `config/recorded.json` (made by `config/record.py`) against ours, with origins.

#![allow(clippy::unwrap_used)]

use serde_json::Value as Json;
use std::path::Path;
use tightbeam::config::{Kind, SETTINGS, Settings, Surroundings};
use tightbeam::diag::SourceMap;

/// The number of settings that other tools of ansible-core know and we do not: internal ones, whose names start with `_`, the
/// table of fact modules of network devices, and the name of the file itself.
const UNKNOWN: usize = 14;

#[test]
fn settings_as_ansible_reads_them() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("config/recorded.json")).unwrap();
    let mut wrong = vec![];
    let mut compared = 0;
    for case in &cases {
        let mut around = Surroundings { cwd: "/r/w/sub".into(), home: Some("/r/home".into()), ..Default::default() };
        around.env.insert("HOME".into(), "/r/home".into());
        for (name, value) in case["env"].as_object().unwrap() {
            around.env.insert(name.clone(), value.as_str().unwrap().to_owned());
        }
        let file = Some((Path::new("/r/w/ansible.cfg"), case["cfg"].as_str().unwrap()));
        let (settings, faults) = Settings::load(&SourceMap::default(), file, &around);
        let fails = case.get("fails").is_some();
        assert_eq!(fails, !faults.is_empty(), "{}: {faults:?}", case["name"]);
        if fails {
            continue;
        }
        let theirs = case["settings"].as_object().unwrap();
        let known = |name: &str| SETTINGS.iter().find(|s| s.key == name);
        assert!(theirs.keys().filter(|name| known(name).is_none()).count() <= UNKNOWN);
        for (name, setting) in theirs.iter().filter_map(|(name, _)| Some((name, known(name)?))) {
            // Ansible makes the directory and shows its name.
            if setting.kind == Kind::TmpPath {
                continue;
            }
            compared += 1;
            let set = settings.get(name);
            let ours = (set.value.to_json(), set.origin.to_string());
            let recorded = (theirs[name][0].clone(), theirs[name][1].as_str().unwrap().to_owned());
            if ours != recorded {
                wrong.push(format!("{}: {name}: ansible {recorded:?}, ours {ours:?}", case["name"]));
            }
        }
    }
    assert!(compared > 600, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
