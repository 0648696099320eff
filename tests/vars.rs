//! Precedence of variables: which of two layers wins, as ansible-core 2.19 decides (`vars/recorded.json`, made by
//! `vars/record.py`), and merging on lookup.

#![allow(clippy::unwrap_used)]

use serde_json::Value as Json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tightbeam::config::{Settings, Surroundings};
use tightbeam::diag::SourceMap;
use tightbeam::files::Mem;
use tightbeam::inventory::{Loader, Reader, VarFiles};
use tightbeam::template::{Binding, Scopes, Variables};
use tightbeam::value::{Map, Value};
use tightbeam::vars::{HostState, HostStates, HostVars, InventoryVars, Layer, PlayVars, RoleVars, RunVars, TaskVars};

fn one(name: &str, value: Value) -> Arc<Map> {
    let mut map = Map::new();
    map.insert(name, value);
    Arc::new(map)
}

/// Inventory text and files for the layers that come from them, in the shape `{v: LAYER}`.
fn inventory(layers: &[(Layer, Value)]) -> InventoryVars {
    let json = |value: &Value| value.to_json().to_string();
    let python = |value: &Value| value.repr();
    let (mut host, mut group, mut all) = (String::new(), String::new(), String::new());
    let mut files = Mem::default();
    for (layer, value) in layers {
        let file = match layer {
            Layer::HostInventory => {
                host = format!(" v=\"{}\"", python(value));
                continue;
            }
            Layer::GroupsInventory => {
                group = format!("[g:vars]\nv={}\n", python(value));
                continue;
            }
            Layer::AllInventory => {
                all = format!("[all:vars]\nv={}\n", python(value));
                continue;
            }
            Layer::AllBesideInventory => "/i/group_vars/all.yml",
            Layer::AllBesidePlaybook => "/p/group_vars/all.yml",
            Layer::GroupsBesideInventory => "/i/group_vars/g.yml",
            Layer::GroupsBesidePlaybook => "/p/group_vars/g.yml",
            Layer::HostBesideInventory => "/i/host_vars/h.yml",
            Layer::HostBesidePlaybook => "/p/host_vars/h.yml",
            _ => continue,
        };
        files = files.with(file, &format!("{{\"v\": {}}}", json(value)));
    }
    let files = files.with("/i/hosts", &format!("[g]\nh{host}\n{group}{all}"));
    let reader =
        Reader { files: Arc::new(files), sources: SourceMap::default(), vault: None, duplicates: Default::default() };
    let settings = Settings::defaults();
    let var_files = Arc::new(VarFiles::new(reader.clone(), vec![".yml".to_owned()], false));
    let loader = Loader {
        reader: &reader,
        var_files: &var_files,
        settings: &settings,
        around: &Surroundings { cwd: "/".into(), ..Default::default() },
        scripts: None,
        engine: None,
        extra_vars: &Map::new(),
        python: "python3",
    };
    let loaded = loader.load(&["/i/hosts".to_owned()]).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let (vars, warnings) = InventoryVars::new(Arc::new(loaded.inventory), var_files, &settings, &[Path::new("/p")]);
    assert!(warnings.is_empty());
    vars
}

/// The variables of a task of a role on the host `h`, with `v` in each of some layers.
fn task_vars(layers: &[(Layer, Value)], merge: bool) -> TaskVars {
    let value: HashMap<Layer, Value> = layers.iter().cloned().collect();
    let map = |layer| value.get(&layer).map(|v| one("v", v.clone())).unwrap_or_default();
    let mut state = HostState::default();
    state.add_facts(&map(Layer::Facts));
    state.include(&map(Layer::IncludeVars), merge);
    state.set_all(&map(Layer::SetFacts));
    let role = RoleVars {
        defaults: vec![map(Layer::RoleDefaults)],
        vars: vec![map(Layer::RoleVars)],
        params: vec![map(Layer::RoleParams)],
        magic: Arc::default(),
    };
    let play = PlayVars {
        vars: map(Layer::PlayVars),
        prompts: map(Layer::VarsPrompt),
        vars_files: vec![map(Layer::VarsFiles)],
        public_defaults: vec![map(Layer::PublicRoleDefaults), map(Layer::RoleDefaults)],
        public_vars: vec![map(Layer::PublicRoleVars), map(Layer::RoleVars)],
        magic: Arc::default(),
    };
    let run = RunVars { extra: map(Layer::ExtraVars), merge, inject_facts: true, ..Default::default() };
    let vars = inventory(layers);
    TaskVars {
        run: Arc::new(run),
        play: Some(Arc::new(play)),
        host: Some(vars.of("h").unwrap()),
        state: Arc::new(state),
        role: Some(Arc::new(role)),
        task: [map(Layer::TaskVars)].into(),
        include_params: [map(Layer::IncludeParams)].into(),
        inventory: Some(vars.inventory().clone()),
        ..Default::default()
    }
}

fn layer(name: &str) -> Layer {
    Layer::ALL.into_iter().find(|l| format!("{l:?}") == name).unwrap_or_else(|| panic!("no layer {name}"))
}

