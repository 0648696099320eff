//! The settings as `ansible-config` shows them: their definitions, their values, a file to start from. Only data and text.

use super::{Effect, Fallback, Kind, SETTINGS, Set, Setting, Settings};
use crate::value::{Key, Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The types of plugins that may have options.
pub const PLUGIN_TYPES: &[&str] = &[
    "become",
    "cache",
    "callback",
    "cliconf",
    "connection",
    "httpapi",
    "inventory",
    "lookup",
    "netconf",
    "shell",
    "vars",
];

/// Plugins that have options in the table: prefix of the key, type, name.
const PLUGINS: &[(&str, &str, &str)] = &[
    ("su", "become", "su"),
    ("sudo", "become", "sudo"),
    ("default", "callback", "default"),
    ("junit", "callback", "junit"),
    ("tree", "callback", "tree"),
    ("local", "connection", "local"),
    ("ssh", "connection", "ssh"),
    ("constructed", "inventory", "constructed"),
    ("inventory_script", "inventory", "script"),
    ("inventory_yaml", "inventory", "yaml"),
    ("sh", "shell", "sh"),
    ("host_group_vars", "vars", "host_group_vars"),
];

/// Settings that are shown together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Type and name of the plugin; the program's own settings have none.
    pub plugin: Option<(&'static str, &'static str)>,
    /// In the order of their names.
    pub settings: Vec<&'static Setting>,
}

impl Setting {
    /// The prefix of the plugin and the name of the option; the program's own settings have no prefix.
    fn split(&self) -> (Option<&'static str>, &'static str) {
        self.key.split_once('.').map_or((None, self.key), |(plugin, option)| (Some(plugin), option))
    }
    /// Without the plugin.
    pub fn name(&self) -> &'static str {
        self.split().1
    }
}

/// The settings of the program, then those of each plugin.
pub fn groups() -> Vec<Group> {
    let of = |prefix: Option<&str>| {
        let mut settings: Vec<_> = SETTINGS.iter().filter(|s| s.split().0 == prefix).collect();
        settings.sort_by_key(|s| s.name());
        settings
    };
    let own = Group { plugin: None, settings: of(None) };
    let plugins =
        PLUGINS.iter().map(|(prefix, kind, name)| Group { plugin: Some((kind, name)), settings: of(Some(prefix)) });
    std::iter::once(own).chain(plugins).collect()
}

/// What a setting is: default, places, type, meaning.
pub fn definition(setting: &Setting, home: &str) -> Value {
    let mut map = Map::new();
    let named =
        |names: &[&str]| Value::list(names.iter().map(|name| pairs([("name", Value::trusted(*name))])).collect());
    let default = match setting.default {
        Fallback::Nothing => Value::Null,
        Fallback::Bool(b) => Value::Bool(b),
        Fallback::Int(i) => Value::Int(i),
        Fallback::Float(x) => Value::Float(x),
        Fallback::Str(text) => Value::trusted(text.replace("{{ANSIBLE_HOME}}", home)),
        Fallback::List(items) => Value::list(items.iter().map(|i| Value::trusted(*i)).collect()),
    };
    if !default.is_null() {
        map.insert("default", default);
    }
    map.insert("description", Value::trusted(setting.doc));
    if !setting.choices.is_empty() {
        map.insert("choices", Value::list(setting.choices.iter().map(|c| Value::trusted(*c)).collect()));
    }
    if !setting.env.is_empty() {
        map.insert("env", named(setting.env));
    }
    if !setting.ini.is_empty() {
        let places = setting
            .ini
            .iter()
            .map(|(section, key)| pairs([("key", Value::trusted(*key)), ("section", Value::trusted(*section))]));
        map.insert("ini", Value::list(places.collect()));
    }
    if !setting.vars.is_empty() {
        map.insert("vars", named(setting.vars));
    }
    if let Effect::Ignored(why) = setting.effect {
        map.insert("without_effect", Value::trusted(why));
    }
    map.insert("type", Value::trusted(setting.kind.name()));
    Value::map(map)
}

