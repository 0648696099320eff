//! Inventories as ansible-core 2.19 reads and shows them: `inventory/recorded.json` against ours. `inventory/record.py` makes it.

#![allow(clippy::unwrap_used)]

use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tightbeam::config::{Settings, Surroundings};
use tightbeam::diag::{Diagnostic, SourceMap};
use tightbeam::files::{Files, Mem};
use tightbeam::inventory::{
    Export, Inventory, Limit, Loader, Mismatch, Order, Reader, RunScript, ScriptOutput, VarFiles, toml_text,
};
use tightbeam::template::{Engine, NoOutside, TemplateSettings};
use tightbeam::value::{JsonStyle, Map, Value};
use tightbeam::vars::{HostState, HostStates, HostVars, InventoryVars, RunVars, Shown, extra_vars};
use tightbeam::yaml::{DumpOptions, dump};

/// Files in memory where those that start with `#!` are executable.
struct CaseFiles(Mem);

impl Files for CaseFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }
    fn is_file(&self, path: &Path) -> bool {
        self.0.is_file(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.0.is_dir(path)
    }
    fn is_executable(&self, path: &Path) -> bool {
        self.0.read(path).is_ok_and(|text| text.starts_with(b"#!"))
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.list(path)
    }
    fn canonical(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// Answers of scripts: those of the case, or else files beside the script.
struct Scripts(Arc<CaseFiles>, Json);

impl RunScript for Scripts {
    fn run(&self, path: &Path, args: &[&str]) -> Result<ScriptOutput, String> {
        let name = path.file_name().unwrap().to_string_lossy();
        if let Some(answer) = self.1.get(&*name) {
            let code = answer[0].as_i64().unwrap() as i32;
            return Ok(ScriptOutput { code, stdout: answer[1].as_str().unwrap().into(), stderr: vec![] });
        }
        let file = path.with_file_name(format!("answer{}.json", args.concat()));
        let stdout = self.0.read(&file).map_err(|e| e.to_string())?;
        Ok(ScriptOutput { code: 0, stdout, stderr: vec![] })
    }
}

struct NoStates;

impl HostStates for NoStates {
    fn state(&self, _: &str) -> Arc<HostState> {
        Arc::default()
    }
}

#[derive(Default)]
struct Options {
    sources: Vec<String>,
    extra: Vec<String>,
    flags: BTreeSet<String>,
    values: HashMap<String, String>,
    words: Vec<String>,
}

impl Options {
    fn parse(command: &[&str]) -> Options {
        let mut options = Options::default();
        let mut words = command[1..].iter().map(|w| (*w).to_owned());
        while let Some(word) = words.next() {
            match word.as_str() {
                "-i" => options.sources.push(words.next().unwrap()),
                "-e" => options.extra.push(words.next().unwrap()),
                "--host" | "--limit" | "--playbook-dir" => drop(options.values.insert(word, words.next().unwrap())),
                _ if word.starts_with("--") => drop(options.flags.insert(word)),
                _ => options.words.push(word),
            }
        }
        options
    }
}

struct Case<'a> {
    json: &'a Json,
    files: Arc<CaseFiles>,
}

type Shows = Result<String, Diagnostic>;

fn option_fault(text: &str) -> Diagnostic {
    Diagnostic::error(tightbeam::diag::Code::OPTION_INVALID, text)
}

impl Case<'_> {
    /// stdout (or the fault) and warnings of a command.
    fn run(&self, command: &[&str]) -> (Shows, Vec<String>) {
        let mut warnings = vec![];
        let shows = self.try_run(command, &mut warnings);
        (shows, warnings)
    }

    fn try_run(&self, command: &[&str], warnings: &mut Vec<String>) -> Shows {
        let options = Options::parse(command);
        let env = self.json.get("env").and_then(Json::as_object).into_iter().flatten();
        let around = Surroundings {
            cwd: "/i".into(),
            env: env.map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect(),
            ..Default::default()
        };
        let sources = SourceMap::default();
        let (settings, faults) = Settings::load(&sources, None, &around);
        assert!(faults.is_empty(), "{faults:?}");
        let merge = settings.text("DEFAULT_HASH_BEHAVIOUR") == "merge";
        let reader =
            Reader { files: self.files.clone(), sources: sources.clone(), vault: None, duplicates: Default::default() };
        let extensions = settings.list("YAML_FILENAME_EXTENSIONS").into_iter().map(str::to_owned).collect();
        let var_files = Arc::new(VarFiles::new(reader.clone(), extensions, merge));
        let engine = Engine::new(Arc::new(NoOutside::default()), None, TemplateSettings::default(), sources);
        let pairs = |t: &str| tightbeam::playbook::kv::parse(t, false).map_err(|e| e.to_string());
        let (extra, _) = extra_vars(&options.extra, &reader, Path::new("/i"), merge, &pairs)?;
        let scripts = Scripts(self.files.clone(), self.json.get("scripted").cloned().unwrap_or_default());
        let loader = Loader {
            reader: &reader,
            var_files: &var_files,
            settings: &settings,
            around: &around,
            scripts: Some(&scripts),
            engine: Some(&engine),
            extra_vars: &extra,
            python: "/usr/bin/python3",
        };
        let loaded = loader.load(&options.sources)?;
        warnings.extend(loaded.warnings.iter().map(|w| w.message.clone()));
        let inventory = Arc::new(loaded.inventory);
        let mismatch = match settings.text("HOST_PATTERN_MISMATCH") {
            "error" => Mismatch::Error,
            "ignore" => Mismatch::Ignore,
            _ => Mismatch::Warn,
        };
        let limit = options.values.get("--limit");
        let limit = limit.map(|l| Limit::parse(l, &*self.files, Path::new("/i"))).transpose()?;
        let select = |pattern: &str, limit: Option<&Limit>, warnings: &mut Vec<String>| {
            let selection = inventory.select(&[pattern], limit, Order::Inventory, mismatch)?;
            warnings.extend(selection.warnings.iter().map(|w| w.message.clone()));
            Ok::<_, Diagnostic>(selection.hosts)
        };
        if command[0] == "ansible" {
            let pattern = options.words[0].as_str();
            let selected = select(pattern, limit.as_ref(), warnings);
            let mut hosts = selected.unwrap_or_default();
            if hosts.is_empty() && pattern == "localhost" {
                hosts.push(pattern.into());
            }
            if hosts.is_empty() {
                if limit.is_some() {
                    return Err(option_fault(
                        "Specified inventory, host pattern and/or --limit leaves us with no hosts.",
                    ));
                }
                warnings.push("No hosts matched, nothing to do".to_owned());
            }
            let lines: String = hosts.iter().map(|h| format!("    {h}\n")).collect();
            return Ok(format!("  hosts ({}):\n{lines}", hosts.len()));
        }
        let (vars, said) = InventoryVars::new(inventory.clone(), var_files, &settings, &[Path::new("/i")]);
        let run = RunVars { extra: Arc::new(extra), merge, inject_facts: true, ..Default::default() };
        let host_vars = HostVars { run: Arc::new(run), vars: Arc::new(vars), states: Arc::new(NoStates) };
        let export = options.flags.contains("--export");
        let playbook_dir = options.values.get("--playbook-dir").map(|_| Path::new("/i"));
        let shown = Shown { vars: &host_vars, export, playbook_dir };
        let shows = if let Some(pattern) = options.values.get("--host") {
            let hosts = select(pattern, None, warnings)?;
            let [name] = hosts.as_slice() else {
                return Err(option_fault("You must pass a single valid host to --host parameter"));
            };
            let out = Export { inventory: &inventory, vars: &shown, export, limit: None };
            json(&out.host(inventory.host(name).unwrap())?)
        } else {
            self.show(&inventory, &shown, &options, &select("all", limit.as_ref(), warnings)?)?
        };
        warnings.extend(said.iter().map(|w| w.message.clone()));
        Ok(shows)
    }

    fn show(
        &self,
        inventory: &Inventory,
        shown: &Shown<'_>,
        options: &Options,
        hosts: &[tightbeam::names::HostName],
    ) -> Shows {
        let limit = hosts.iter().map(ToString::to_string).collect();
        let out = Export { inventory, vars: shown, export: shown.export, limit: Some(&limit) };
        let flag = |name: &str| options.flags.contains(name);
        if flag("--graph") {
            let name = options.words.first().map_or("all", String::as_str);
            let group = inventory
                .group(name)
                .ok_or_else(|| option_fault("Pattern must be valid group name when using --graph"))?;
            return Ok(out.graph(group, flag("--vars"))? + "\n");
        }
        if flag("--yaml") {
            let style = DumpOptions { default_flow_style: Some(false), ..Default::default() };
            return Ok(dump(&out.yaml()?, &style));
        }
        Ok(json(&out.list()?))
    }
}

