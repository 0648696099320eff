//! Tasks and items that travel together come out as if each had been sent alone: random plays on scripted hosts, both ways.
//! What the hosts did and what people are told of each host has to be the same.

#![allow(clippy::unwrap_used)]

#[path = "support/scene.rs"]
mod scene;

use proptest::prelude::*;
use scene::Scene;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tightbeam::event::{Event, Observer, TaskInfo, TaskResult};

/// What is told of each host, in order.
#[derive(Default)]
struct Told {
    hosts: BTreeMap<String, Vec<String>>,
    /// Tasks that started before their turn.
    ahead: usize,
    /// What is told of how tasks travel.
    travel: Vec<String>,
}

struct Recorder(Arc<Mutex<Told>>);

impl Recorder {
    fn result(&self, task: &TaskInfo, result: &TaskResult, what: &str) {
        let mut data = result.data.to_json();
        ["start", "end", "delta"].iter().for_each(|key| drop(data.remove(*key)));
        let line = format!(
            "{what} {} {}: {:?} ignored={} {}",
            task.name,
            result.item.as_deref().unwrap_or_default(),
            result.status,
            result.ignored,
            serde_json::Value::Object(data)
        );
        self.0.lock().unwrap().hosts.entry(result.host.to_string()).or_default().push(line);
    }
}

impl Observer for Recorder {
    fn event(&mut self, event: &Event) {
        match event {
            Event::ItemFinished { task, result } => self.result(task, result, "item"),
            Event::TaskFinished { task, result, .. } => self.result(task, result, "task"),
            Event::Inner(text) => {
                let mut told = self.0.lock().unwrap();
                told.ahead += usize::from(text.contains("travels with"));
                told.travel.push(text.trim_start_matches("<h1> TASK ").to_owned());
            }
            Event::RunFinished { stats, .. } => {
                for (host, stats) in stats {
                    self.0.lock().unwrap().hosts.entry(host.to_string()).or_default().push(format!("{stats:?}"));
                }
            }
            _ => {}
        }
    }
}

/// What is run: a case of `language/`, of which the rest is of no interest here, or a play made here.
#[derive(Default, serde::Deserialize)]
struct Case {
    #[serde(default)]
    name: String,
    hosts: Option<String>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    play: String,
}

/// Runs a play; what was told, what each host did, how it ended.
fn run(case: &Case, one_by_one: bool) -> (Told, BTreeMap<String, Vec<String>>, String) {
    let told = Arc::new(Mutex::new(Told::default()));
    let pairs = |map| BTreeMap::iter(map).map(|(k, v): (&String, &String)| (k.as_str(), v.as_str())).collect();
    let given = case.options.iter().map(String::as_str);
    let scene = Scene {
        hosts: case.hosts.as_deref(),
        play: &case.play,
        files: pairs(&case.files),
        environment: pairs(&case.environment),
        options: ["-vvv"].into_iter().chain(one_by_one.then_some("--one-by-one")).chain(given).collect(),
    };
    let ran = scene.run(Box::new(Recorder(told.clone())));
    let ended = match &ran.ended {
        Ok(code) => code.to_string(),
        Err(error) => error.texts().collect::<Vec<_>>().join("\n"),
    };
    let mut told = std::mem::take(&mut *told.lock().unwrap());
    let plain = |lines: &mut Vec<String>| lines.iter_mut().for_each(|line| *line = without_jobs(&ran.plain(line)));
    told.hosts.values_mut().for_each(plain);
    let mut done = ran.hosts.done();
    done.values_mut().for_each(plain);
    (told, done, ran.plain(&ended))
}

/// The names of jobs are random.
fn without_jobs(line: &str) -> String {
    let mut parts = line.split("\"j");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let _ = write!(out, "\"j{}", if rest.starts_with(".1\"") { rest } else { part });
    }
    out
}

