//! Data cases: files of a playbook → faults, or the listing that ansible-playbook prints, or an outline of the plan.
//!
//! `tests/plan/*.case` hold files (`=== path`) and what is expected (`=== expect faults`, `=== expect outline`,
//! `=== expect list-tasks [options]`). `TIGHTBEAM_BLESS=1` rewrites faults and outlines; listings are recorded from
//! ansible-core 2.19: `TIGHTBEAM_ORACLE=/path/to/ansible-playbook` records them again.
#![allow(clippy::unwrap_used)]

use super::resolve::candidates;
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics, SourceMap};
use crate::files::Mem;
use crate::names::ModuleName;
use crate::value::{Map, Text, Trust, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tightbeam_modules::contract::{Arg, ModuleSpec};

const ROOT: &str = "/pb";

static THING: ModuleSpec = {
    let args: &[Arg] = &[
        Arg::path("path").required().aliases(&["dest"]),
        Arg::str("state").choices(&["present", "absent"]),
        Arg::int("count"),
    ];
    ModuleSpec::new("test.own.thing", "For tests.", args)
};

static ACTIONS: &[ControllerAction] = &[
    ControllerAction { name: "test.own.thing", spec: Some(&THING) },
    ControllerAction { name: "ansible.builtin.assert", spec: None },
    ControllerAction { name: "ansible.builtin.copy", spec: None },
    ControllerAction { name: "ansible.builtin.debug", spec: None },
    ControllerAction { name: "ansible.builtin.fail", spec: None },
    ControllerAction { name: "ansible.builtin.gather_facts", spec: None },
    ControllerAction { name: "ansible.builtin.include_vars", spec: None },
    ControllerAction { name: "ansible.builtin.set_fact", spec: None },
    ControllerAction { name: "ansible.builtin.template", spec: None },
    ControllerAction { name: "ansible.builtin.validate_argument_spec", spec: None },
];

pub(super) struct TestCatalogue;

impl ModuleCatalogue for TestCatalogue {
    fn resolve(&self, name: &str, collections: &[Arc<str>]) -> Option<Resolved> {
        candidates(name, collections).into_iter().find_map(|full| {
            let action = ACTIONS.iter().find(|a| a.name == full).map(ActionKind::Controller);
            let kind = action.or_else(|| tightbeam_modules::catalogue::find(&full).map(ActionKind::Native))?;
            Some(Resolved { name: ModuleName::from(full), kind })
        })
    }
    fn names(&self) -> Vec<&'static str> {
        let native = tightbeam_modules::catalogue::MODULES.iter().map(|e| e.spec.name);
        ACTIONS.iter().map(|a| a.name).chain(native).collect()
    }
}

/// Puts variables in the place of `{{ name }}`.
pub(super) struct Replace;

impl StaticRender for Replace {
    fn render(&self, value: &Value, scope: &StaticScope) -> Result<Value, Diagnostic> {
        let Value::Str(text) = value else { return Ok(value.clone()) };
        let mut out = text.to_string();
        while let Some((before, rest)) = out.clone().split_once("{{") {
            let (name, after) = rest.split_once("}}").unwrap();
            let found = match name.trim() {
                "role_path" => scope.role.as_ref().map(|r| Value::foreign(r.path.to_string_lossy().into_owned())),
                "playbook_dir" => Some(Value::foreign(scope.play_dir.to_string_lossy().into_owned())),
                name => scope.layers.iter().rev().find_map(|l| l.get(name)).cloned(),
            };
            let found = found.ok_or_else(|| {
                Diagnostic::error(Code::UNDEFINED, format!("'{}' is undefined", name.trim())).at(text.origin(), "")
            })?;
            if before.is_empty() && after.is_empty() && found.as_list().is_some() {
                return Ok(found);
            }
            out = format!("{before}{found}{after}");
        }
        Ok(Value::Str(Text::new(out, Trust::Foreign, None)))
    }
}

