//! What the language costs: templates, a large inventory, vault strings. `cargo bench --bench language`, with
//! `templates`, `inventory` or `vaults` for one of them.
//!
//! With ANSIBLE_PYTHON (a Python that has ansible-core 2.19) the same work is done by ansible-core's own templating and by
//! PyYAML's C loader in the same run, answers are compared, and ratios are shown.

#[path = "../tests/support/scripted.rs"]
mod scripted;

use clap::Parser;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tightbeam::cli::args::{AnsiblePlaybook, InventorySourceArgs};
use tightbeam::cli::{Base, Project, Stage, play};
use tightbeam::config::Surroundings;
use tightbeam::diag::SourceMap;
use tightbeam::event::{Event, Observer};
use tightbeam::template::{Context, Engine, NoOutside, Templar, TemplateSettings};
use tightbeam::value::{Map, Value};
use tightbeam::vault;

const ROUNDS: usize = 3;
/// Each task renders [`CONDITIONS`] and [`ARGUMENTS`]: ten templates.
const TASKS: usize = 10_000;

const CONDITIONS: &[&str] = &[
    "var_03 == 'value 3' and not skip",
    "result.rc == 0 and 'ok' in result.stdout",
    "os_family in ['Debian', 'RedHat'] and major | int >= 11",
    "packages | length > 0 or var_10 is not defined",
];
const ARGUMENTS: &[&str] = &[
    "/etc/{{ service }}/{{ inventory_hostname }}.conf",
    "{{ packages | map('regex_replace', '^lib', '') | join(',') }}",
    "{{ base_dir }}/releases/{{ version | default('current') }}",
    "{{ users | selectattr('active') | map(attribute='name') | list }}",
    "{{ 'yes' if skip | bool else 'no' }}",
    "{{ port | int + 1 }}",
];

fn variables() -> serde_json::Map<String, Json> {
    let own = json!({
        "skip": false, "os_family": "Debian", "major": "12", "service": "nginx", "inventory_hostname": "web01",
        "packages": ["nginx", "libssl", "curl"], "base_dir": "{{ root }}/{{ service }}", "root": "/srv", "port": "8080",
        "result": {"rc": 0, "stdout": "all ok", "changed": false},
        "users": [{"name": "a", "active": true}, {"name": "b", "active": false}, {"name": "c", "active": true}],
    });
    let mut all =
        (0..89).map(|i| (format!("var_{i:02}"), json!(format!("value {i}")))).collect::<serde_json::Map<_, _>>();
    all.extend(own.as_object().cloned().unwrap_or_default());
    all
}

/// Texts are the author's.
fn author(json: Json) -> Value {
    match json {
        Json::String(text) => Value::trusted(text),
        other => Value::from(other),
    }
}

/// The reference's seconds and answers for a piece of work.
fn reference(what: &str, dir: &Path) -> Option<(f64, Vec<String>)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reference.py");
    let python = std::env::var_os("ANSIBLE_PYTHON")?;
    let out = std::process::Command::new(python).arg(script).arg(what).arg(dir).output().expect("a Python");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let answer: Json = serde_json::from_slice(&out.stdout).expect("JSON");
    let made = answer["made"].as_array().expect("a list").iter().map(|v| v.as_str().unwrap_or("").to_owned());
    Some((answer["seconds"].as_f64().expect("seconds"), made.collect()))
}

/// Runs both sides in turn and shows medians and their ratio.
fn beside(what: &str, name: &str, dir: &Path, mut ours: impl FnMut() -> Vec<String>) {
    let (mut own, mut theirs) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let made = ours();
        own.push(begin.elapsed().as_secs_f64());
        if let Some((seconds, answers)) = reference(what, dir) {
            assert_eq!(made, answers, "{name}: other answers than the reference's");
            theirs.push(seconds);
        }
    }
    own.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    let mine = own[ROUNDS / 2];
    match theirs.get(ROUNDS / 2) {
        Some(theirs) => println!("{name}: {mine:.3} s, the reference {theirs:.3} s: {:.1} times", theirs / mine),
        None => println!("{name}: {mine:.3} s (ANSIBLE_PYTHON is not set)"),
    }
}

