//! Includes at run time, handlers, defaults of modules.
#![allow(clippy::unwrap_used)]

use super::cases::planner;
use super::*;
use crate::diag::SourceMap;
use crate::files::{Files, Mem};
use crate::value::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn mem(files: &[(&str, &str)]) -> Mem {
    files.iter().fold(Mem::default(), |mem, (path, text)| mem.with(path, text))
}

fn plan(files: impl Files + 'static) -> (Planner, Arc<PlannedPlay>) {
    let settings = PlanSettings { collections_path: vec!["/c".into()], ..PlanSettings::default() };
    let planner = planner(Arc::new(files), settings, &SourceMap::default());
    let plan = planner.plan(&[PathBuf::from("/pb/site.yml")]).unwrap();
    (planner, plan.plays[0].clone())
}

fn tasks(blocks: &[Arc<PlannedBlock>]) -> Vec<Arc<PlannedTask>> {
    blocks.iter().flat_map(|b| b.all_tasks().into_iter().cloned()).collect()
}

fn names(blocks: &[Arc<PlannedBlock>]) -> Vec<String> {
    let named = |t: &Arc<PlannedTask>| t.display_name(t.written_name().map(ToString::to_string).as_deref());
    tasks(blocks).iter().filter(|t| !t.implicit).map(named).collect()
}

fn map(entries: &[(&str, &str)]) -> Arc<Map> {
    Arc::new(entries.iter().map(|(k, v)| ((*k).into(), Value::from(*v))).collect())
}

fn tags(task: &PlannedTask) -> Vec<String> {
    task.keywords.tags.iter().map(|t| t.node.to_string()).collect()
}

const ROLES: &[(&str, &str)] = &[
    (
        "/pb/site.yml",
        "
- hosts: all
  become: true
  tags: play
  tasks:
    - block:
        - include_tasks:
            file: sub/a.yml
            apply: {tags: applied, become: false, vars: {from: apply}}
          tags: own
          when: inc
          vars: {from: include}
        - include_role: {name: outer}
          tags: own
          vars: {given: 1}
      when: outer
      vars: {from: block}
",
    ),
    ("/pb/sub/a.yml", "- name: a\n  debug:\n- include_tasks: b.yml\n- import_tasks: b.yml\n"),
    ("/pb/sub/b.yml", "- name: b\n  debug:\n"),
    ("/pb/roles/outer/tasks/main.yml", "- include_role: {name: inner}\n- include_tasks: deep/x.yml\n"),
    ("/pb/roles/outer/tasks/deep/x.yml", "- name: x\n  debug:\n- include_tasks: y.yml\n"),
    ("/pb/roles/outer/tasks/deep/y.yml", "- name: y\n  debug:\n"),
    ("/pb/roles/outer/handlers/main.yml", "- name: h\n  debug:\n  listen: topic\n"),
    ("/pb/roles/outer/meta/main.yml", "dependencies: [{role: dep, p: 1, become: false}]\n"),
    ("/pb/roles/dep/tasks/main.yml", "- name: dep\n  debug:\n"),
    ("/pb/roles/inner/tasks/main.yml", "- name: inner\n  debug:\n"),
];

#[test]
fn included_tasks_inherit_from_around_the_include_and_from_apply() {
    let (planner, play) = plan(mem(ROLES));
    let include = &tasks(&play.tasks)[0];
    let included = planner.include_tasks(&play, include, "sub/a.yml", &map(&[("item", "1")])).unwrap();
    assert_eq!(included.path, Path::new("/pb/sub/a.yml"));
    assert_eq!(names(&included.blocks), ["a", "include_tasks", "b"]);
    let all = tasks(&included.blocks);
    let first = &all[0];
    assert_eq!(tags(first), ["applied", "play"]);
    assert_eq!(first.keywords.when.iter().map(|w| w.node.to_string()).collect::<Vec<_>>(), ["outer"]);
    let become_ = first.keywords.settings.become_.as_ref().unwrap();
    assert_eq!((become_.value.clone(), become_.outer.as_ref().unwrap().value.clone()), (false.into(), true.into()));
    let vars: Vec<String> = first.keywords.vars.iter().map(|l| l.get("from").unwrap().to_string()).collect();
    assert_eq!(vars, ["block", "include", "apply"]);
    assert_eq!(first.keywords.include_params.len(), 1);
    assert_eq!(first.keywords.include_params[0].get("item").unwrap().to_string(), "1");
    // Relative names are looked for beside the included file.
    let nested = planner.include_tasks(&play, &all[1], "b.yml", &Arc::default()).unwrap();
    assert_eq!(nested.path, Path::new("/pb/sub/b.yml"));
    let missing = planner.include_tasks(&play, &all[1], "nowhere.yml", &Arc::default()).unwrap_err();
    assert_eq!(missing[0].code.0, "E0110");
}