pub(super) fn planner(files: Arc<dyn crate::files::Files>, settings: PlanSettings, sources: &SourceMap) -> Planner {
    let is_action = |name: &str| resolve::resolve(&TestCatalogue, name, &[]).is_some();
    let lookups = ["items", "dict", "fileglob", "first_found", "sequence", "nested", "subelements", "together"];
    let is_lookup = move |name: &str| lookups.contains(&name) || name.contains('.');
    let loader = Loader::new(files, sources.clone(), Arc::new(NoSecrets), true, is_action, is_lookup);
    Planner::new(loader, settings, Arc::new(TestCatalogue), Arc::new(Replace))
}

struct Case {
    path: PathBuf,
    files: Vec<(String, String)>,
    expect: Vec<(String, String)>,
}

impl Case {
    fn read(path: &Path) -> Case {
        let text = std::fs::read_to_string(path).unwrap();
        let mut case = Case { path: path.to_owned(), files: vec![], expect: vec![] };
        for part in text.split("=== ").skip(1) {
            let (title, body) = part.split_once('\n').unwrap();
            match title.strip_prefix("expect ") {
                Some(what) => case.expect.push((what.to_owned(), body.to_owned())),
                None => case.files.push((title.to_owned(), body.to_owned())),
            }
        }
        assert!(!case.expect.is_empty(), "{} expects nothing", path.display());
        case
    }

    fn write(&self) {
        let mut text = String::new();
        for (title, body) in &self.files {
            text += &format!("=== {title}\n{body}");
        }
        for (title, body) in &self.expect {
            text += &format!("=== expect {title}\n{body}");
        }
        std::fs::write(&self.path, text).unwrap();
    }

    fn run(&self, what: &str) -> String {
        let sources = SourceMap::default();
        let files =
            self.files.iter().fold(Mem::default(), |mem, (name, text)| mem.with(&format!("{ROOT}/{name}"), text));
        let settings =
            PlanSettings { collections_path: vec![format!("{ROOT}/collections").into()], ..PlanSettings::default() };
        let planner = planner(Arc::new(files), settings, &sources);
        let playbook = Path::new(ROOT).join(&self.files[0].0);
        let mut words = what.split(' ');
        let kind = words.next().unwrap();
        let plan = planner.plan(std::slice::from_ref(&playbook));
        match (kind, plan) {
            ("faults", Err(faults)) => shown(&faults, &sources),
            ("faults", Ok(mut plan)) => {
                plan.warnings.extend(plan.argument_faults);
                plan.warnings.extend(plan.missing_modules);
                shown(&plan.warnings, &sources)
            }
            (_, Err(faults)) => panic!("{}: {}", self.path.display(), shown(&faults, &sources)),
            ("outline", Ok(plan)) => plan.plays.iter().map(|play| outline(play)).collect(),
            ("list-tasks", Ok(plan)) => self.listing(&plan, words),
            (other, _) => panic!("{}: what is {other}?", self.path.display()),
        }
    }

    fn listing<'a>(&self, plan: &Plan, mut options: impl Iterator<Item = &'a str>) -> String {
        let mut filter = TagFilter::default();
        let mut what = Listing { tasks: true, ..Listing::default() };
        while let Some(option) = options.next() {
            let list = |text: &str| text.split(',').map(str::to_owned).collect();
            match option {
                "--tags" => filter.only = list(options.next().unwrap()),
                "--skip-tags" => filter.skip = list(options.next().unwrap()),
                "--list-tags" => what.tags = true,
                other => panic!("{other}"),
            }
        }
        let renders: Vec<_> = plan
            .plays
            .iter()
            .map(|play| {
                let scope = StaticScope { play_dir: play.dir.clone(), layers: vec![play.vars.clone()], role: None };
                move |value: &Value| Replace.render(value, &scope)
            })
            .collect();
        let plays: Vec<ListedPlay> = plan
            .plays
            .iter()
            .zip(&renders)
            .map(|(play, render)| {
                let patterns: Vec<String> = play.patterns().iter().map(ToString::to_string).collect();
                ListedPlay {
                    play,
                    name: play.written_name().map_or_else(|| patterns.join(","), ToString::to_string),
                    patterns,
                    hosts: vec![],
                    blocks: filter.select(&play.blocks(false), render).unwrap(),
                    render,
                }
            })
            .collect();
        listing(&self.files[0].0, &plays, what)
    }

    /// The same listing from ansible-playbook.
    fn record(&self, oracle: &str, what: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in &self.files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let output = std::process::Command::new(oracle)
            .args(["-i", "localhost,", "--list-tasks", &self.files[0].0])
            .args(what.split(' ').skip(1))
            .env("ANSIBLE_COLLECTIONS_PATH", dir.path().join("collections"))
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", self.path.display());
        // A play's own tags come in the order of a Python set.
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_inclusive('\n')
            .map(|line| match line.split_once("\tTAGS: [").filter(|_| line.starts_with("  play #")) {
                Some((play, tags)) => {
                    let mut tags: Vec<&str> = tags.trim_end().trim_end_matches(']').split(',').collect();
                    tags.sort_unstable();
                    format!("{play}\tTAGS: [{}]\n", tags.join(","))
                }
                None => line.to_owned(),
            })
            .collect()
    }
}