/// The default as text of a place where settings stand; lists with `join` between their items.
fn default_text(setting: &Setting, home: &str, join: &str) -> String {
    match setting.default {
        Fallback::Nothing => String::new(),
        Fallback::Bool(b) => Value::Bool(b).to_string(),
        Fallback::Int(i) => i.to_string(),
        Fallback::Float(x) => Value::Float(x).to_string(),
        Fallback::Str(text) => text.replace("{{ANSIBLE_HOME}}", home),
        Fallback::List(items) => items.join(if setting.kind == Kind::PathSpec { ":" } else { join }),
    }
}

/// An `ansible.cfg` of all defaults. `off` is put before each entry; one without a default is a comment.
pub fn init_ini(groups: &[Group], home: &str, off: &str) -> String {
    let mut order: Vec<&str> = Vec::new();
    let mut sections: BTreeMap<&str, BTreeMap<&str, &Setting>> = BTreeMap::new();
    for setting in groups.iter().flat_map(|g| &g.settings) {
        let Some((section, key)) = setting.ini.last() else { continue };
        if !sections.contains_key(section) {
            order.push(section);
        }
        sections.entry(section).or_default().entry(key).or_insert(setting);
    }
    let mut text = String::new();
    for section in order {
        let _ = writeln!(text, "[{section}]");
        for (key, setting) in &sections[section] {
            let _ = writeln!(text, "# ({}) {}", setting.kind.name(), setting.doc);
            let default = default_text(setting, home, ", ");
            let off = if default.is_empty() { ";" } else { off };
            let _ = writeln!(text, "{off}{key}={default}\n");
        }
        text.push('\n');
    }
    text
}

/// Lines for a shell that set all defaults in the environment.
pub fn init_env(groups: &[Group], home: &str, off: &str, quote: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for setting in groups.iter().flat_map(|g| &g.settings) {
        let Some(name) = setting.env.last() else { continue };
        let value = match setting.default {
            Fallback::Bool(b) => i32::from(b).to_string(),
            Fallback::Str(_) | Fallback::List(_) => quote(&default_text(setting, home, ", ")),
            _ => default_text(setting, home, ", "),
        };
        heading(setting, &mut text);
        let _ = writeln!(text, "{off}{name}={value}\n");
    }
    text
}

/// YAML that sets the defaults of all that variables can set.
pub fn init_vars(groups: &[Group], off: &str, yaml: impl Fn(&Value) -> String, defaults: &Settings) -> String {
    let mut text = String::new();
    for setting in groups.iter().flat_map(|g| &g.settings) {
        let Some(name) = setting.vars.last() else { continue };
        heading(setting, &mut text);
        let _ = writeln!(text, "{off}{name}: {}\n", yaml(defaults.value(setting.key)).trim_end());
    }
    text
}

fn heading(setting: &Setting, text: &mut String) {
    let _ = writeln!(text, "# {}({}): {}", setting.name(), setting.kind.name(), setting.doc);
}

/// Options of a galaxy server: in the section `galaxy_server.NAME` and the variables `ANSIBLE_GALAXY_SERVER_NAME_OPTION`.
pub const GALAXY_OPTIONS: &[&str] = &[
    "api_version",
    "auth_url",
    "client_id",
    "client_secret",
    "password",
    "timeout",
    "token",
    "url",
    "username",
    "validate_certs",
];