/// One task from a few small numbers.
fn task(out: &mut String, indent: &str, number: usize, of: &[u8; 4]) {
    let [kind, register, keyword, condition] = *of;
    let (mine, other) = (register % 3, register / 3 % 3);
    let action = match kind % 12 {
        0 => format!("command: echo {number}"),
        1 => "command: 'false'".to_owned(),
        2 => format!("command: echo {number} {{{{ r{other}.stdout | default('none') }}}}"),
        3 => format!("set_fact: {{f{mine}: \"{number} {{{{ r{other}.rc | default('none') }}}}\"}}"),
        4 => format!("debug: {{msg: \"{{{{ f{other} | default('none') }}}}\"}}"),
        5 => format!("assert: {{that: r{other} is not defined or r{other} is success}}"),
        6 => "ping:".to_owned(),
        7 => format!("shell: echo {number} {{{{ item }}}}\n{indent}  loop: [a, b, c]"),
        8 => format!("shell: \"{{{{ item }}}}\"\n{indent}  loop: ['true', 'false', echo {number}]"),
        9 => {
            format!("shell: echo {{{{ item }}}} {{{{ r{mine}.stdout | default('first') }}}}\n{indent}  loop: [1, 2, 3]")
        }
        10 => format!("command: echo {number} {{{{ f{other} | default('none') }}}}"),
        _ => format!("fail: {{msg: no {number}}}"),
    };
    let _ = writeln!(out, "{indent}- name: t{number} {{{{ f{other} | default('') }}}}\n{indent}  {action}");
    if register & 64 == 0 && !matches!(kind % 12, 3) {
        let _ = writeln!(out, "{indent}  register: r{mine}");
    }
    let extra = match keyword % 16 {
        0 => "ignore_errors: true".to_owned(),
        1 => "failed_when: false".to_owned(),
        2 => format!("failed_when: r{mine}.rc | default(0) == 0"),
        3 => "changed_when: false".to_owned(),
        4 => format!("changed_when: r{other}.changed | default(false)"),
        5 => "notify: first".to_owned(),
        6 => "notify: [second, first]".to_owned(),
        7 => format!("notify: \"{{{{ 'first' if f{other} is defined else 'second' }}}}\""),
        8 => format!("ignore_errors: \"{{{{ f{other} is defined }}}}\""),
        9 => format!(
            "vars: {{v: \"{{{{ r{other}.rc | default(0) }}}}\"}}\n{indent}  environment: {{V: \"{{{{ v }}}}\"}}"
        ),
        10 => "become: true".to_owned(),
        _ => String::new(),
    };
    let when = match condition % 8 {
        0 => format!("when: r{other} is defined"),
        1 => format!("when: f{mine} is not defined"),
        2 => format!("when: r{other}.rc | default(0) == 0"),
        _ => String::new(),
    };
    for line in [extra, when].iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "{indent}  {line}");
    }
}

fn playbook(tasks: &[[u8; 4]], shape: u8) -> (String, &'static str) {
    let (strategy, hosts) = [("linear", "h1\n"), ("free", "h1\nh2\n"), ("linear", "h1\n"), ("host_pinned", "h1\nh2\n")]
        [usize::from(shape % 4)];
    let mut out = format!("- hosts: all\n  strategy: {strategy}\n  tasks:\n");
    for (number, chunk) in tasks.chunks(3).enumerate() {
        let first = number * 3;
        match chunk {
            [a, b, c] if (shape / 4 + number as u8).is_multiple_of(3) => {
                out += "    - block:\n";
                task(&mut out, "        ", first, a);
                task(&mut out, "        ", first + 1, b);
                out += "      rescue:\n";
                task(&mut out, "        ", first + 2, c);
                out += "      always:\n        - command: echo always\n";
            }
            some => {
                some.iter().enumerate().for_each(|(i, one)| task(&mut out, "    ", first + i, one));
                if chunk[0][3] & 128 != 0 {
                    out += "    - meta: flush_handlers\n";
                }
            }
        }
    }
    out += "  handlers:\n    - name: first\n      command: echo first\n      notify: third\n";
    out += "    - name: second\n      command: echo second\n    - name: third\n      debug: {msg: third}\n";
    (out, hosts)
}

fn same(alone: &BTreeMap<String, Vec<String>>, together: &BTreeMap<String, Vec<String>>, text: &str) {
    for (host, lines) in alone {
        let empty = vec![];
        let others = together.get(host).unwrap_or(&empty);
        let differ = lines.iter().zip(others).position(|(a, b)| a != b);
        let at = differ.or((lines.len() != others.len()).then(|| lines.len().min(others.len())));
        if let Some(at) = at {
            panic!("{host}\nalone    {:?}\ntogether {:?}\n{text}", lines.get(at), others.get(at));
        }
    }
    assert_eq!(alone.len(), together.len(), "{text}");
}

/// Runs a play both ways; how many tasks started before their turn.
fn both(case: &Case) -> usize {
    let text = format!("{}\n{}", case.name, case.play);
    let (alone, alone_did, alone_end) = run(case, true);
    let (told, did, end) = run(case, false);
    assert_eq!(alone_end, end, "{text}");
    same(&alone.hosts, &told.hosts, &text);
    same(&alone_did, &did, &text);
    assert_eq!(alone.ahead, 0);
    told.ahead
}

fn of(play: String, hosts: &str) -> Case {
    Case { play, hosts: Some(hosts.to_owned()), ..Case::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn what_travels_together_comes_out_as_if_sent_alone(
        tasks in proptest::collection::vec(any::<[u8; 4]>(), 1..14),
        shape in any::<u8>(),
    ) {
        let (text, hosts) = playbook(&tasks, shape);
        both(&of(text, hosts));
    }
}

/// Cases in which two hosts do something on one of them at once.
const VARYING: &[&str] = &["delegation in a loop"];

#[test]
fn the_cases_of_the_language_come_out_the_same() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|e| e == "yml"));
    let cases: Vec<Case> = files
        .flat_map(|path| serde_yaml::from_str::<Vec<Case>>(&std::fs::read_to_string(path).unwrap()).unwrap())
        .filter(|case| !VARYING.contains(&case.name.as_str()))
        .collect();
    let (next, ahead) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            match std::panic::catch_unwind(|| both(case)) {
                Ok(count) => drop(ahead.fetch_add(count, Ordering::Relaxed)),
                Err(_) => wrong.lock().unwrap().push(case.name.clone()),
            }
        }
    };
    // Most of the time some case waits.
    std::thread::scope(|scope| (0..16).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} cases differ: {wrong:#?}", wrong.len(), cases.len());
    assert!(ahead.into_inner() > 100, "tasks do travel together");
}