pub(super) fn shown(faults: &Diagnostics, sources: &SourceMap) -> String {
    let mut out = String::new();
    for fault in faults {
        let at = |span| {
            let location = sources.location(span).unwrap();
            let path = location.path.strip_prefix(ROOT).unwrap_or(&location.path).display().to_string();
            format!("{path}:{}:{}", location.line, location.column)
        };
        let place = fault.span().map_or_else(|| "-".to_owned(), at);
        writeln!(out, "{} {place} {}", fault.code, fault.message.replace(&format!("{ROOT}/"), "").replace('\n', " "))
            .unwrap();
        for label in fault.labels.iter().filter(|l| !l.text.is_empty()) {
            writeln!(out, "    {} {}", at(label.span), label.text).unwrap();
        }
        for cause in &fault.causes {
            writeln!(out, "    cause: {cause}").unwrap();
        }
        for hint in &fault.hints {
            writeln!(out, "    hint: {hint}").unwrap();
        }
    }
    out
}

fn outline(play: &PlannedPlay) -> String {
    let mut out = format!("play {}\n", play.patterns()[0]);
    let mut keywords = String::new();
    describe(&play.keywords, &mut keywords);
    if !play.vars.is_empty() {
        write!(keywords, " vars={}", Value::Map(play.vars.clone()).repr()).unwrap();
    }
    writeln!(out, "  keywords{keywords}").unwrap();
    for (title, blocks) in [
        ("pre_tasks", &play.pre_tasks),
        ("roles", &play.role_tasks),
        ("tasks", &play.tasks),
        ("post_tasks", &play.post_tasks),
    ] {
        if !blocks.is_empty() {
            writeln!(out, "  {title}").unwrap();
        }
        for block in blocks {
            outline_block(block, 4, &mut out);
        }
    }
    if !play.handlers.is_empty() {
        writeln!(out, "  handlers").unwrap();
    }
    for handler in &play.handlers {
        outline_task(handler, 4, &mut out);
    }
    for role in &play.roles {
        let layers =
            |all: &[Arc<Map>]| all.iter().map(|l| Value::Map(l.clone()).repr()).collect::<Vec<_>>().join(" < ");
        writeln!(
            out,
            "  role {} public={} defaults {} vars {}",
            role.full_name(),
            role.public,
            layers(&role.defaults),
            layers(&role.vars)
        )
        .unwrap();
    }
    out
}

fn outline_block(block: &PlannedBlock, indent: usize, out: &mut String) {
    let mut keywords = String::new();
    if !block.implicit {
        describe(&block.keywords, &mut keywords);
    }
    writeln!(out, "{:indent$}{}{keywords}", "", if block.implicit { "-" } else { "block" }).unwrap();
    for (title, items) in [("", &block.block), ("rescue", &block.rescue), ("always", &block.always)] {
        if !title.is_empty() && !items.is_empty() {
            writeln!(out, "{:indent$}  {title}", "").unwrap();
        }
        for item in items {
            match item {
                PlannedItem::Block(inner) => outline_block(inner, indent + 2, out),
                PlannedItem::Task(task) => outline_task(task, indent + 2, out),
            }
        }
    }
}