#[test]
fn included_roles_bring_dependencies_handlers_and_their_parents_names() {
    let (planner, play) = plan(mem(ROLES));
    let include = &tasks(&play.tasks)[1];
    let included = planner.include_role(&play, include, &RoleRequest::new("outer")).unwrap();
    assert_eq!(names(&included.blocks), ["dep : dep", "include_role : inner", "outer : include_tasks"]);
    let role = included.role.as_ref().unwrap();
    assert!(!role.public && role.from_include && role.allow_duplicates);
    assert_eq!(role.own.keyword_vars.get("given").unwrap().to_string(), "1");
    assert_eq!(
        included.handlers[0].listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["topic", "outer : topic"]
    );
    let all = tasks(&included.blocks);
    assert_eq!(tags(&all[0]), ["play"]);
    // What surrounds the include wins over the keywords of a dependency.
    assert_eq!(all[0].keywords.settings.become_.as_ref().unwrap().value, true.into());
    assert_eq!(all[0].role().unwrap().params.len(), 1);
    let inner_include = all.iter().find(|t| matches!(t.action, Action::IncludeRole)).unwrap();
    let inner = planner.include_role(&play, inner_include, &RoleRequest::new("inner")).unwrap();
    let task = &tasks(&inner.blocks)[0];
    assert_eq!(task.role().unwrap().chain.iter().map(|r| r.name.to_string()).collect::<Vec<_>>(), ["outer"]);
    let parents = task.keywords.include_params.iter().rev().find_map(|l| l.get("ansible_parent_role_names"));
    assert_eq!(parents.unwrap().to_string(), "['outer']");
    let deep = all.iter().find(|t| matches!(t.action, Action::IncludeTasks)).unwrap();
    let x = planner.include_tasks(&play, deep, "deep/x.yml", &Arc::default()).unwrap();
    let y = tasks(&x.blocks)[1].clone();
    assert_eq!(planner.include_path(&y, "y.yml"), Path::new("/pb/roles/outer/tasks/deep/y.yml"));
}

/// Counts how often a file is read.
struct Counting(Mem, Arc<AtomicUsize>);

impl Files for Counting {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.1.fetch_add(usize::from(path.ends_with("a.yml")), Ordering::Relaxed);
        self.0.read(path)
    }
    fn is_file(&self, path: &Path) -> bool {
        self.0.is_file(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.0.is_dir(path)
    }
    fn is_executable(&self, path: &Path) -> bool {
        self.0.is_executable(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(path)
    }
    fn canonical(&self, path: &Path) -> PathBuf {
        self.0.canonical(path)
    }
}

#[test]
fn a_file_included_2000_times_is_read_once_and_shares_its_tree() {
    let reads = Arc::new(AtomicUsize::new(0));
    let (planner, play) = plan(Counting(mem(ROLES), reads.clone()));
    let include = &tasks(&play.tasks)[0];
    let mut last: Option<Arc<PlannedTask>> = None;
    for _ in 0..2000 {
        let included = planner.include_tasks(&play, include, "sub/a.yml", &Arc::default()).unwrap();
        let first = tasks(&included.blocks)[0].clone();
        if let Some(last) = last.replace(first.clone()) {
            assert!(Arc::ptr_eq(&last.task, &first.task));
            assert_ne!(last.id, first.id);
        }
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
}

#[test]
fn notifications_find_handlers_as_ansible_does() {
    let (_, play) = plan(mem(&[
        (
            "/pb/site.yml",
            "
- hosts: all
  roles: [r]
  handlers:
    - {name: twice, debug: , listen: t}
    - {name: twice, debug: , listen: t}
    - {name: other, debug: , listen: [t, u]}
    - {name: in both, debug: }
",
        ),
        ("/pb/roles/r/tasks/main.yml", "[]"),
        (
            "/pb/roles/r/handlers/main.yml",
            "- {name: in both, debug: , listen: t}\n- {name: role only, debug: , listen: rt}\n",
        ),
    ]));
    let name_of = |t: &PlannedTask| t.written_name().map(ToString::to_string);
    let found = |notification: &str| -> Vec<usize> {
        let found = notified(&play.handlers, notification, &name_of);
        found.iter().map(|h| play.handlers.iter().position(|x| Arc::ptr_eq(x, h)).unwrap()).collect()
    };
    // 0, 1: of the role; 2…5: of the play.
    assert_eq!(found("twice"), [2]);
    assert_eq!(found("in both"), [5]);
    assert_eq!(found("r : in both"), [0]);
    assert_eq!(found("role only"), [1]);
    assert_eq!(found("t"), [2, 4, 0]);
    assert_eq!(found("r : rt"), [1]);
    assert_eq!(found("nobody"), [] as [usize; 0]);
}

#[test]
fn defaults_of_modules_come_from_groups_then_by_name() {
    let (planner, play) = plan(mem(&[
        (
            "/pb/site.yml",
            "
- hosts: all
  module_defaults:
    debug: {msg: play}
    group/my.own.g: {msg: group}
  tasks:
    - debug:
    - debug:
      module_defaults: [{ansible.builtin.debug: {msg: task}}, {copy: '{{ d }}'}]
",
        ),
        (
            "/c/ansible_collections/my/own/meta/runtime.yml",
            "action_groups: {g: [ansible.builtin.debug, {metadata: {extend_group: h}}], h: [ping]}",
        ),
    ]));
    let all = tasks(&play.tasks);
    let of = |task: &PlannedTask, name: &str| -> Vec<String> {
        planner.module_defaults(&play.dir, &task.keywords, name).iter().map(ToString::to_string).collect()
    };
    assert_eq!(of(&all[0], "ansible.builtin.debug"), ["{'msg': 'group'}", "{'msg': 'play'}"]);
    assert_eq!(of(&all[1], "ansible.builtin.debug"), ["{'msg': 'group'}", "{'msg': 'task'}"]);
    assert_eq!(of(&all[1], "ansible.builtin.copy"), ["{{ d }}"]);
    assert_eq!(of(&all[0], "my.own.ping"), ["{'msg': 'group'}"]);
    assert_eq!(of(&all[0], "ansible.builtin.copy"), [] as [&str; 0]);
}