fn json(value: &Value) -> String {
    value.json_text(JsonStyle { indent: Some(4), sort_keys: true, ensure_ascii: false, compact: false }) + "\n"
}

/// Whether two outputs agree. PyYAML writes a list that stands at several places once, and refers to it elsewhere: there the
/// data is compared.
fn same(command: &[&str], ours: &str, theirs: &str) -> bool {
    let read = |text| tightbeam::yaml::parse_value(text, tightbeam::value::Trust::Foreign).unwrap().repr();
    let aliases = command.contains(&"--yaml") && theirs.contains("*id");
    ours == theirs || (aliases && read(ours) == read(theirs))
}

/// First lines of the warnings that are compared: not those with words of PyYAML, of TOML readers or of Python itself, nor
/// those about reserved names, which are the playbook's matter.
fn comparable(warnings: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let foreign = [
        "YAML parsing failed",
        "is invalid",
        "could not be parsed as JSON",
        "host range",
        "to unpack",
        "reserved name",
    ];
    let first_line = |w: String| w.lines().next().unwrap_or_default().to_owned();
    warnings.into_iter().filter(|w| !foreign.iter().any(|f| w.contains(f))).map(first_line).collect()
}

#[test]
fn inventories_as_ansible_shows_them() {
    let recorded: Json = serde_json::from_str(include_str!("inventory/recorded.json")).unwrap();
    let mut wrong = vec![];
    let mut count = 0;
    for case in recorded.as_array().unwrap() {
        let mut files = Mem::default();
        for (name, text) in case["files"].as_object().unwrap() {
            files = files.with(&format!("/i/{name}"), text.as_str().unwrap());
        }
        let run = Case { json: case, files: Arc::new(CaseFiles(files)) };
        for answer in case["answers"].as_array().unwrap() {
            count += 1;
            let command: Vec<&str> =
                answer["command"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
            let title = format!("{}: {}", case["name"], command.join(" "));
            let (shows, warnings) = run.run(&command);
            let theirs = answer["stdout"].as_str().unwrap();
            match (&shows, answer["code"].as_i64()) {
                (Ok(ours), Some(0)) if same(&command, ours, theirs) => {}
                (Err(_), Some(code)) if code != 0 => {}
                (Ok(ours), Some(0)) => {
                    let diff = similar::TextDiff::from_lines(theirs, ours);
                    wrong.push(format!("{title}\n{}", diff.unified_diff().header("ansible", "ours")));
                }
                (Ok(ours), _) => wrong.push(format!("{title}\nansible fails: {}\nours: {ours}", answer["errors"])),
                (Err(fault), _) => wrong.push(format!("{title}\nours fails: {fault:?}")),
            }
            let theirs = answer["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_owned());
            let (theirs, ours) = (comparable(theirs), comparable(warnings));
            // A failed command of ours tells with the fault what Ansible warned about before.
            if shows.is_ok() && theirs != ours {
                wrong.push(format!("{title}\n--- ansible warns\n{theirs:#?}\n--- ours\n{ours:#?}"));
            }
        }
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{} of {count} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn toml_is_an_inventory_again() {
    let map: Map = [("a".into(), Value::from(1i64))].into_iter().collect();
    let mut hosts = Map::new();
    hosts.insert("h", map);
    let mut group = Map::new();
    group.insert("children", vec![Value::from("k")]);
    group.insert("hosts", hosts);
    let mut all = Map::new();
    all.insert("g", group);
    assert_eq!(toml_text(&Value::map(all)).unwrap(), "[g]\nchildren = [\"k\"]\n\n[g.hosts.h]\na = 1\n");
}