fn templates(dir: &Path) {
    let variables = variables();
    assert_eq!(variables.len(), 100);
    let work = json!({"variables": variables, "conditions": CONDITIONS, "arguments": ARGUMENTS, "tasks": TASKS});
    std::fs::write(dir.join("templates.json"), work.to_string()).expect("a file");
    let map: Map = variables.into_iter().map(|(k, v)| (k.into(), author(v))).collect();
    let map = Arc::new(map);
    let conditions: Vec<Value> = CONDITIONS.iter().map(|t| Value::trusted(*t)).collect();
    let arguments: Vec<Value> = ARGUMENTS.iter().map(|t| Value::trusted(*t)).collect();
    let count = TASKS * (CONDITIONS.len() + ARGUMENTS.len());
    beside("templates", &format!("{count} renders against 100 variables"), dir, || {
        let outside = Arc::new(NoOutside::default());
        let engine = Engine::new(outside, None, TemplateSettings::default(), SourceMap::default());
        let mut last = vec![];
        for _ in 0..TASKS {
            let templar = Templar::new(&engine, map.clone(), Context::default());
            last.clear();
            for condition in &conditions {
                last.push(Value::Bool(templar.condition(condition).expect("a condition")));
            }
            for argument in &arguments {
                last.push(templar.render(argument).expect("an argument"));
            }
        }
        last.iter().map(Value::to_string).collect()
    });
}

fn surroundings(dir: &Path) -> Surroundings {
    Surroundings { cwd: dir.to_owned(), home: None, env: Default::default(), cwd_world_writable: false }
}

fn inventory(dir: &Path) {
    let mut text = String::from("all:\n  children:\n");
    let mut hosts = 0;
    while text.len() < 5_000_000 {
        text += &format!(
            "    group{:03}:\n      vars:\n        tier: {}\n        ports: [80, 443]\n      hosts:\n",
            hosts / 100,
            hosts % 7
        );
        for _ in 0..100 {
            text += &format!(
                "        host{hosts:05}.example.com:\n          ansible_host: 10.{}.{}.{}\n          ansible_port: 22\n          rack: r{}\n          roles: [web, cache]\n          labels: {{env: production, owner: team-{}}}\n",
                hosts / 65536,
                hosts / 256 % 256,
                hosts % 256,
                hosts % 40,
                hosts % 13
            );
            hosts += 1;
        }
    }
    std::fs::write(dir.join("inventory.yml"), &text).expect("a file");
    let args =
        InventorySourceArgs { inventory: vec![dir.join("inventory.yml").display().to_string()], ..Default::default() };
    beside("inventory", &format!("a YAML inventory of {:.1} MB, {hosts} hosts", text.len() as f64 / 1e6), dir, || {
        let base = Base::at(surroundings(dir)).expect("settings");
        let project = Project::load(base, &args, &Default::default(), &[]).expect("an inventory");
        vec![project.inventory.hosts().count().to_string()]
    });
}

/// Takes what the run says, and keeps how many results there were.
struct Quiet;

impl Observer for Quiet {
    fn event(&mut self, _: &Event) {}
}

fn vaults(dir: &Path) {
    let secret = vault::Secret::new("a password of some length").expect("a secret");
    let mut play = String::from("- hosts: all\n  gather_facts: false\n  vars:\n");
    for i in 0..1000 {
        let text = vault::encrypt(format!("secret number {i}").as_bytes(), &secret, None).expect("a vault");
        play += &vault::as_yaml(&text, Some(&format!("secret_{i}")), 10)
            .lines()
            .map(|l| format!("    {l}\n"))
            .collect::<String>();
    }
    play += "  tasks:\n    - assert:\n        that:\n";
    for i in 0..1000 {
        play += &format!("          - secret_{i} == 'secret number {i}'\n");
    }
    std::fs::write(dir.join("play.yml"), play).expect("a file");
    std::fs::write(dir.join("password"), "a password of some length\n").expect("a file");
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(8 << 20).enable_all().build();
    let runtime = runtime.expect("a runtime");
    for hosts in ["h0,", "h0,h1,h2,h3,h4,h5,h6,h7,h8,h9,"] {
        let mut seconds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let words = ["ansible-playbook", "-i", hosts, "--vault-password-file", "password", "play.yml"];
                let args = AnsiblePlaybook::try_parse_from(words).expect("arguments").args;
                let stage = Stage { hosts: Arc::<scripted::Scripted>::default(), observer: Box::new(Quiet) };
                let begin = Instant::now();
                let code = runtime.block_on(async { play_at(dir, args, stage).await });
                assert!(matches!(code, Ok(0)), "{code:?}");
                begin.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        println!(
            "a play that uses 1000 vault strings, {} host(s): {:.3} s",
            hosts.matches(',').count(),
            seconds[ROUNDS / 2]
        );
    }
}

async fn play_at(
    dir: &Path,
    args: tightbeam::cli::args::PlayArgs,
    stage: Stage,
) -> Result<u8, tightbeam::cli::CommandError> {
    std::env::set_current_dir(dir).ok();
    play(Base::at(surroundings(dir))?, args, Some(stage)).await
}

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let parts: [(&str, fn(&Path)); 3] = [("templates", templates), ("inventory", inventory), ("vaults", vaults)];
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            part(dir.path());
        }
    }
}