#[test]
fn independent_tasks_travel_together() {
    let tasks: String = (0..20).map(|n| format!("    - command: echo {n}\n      register: r{n}\n")).collect();
    let text = format!("- hosts: all\n  tasks:\n{tasks}");
    assert_eq!(both(&of(text.clone(), "h1\n")), 19);
    // Under `linear`, no host begins a task before the others have ended the one before it.
    assert_eq!(both(&of(text, "h1\nh2\n")), 0);
}

/// The middle one of three tasks, and how it and the last one travel.
const FLOWS: &[(&str, &str)] = &[
    ("command: echo x", "[it] travels, [last] travels"),
    ("command: echo {{ earlier.rc }}", "[it] reads, [last] travels"),
    ("command: echo {{ through }}", "[it] travels, [it] has read, [last] travels"),
    ("command: echo {{ hostvars.h2.inventory_hostname }}", "[it] travels, [it] has read, [last] travels"),
    ("command: echo {{ lookup('pipe', 'echo') }}", "[it] travels, [it] has read, [last] travels"),
    ("command: echo {{ lookup('env', 'HOME') }}\n      register: quite", "[it] travels, [last] reads"),
    ("command: echo {{ item }}\n      loop: [1, 2]", "[it] travels, [last] travels"),
    (
        "command: echo {{ item.a }}\n      loop: [{a: 1}]\n      loop_control: {label: '{{ item.a }}'}",
        "[it] travels, [it] waited for: label",
    ),
    ("command: echo {{ item }}\n      loop: [1, 2]\n      loop_control: {pause: 0.01}", "[it] waits: pause"),
    ("set_fact: {quite: 1}", "[it] travels, [last] reads"),
    ("set_fact: {'{{ name }}': 1}", "[it] travels, [it] waited for: the names that it sets are templates"),
    ("command: echo x\n      failed_when: false", "[it] travels, [last] travels"),
    ("command: echo x\n      failed_when: 1 == 2", "[it] travels, [it] waited for: failed_when"),
    ("command: echo x\n      changed_when: 1 == 2", "[it] travels, [it] waited for: changed_when"),
    ("command: echo x\n      ignore_errors: '{{ true }}'", "[it] travels, [it] waited for: ignore_errors"),
    ("command: echo x\n      notify: done", "[it] travels, [last] travels"),
    ("command: echo x\n      notify: '{{ name }}'", "[it] travels, [it] waited for: notify"),
    ("command: echo x\n      until: true", "[it] waits: until or retries"),
    ("command: echo x\n      async: 5", "[it] waits: async"),
    ("command: echo x\n      delegate_to: h2", "[it] waits: delegate_to"),
    ("command: echo x\n      throttle: 1", "[it] waits: throttle"),
    ("command: echo x\n      timeout: 9", "[it] waits: timeout"),
    ("command: echo x\n      run_once: true", "[it] waits: run_once"),
    ("setup:", "[it] waits: what it does"),
    ("include_vars: {file: none.yml}\n      ignore_errors: true", "[it] waits: what it does"),
    ("meta: noop", ""),
];

#[test]
fn what_a_task_needs_and_changes_tells_what_may_travel_with_it() {
    let mut wrong = String::new();
    for (task, expected) in FLOWS {
        let text = format!(
            "- hosts: h1\n  vars: {{name: done, through: '{{{{ earlier.rc }}}}'}}\n  tasks:\n    - command: sleep 0.3\n      register: earlier\n\
             \x20   - name: it\n      {task}\n    - name: last\n      command: echo {{{{ quite | default('none') }}}}\n\
             \x20 handlers:\n    - name: done\n      debug:\n"
        );
        let travel = run(&of(text, "h1\nh2\n"), false).0.travel;
        let short = |line: &String| {
            let short = line
                .replace("travels with the tasks before it", "travels")
                .replace("has waited for the tasks before it, because it reads what they may set", "has read")
                .replace("waits for the tasks before it, because it reads what they may set", "reads")
                .replace("waits for the tasks before it, because", "waits:")
                .replace("is waited for, because", "waited for:");
            short.replace(": of ", ": ")
        };
        let got = travel.iter().map(short).collect::<Vec<_>>().join(", ");
        if got != *expected {
            let _ = writeln!(wrong, "{task}\n  expected {expected}\n  got      {got}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