#[test]
fn the_layer_that_wins_in_ansible_wins() {
    let recorded: Vec<Json> = serde_json::from_str(include_str!("vars/recorded.json")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for case in &recorded {
        let names: Vec<&str> = case["layers"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        seen.extend(names.iter().map(|n| layer(n)));
        let layers: Vec<(Layer, Value)> = names.iter().map(|n| (layer(n), Value::from(*n))).collect();
        let vars = task_vars(&layers, false);
        let wins = vars.value("v").unwrap().to_string();
        assert_eq!(wins, case["wins"].as_str().unwrap(), "{names:?}");
        let explained = vars.explain("v");
        assert_eq!(format!("{:?}", explained[0].layer), wins, "{names:?}");
        assert_eq!(vars.names().iter().filter(|n| &***n == "v").count(), 1);
    }
    let missing: Vec<_> = Layer::ALL.into_iter().filter(|l| *l != Layer::Magic && !seen.contains(l)).collect();
    assert!(missing.is_empty(), "not recorded: {missing:?}");
    for pair in Layer::ALL.windows(2).filter(|p| p[1] != Layer::Magic) {
        let both =
            |case: &&Json| case["layers"] == serde_json::json!([format!("{:?}", pair[0]), format!("{:?}", pair[1])]);
        assert!(recorded.iter().any(|c| both(&c)), "{pair:?}");
    }
}

#[test]
fn explain_lists_all_values_with_their_places() {
    let layers: Vec<(Layer, Value)> = [Layer::GroupsBesideInventory, Layer::HostBesidePlaybook, Layer::ExtraVars]
        .map(|l| (l, Value::from(format!("{l:?}"))))
        .to_vec();
    let explained = task_vars(&layers, false).explain("v");
    let shown: Vec<_> = explained.iter().map(|e| (e.layer, e.of.as_deref(), e.span.is_some())).collect();
    assert_eq!(
        shown,
        [
            (Layer::ExtraVars, None, false),
            (Layer::HostBesidePlaybook, Some("h"), true),
            (Layer::GroupsBesideInventory, Some("g"), true),
        ]
    );
}

#[test]
fn hash_behaviour_merges_dictionaries_down_to_the_first_other_value() {
    let dict =
        |key: &str| Value::map([(key.into(), Value::from(1i64)), ("x".into(), Value::from(key))].into_iter().collect());
    let layers = [
        (Layer::RoleDefaults, dict("d")),
        (Layer::AllInventory, Value::from(0i64)),
        (Layer::GroupsInventory, dict("g")),
        (Layer::HostInventory, dict("h")),
        (Layer::TaskVars, dict("t")),
    ];
    let merged = task_vars(&layers, true).value("v").unwrap();
    assert_eq!(merged.repr(), "{'g': 1, 'x': 't', 'h': 1, 't': 1}");
    assert_eq!(task_vars(&layers, false).value("v").unwrap(), dict("t"));
}

struct Book(HashMap<&'static str, Arc<HostState>>);

impl HostStates for Book {
    fn state(&self, host: &str) -> Arc<HostState> {
        self.0.get(host).cloned().unwrap_or_default()
    }
}

#[test]
fn magic_names() {
    let vars = task_vars(&[(Layer::PlayVars, Value::from(1i64))], false);
    assert_eq!(vars.value("inventory_hostname").unwrap().to_string(), "h");
    assert_eq!(vars.value("group_names").unwrap().to_string(), "['g']");
    assert_eq!(vars.value("groups").unwrap().to_string(), "{'all': ['h'], 'ungrouped': [], 'g': ['h']}");
    assert_eq!(vars.value("ansible_facts").unwrap().to_string(), "{}");
    let Some(Binding::Scope(all)) = Variables::get(&vars, "vars") else { panic!("no `vars`") };
    assert!(all.names().iter().any(|n| &**n == "inventory_dir"));

    let mut state = HostState::default();
    state.set("made", Value::from(2i64));
    let mut facts = Map::new();
    facts.insert("ansible_os", "linux");
    state.add_facts(&facts);
    let inventory = Arc::new(inventory(&[]));
    let hostvars = HostVars {
        run: Arc::new(RunVars { inject_facts: true, ..Default::default() }),
        vars: inventory,
        states: Arc::new(Book([("h", Arc::new(state))].into())),
    };
    let h = Scopes::get(&hostvars, "h").unwrap();
    let shown = |name| match h.get(name) {
        Some(Binding::Value(v)) => v.to_string(),
        _ => "-".to_owned(),
    };
    assert_eq!(shown("made"), "2");
    assert_eq!(shown("ansible_os"), "linux");
    assert_eq!(shown("ansible_facts"), "{'os': 'linux'}");
    // As in Ansible, what another host shows knows neither the play nor other hosts.
    assert_eq!((shown("v"), shown("vars"), shown("hostvars")), ("-".into(), "-".into(), "-".into()));
    assert!(Scopes::get(&hostvars, "nope").is_none());
    assert!(Scopes::get(&hostvars, "localhost").is_some());
    assert_eq!(hostvars.names().len(), 1);
}