/// Sections, keys and variables that mean nothing to any setting, each told as `ansible-config validate` tells it.
pub fn unknown(settings: &Settings, groups: &[Group], env: bool, names: &mut dyn Iterator<Item = &str>) -> Vec<String> {
    let all = || groups.iter().flat_map(|g| &g.settings);
    if env {
        let about = |name: &str| {
            name.starts_with("ANSIBLE_")
                && !name.starts_with("ANSIBLE_TEST_")
                && !name.starts_with("ANSIBLE_LINT_")
                && !["ANSIBLE_CONFIG", "ANSIBLE_DEV_HOME"].contains(&name)
        };
        let mut strange: Vec<_> = names.filter(|n| about(n) && !all().any(|s| s.env.contains(n))).collect();
        strange.sort_unstable();
        return strange.into_iter().map(|n| format!("Found unknown environment variable '{n}'.")).collect();
    }
    let file = settings.file().map(|p| p.display().to_string()).unwrap_or_default();
    let mut told = Vec::new();
    for (section, keys) in settings.ini().sections().filter(|(section, _)| *section != "DEFAULT") {
        let server =
            section.strip_prefix("galaxy_server.").is_some_and(|s| settings.list("GALAXY_SERVER_LIST").contains(&s));
        if !server && !all().any(|s| s.ini.iter().any(|(name, _)| *name == section)) {
            told.push(format!("Found unknown section '{section}' in '{file}'."));
            continue;
        }
        for key in keys.keys() {
            let known = if server {
                GALAXY_OPTIONS.contains(&key.as_str())
            } else {
                all().any(|s| s.ini.iter().any(|(name, k)| *name == section && k.eq_ignore_ascii_case(key)))
            };
            if !known {
                told.push(format!("Found unknown key '{key}' in section '{section}' in '{file}'."));
            }
        }
    }
    told
}

/// A value with its origin, as the entry of a dump.
pub fn entry(name: &str, set: &Set) -> Value {
    pairs([
        ("name", Value::trusted(name)),
        ("origin", Value::trusted(set.origin.to_string())),
        ("value", set.value.clone()),
    ])
}

fn pairs<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::map(fields.into_iter().map(|(key, value)| (Key::from(key), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Surroundings;
    use crate::diag::SourceMap;
    use std::path::Path;

    #[test]
    fn every_setting_is_in_one_group() {
        let shown: usize = groups().iter().map(|g| g.settings.len()).sum();
        assert_eq!(shown, SETTINGS.len());
    }

    #[test]
    fn a_file_of_defaults_is_one_without_effect() {
        let around = Surroundings { cwd: "/w".into(), home: Some("/h".into()), ..Default::default() };
        let text = init_ini(&groups(), "/h/.ansible", "");
        let (settings, faults) =
            Settings::load(&SourceMap::default(), Some((Path::new("/e/ansible.cfg"), &text)), &around);
        let (defaults, _) = Settings::load(&SourceMap::default(), None, &around);
        assert!(faults.is_empty(), "{faults:?}");
        for key in
            ["DEFAULT_FORKS", "DEFAULT_ROLES_PATH", "DEFAULT_HOST_LIST", "ANSIBLE_COW_ACCEPTLIST", "ssh.ssh_args"]
        {
            assert_eq!(settings.value(key).to_string(), defaults.value(key).to_string(), "{key}");
        }
        assert!(unknown(&settings, &groups(), false, &mut std::iter::empty()).is_empty());
    }

    #[test]
    fn what_no_setting_knows_is_told() {
        let around = Surroundings { cwd: "/w".into(), ..Default::default() };
        let text =
            "[defaults]\nforks=3\nspoons=3\n[galaxy]\nserver_list=a\n[galaxy_server.a]\nurl=u\nulr=u\n[kitchen]\n";
        let file = Some((Path::new("/c"), text));
        let (settings, _) = Settings::load(&SourceMap::default(), file, &around);
        assert_eq!(
            unknown(&settings, &groups(), false, &mut std::iter::empty()),
            [
                "Found unknown key 'spoons' in section 'defaults' in '/c'.",
                "Found unknown key 'ulr' in section 'galaxy_server.a' in '/c'.",
                "Found unknown section 'kitchen' in '/c'.",
            ]
        );
        let names = ["ANSIBLE_FORKS", "ANSIBLE_SPOONS", "ANSIBLE_CONFIG", "SPOONS"];
        let told = unknown(&settings, &groups(), true, &mut names.into_iter());
        assert_eq!(told, ["Found unknown environment variable 'ANSIBLE_SPOONS'."]);
    }
}