fn outline_task(task: &PlannedTask, indent: usize, out: &mut String) {
    let action = match &task.action {
        Action::Run(resolved) => resolved.name.to_string(),
        Action::Meta(meta) => format!("meta {}", meta.name()),
        Action::Template(name) => format!("template {}", name.node),
        Action::IncludeTasks => "include_tasks".to_owned(),
        Action::IncludeRole => "include_role".to_owned(),
    };
    let name = task.display_name(task.written_name().map(ToString::to_string).as_deref());
    let mut rest = String::new();
    if !task.task.args.map.is_empty() {
        write!(rest, " {}", Value::Map(task.task.args.map.clone()).repr()).unwrap();
    }
    if let Some(variable) = &task.task.args.variable {
        write!(rest, " args={}", variable.node).unwrap();
    }
    match &task.task.looping {
        crate::playbook::Loop::Once => {}
        crate::playbook::Loop::Items(items) => write!(rest, " loop={}", items.node).unwrap(),
        crate::playbook::Loop::Lookup { plugin, terms } => {
            write!(rest, " with_{}={}", plugin.node, terms.node).unwrap()
        }
    }
    describe(&task.keywords, &mut rest);
    if !task.listen.is_empty() {
        write!(rest, " listen={:?}", task.listen).unwrap();
    }
    let paths: Vec<String> =
        task.frame.search_path.iter().map(|p| p.strip_prefix(ROOT).unwrap_or(p).display().to_string()).collect();
    writeln!(out, "{:indent$}{name} [{action}]{} @{}", "", rest.replace(ROOT, ""), paths.join(":")).unwrap();
}

fn describe(keywords: &Inherited, out: &mut String) {
    let texts = |list: &[crate::playbook::Templated]| list.iter().map(|v| v.node.to_string()).collect::<Vec<_>>();
    for name in crate::playbook::Settings::NAMES {
        if let Some(setting) = keywords.settings.get(name) {
            write!(out, " {name}={}", setting.value).unwrap();
        }
    }
    for (name, list) in [("when", &keywords.when), ("tags", &keywords.tags), ("environment", &keywords.environment)] {
        if !list.is_empty() {
            write!(out, " {name}={:?}", texts(list)).unwrap();
        }
    }
    for (name, layers) in [("vars", &keywords.vars), ("params", &keywords.include_params)] {
        if !layers.is_empty() {
            let all: Vec<String> = layers.iter().map(|l| Value::Map(l.clone()).repr()).collect();
            write!(out, " {name}={}", all.join("<")).unwrap();
        }
    }
    if !keywords.collections.is_empty() {
        write!(out, " collections={:?}", keywords.collections).unwrap();
    }
}

#[test]
fn playbooks_plan_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let only = std::env::var("TIGHTBEAM_CASE").ok();
    let oracle = std::env::var("TIGHTBEAM_ORACLE").ok();
    let bless = std::env::var_os("TIGHTBEAM_BLESS").is_some();
    let mut differ = Vec::new();
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "case")) {
        if only.as_ref().is_some_and(|o| !path.to_string_lossy().contains(o.as_str())) {
            continue;
        }
        let mut case = Case::read(path);
        for index in 0..case.expect.len() {
            let (what, expected) = case.expect[index].clone();
            let recorded = what.starts_with("list-tasks");
            let expected = match &oracle {
                Some(oracle) if recorded => case.record(oracle, &what),
                _ => expected,
            };
            let found = case.run(&what);
            case.expect[index].1 = if bless && !recorded { found.clone() } else { expected.clone() };
            if case.expect[index].1 != found {
                let diff = similar::TextDiff::from_lines(&expected, &found).unified_diff().to_string();
                differ.push(format!("{}: {what}\n{diff}", path.display()));
            }
        }
        if bless || oracle.is_some() {
            case.write();
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
