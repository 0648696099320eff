//! The values of all settings, each with its origin. Reads text and maps that are handed in.

use super::convert::{Source, convert};
use super::{Fallback, Ini, Kind, SETTINGS, Setting, Surroundings};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceMap, Span};
use crate::value::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Where a value comes from; shown as `ansible-config dump` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// The name of the variable.
    Env(&'static str),
    File {
        path: PathBuf,
        span: Span,
    },
    /// The option, e.g. `--forks`.
    CommandLine(String),
    /// What the program found by itself.
    Found,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::Env(name) => write!(f, "env: {name}"),
            Origin::File { path, .. } => write!(f, "{}", path.display()),
            Origin::CommandLine(option) => write!(f, "cli: {option}"),
            Origin::Found => Ok(()),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub struct Set {
    pub value: Value,
    pub origin: Origin,
}

/// All settings of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    sets: HashMap<&'static str, Set>,
    file: Option<PathBuf>,
    ini: Ini,
}

impl Settings {
    /// Environment over file over default. Values that do not fit are told (E0701) and their defaults taken.
    pub fn load(sources: &SourceMap, file: Option<(&Path, &str)>, around: &Surroundings) -> (Settings, Diagnostics) {
        let mut faults = Vec::new();
        let mut settings = Settings { file: file.map(|(path, _)| path.to_owned()), ..Default::default() };
        if let Some((path, text)) = file {
            match Ini::parse(sources.add(path, text), text) {
                Ok(ini) => settings.ini = ini,
                Err(fault) => faults.push(fault),
            }
        }
        // The first pass of ANSIBLE_HOME: other defaults stand on it.
        let mut home = String::new();
        let (base, rest): (Vec<_>, Vec<_>) = SETTINGS.iter().partition(|s| s.key == "ANSIBLE_HOME");
        for setting in base.into_iter().chain(rest) {
            let set = settings.read(setting, &home, around, &mut faults);
            if setting.key == "ANSIBLE_HOME" {
                home = set.value.to_string();
            }
            settings.sets.insert(setting.key, set);
        }
        (settings, faults)
    }

    /// Defaults only; for tests and tools.
    pub fn defaults() -> Settings {
        Settings::load(&SourceMap::default(), None, &Surroundings { cwd: "/".into(), ..Default::default() }).0
    }

    fn read(&self, setting: &'static Setting, home: &str, around: &Surroundings, faults: &mut Diagnostics) -> Set {
        let default = || Set { value: fallback(setting, home, around), origin: Origin::Default };
        let Some((text, origin)) = self.text_of(setting, around) else {
            return default();
        };
        let (base, span) = match &origin {
            Origin::File { path, span } => (path.parent(), Some(*span)),
            _ => (None, None),
        };
        let source = Source { base, ini: span.is_some() };
        let value = match convert(text, setting.kind, source, around) {
            Ok(value) => value,
            // An empty variable counts as not set where the type has no empty value.
            Err(_) if text.is_empty() && matches!(origin, Origin::Env(_)) => return default(),
            Err(cause) => {
                let message = format!("Config '{}' from '{origin}' has an invalid value.", setting.key);
                faults.push(Diagnostic::error(Code::CONFIG_INVALID, message).cause(cause).at(span, "this value"));
                return default();
            }
        };
        if !allowed(setting, &value) {
            let message = format!("Invalid value {} for config '{}'.", value.repr(), setting.key);
            let hint = format!("Valid values are: {}", setting.choices.join(", "));
            faults.push(Diagnostic::error(Code::CONFIG_INVALID, message).hint(hint).at(span, "this value"));
            return default();
        }
        Set { value, origin }
    }

    fn text_of<'a>(&'a self, setting: &'static Setting, around: &'a Surroundings) -> Option<(&'a str, Origin)> {
        let env = setting.env.iter().rev().find_map(|name| Some((around.env.get(*name)?.as_str(), Origin::Env(name))));
        env.or_else(|| {
            let path = self.file.as_ref()?;
            let entry =
                setting.ini.iter().rev().find_map(|(section, key)| self.ini.get(section, &key.to_lowercase()))?;
            Some((entry.text.as_str(), Origin::File { path: path.clone(), span: entry.span }))
        })
    }

    /// Overrides a setting from the command line.
    pub fn set(&mut self, key: &str, value: Value, option: impl Into<String>) {
        let key = self.setting(key).key;
        self.sets.insert(key, Set { value, origin: Origin::CommandLine(option.into()) });
    }

    fn setting(&self, key: &str) -> &'static Setting {
        super::find(key).unwrap_or_else(|| panic!("there is no setting {key}"))
    }

    /// A value with its origin.
    ///
    /// # Panics
    /// Where the table has no such key: a bug.
    pub fn get(&self, key: &str) -> &Set {
        self.sets.get(key).unwrap_or_else(|| panic!("there is no setting {key}"))
    }
    /// A value whose key comes from the user.
    pub fn find(&self, key: &str) -> Option<&Set> {
        self.sets.get(key)
    }
    pub fn value(&self, key: &str) -> &Value {
        &self.get(key).value
    }
    /// False where unset.
    pub fn bool(&self, key: &str) -> bool {
        self.value(key).truthy()
    }
    pub fn int(&self, key: &str) -> Option<i64> {
        self.value(key).as_int()
    }
    pub fn float(&self, key: &str) -> Option<f64> {
        match self.value(key) {
            Value::Float(x) => Some(*x),
            other => other.as_int().map(|i| i as f64),
        }
    }
    /// Empty where unset.
    pub fn text(&self, key: &str) -> &str {
        self.value(key).as_str().unwrap_or_default()
    }
    /// `None` where unset or empty.
    pub fn str(&self, key: &str) -> Option<&str> {
        self.value(key).as_str().filter(|t| !t.is_empty())
    }
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.str(key).map(PathBuf::from)
    }
    /// Empty where unset.
    pub fn list(&self, key: &str) -> Vec<&str> {
        self.value(key).as_list().unwrap_or_default().iter().filter_map(Value::as_str).collect()
    }
    pub fn paths(&self, key: &str) -> Vec<PathBuf> {
        self.list(key).into_iter().map(PathBuf::from).collect()
    }
    /// The `ansible.cfg` that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
    /// The file's own entries, for options that are in no table (`galaxy_server.NAME`).
    pub fn ini(&self) -> &Ini {
        &self.ini
    }
}

fn allowed(setting: &Setting, value: &Value) -> bool {
    let known = |v: &Value| setting.choices.contains(&v.to_string().as_str());
    setting.choices.is_empty()
        || value.is_null()
        || value.as_list().map_or_else(|| known(value), |l| l.iter().all(known))
}

fn fallback(setting: &Setting, home: &str, around: &Surroundings) -> Value {
    match setting.default {
        Fallback::Nothing => Value::Null,
        Fallback::Bool(b) => Value::Bool(b),
        Fallback::Int(i) => Value::Int(i),
        Fallback::Float(x) => Value::Float(x),
        Fallback::Str(text) => {
            let text = text.replace("{{ANSIBLE_HOME}}", home);
            let source = Source { base: None, ini: false };
            convert(&text, setting.kind, source, around).unwrap_or_else(|_| Value::trusted(text))
        }
        Fallback::List(items) if matches!(setting.kind, Kind::PathList | Kind::PathSpec) => {
            Value::list(items.iter().map(|p| around.resolve(p, None).to_string_lossy().into_owned().into()).collect())
        }
        Fallback::List(items) => Value::list(items.iter().map(|i| Value::trusted(*i)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(env: &[(&str, &str)]) -> Surroundings {
        Surroundings {
            cwd: "/w".into(),
            home: Some("/h".into()),
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn environment_beats_file_beats_default() {
        let text = "[defaults]\nforks=7\ninventory=hosts\nremote_port=22\n[ssh_connection]\nssh_args='-C'\n";
        let file = Some((Path::new("/p/ansible.cfg"), text));
        let env = around(&[("ANSIBLE_FORKS", "9"), ("ANSIBLE_TIMEOUT", "")]);
        let (mut settings, faults) = Settings::load(&SourceMap::default(), file, &env);
        assert!(faults.is_empty(), "{faults:?}");
        for (key, value, origin) in [
            ("DEFAULT_FORKS", "9", "env: ANSIBLE_FORKS"),
            ("DEFAULT_HOST_LIST", "['/p/hosts']", "/p/ansible.cfg"),
            ("DEFAULT_TIMEOUT", "10", "default"),
            ("ssh.ssh_args", "-C", "/p/ansible.cfg"),
            ("ANSIBLE_HOME", "/h/.ansible", "default"),
            (
                "DEFAULT_ROLES_PATH",
                "['/h/.ansible/roles', '/usr/share/ansible/roles', '/etc/ansible/roles']",
                "default",
            ),
        ] {
            assert_eq!(settings.value(key).to_string(), value, "{key}");
            assert_eq!(settings.get(key).origin.to_string(), origin, "{key}");
        }
        settings.set("DEFAULT_FORKS", Value::Int(3), "--forks");
        assert_eq!(
            (settings.int("DEFAULT_FORKS"), settings.get("DEFAULT_FORKS").origin.to_string()),
            (Some(3), "cli: --forks".into())
        );
    }

    #[test]
    fn wrong_values_are_told() {
        let text = "[defaults]\nforks = many\ngathering = often\n";
        let (settings, faults) =
            Settings::load(&SourceMap::default(), Some((Path::new("/p/ansible.cfg"), text)), &around(&[]));
        let messages: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "Config 'DEFAULT_FORKS' from '/p/ansible.cfg' has an invalid value.",
                "Invalid value 'often' for config 'DEFAULT_GATHERING'."
            ]
        );
        assert!(faults.iter().all(|f| f.span().is_some()));
        assert_eq!(settings.int("DEFAULT_FORKS"), Some(5));
    }

    #[test]
    fn table_is_sound() {
        let mut seen = std::collections::BTreeSet::new();
        for setting in SETTINGS {
            assert!(seen.insert(setting.key), "{} stands twice", setting.key);
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
        }
        let settings = Settings::defaults();
        for setting in SETTINGS {
            assert!(allowed(setting, settings.value(setting.key)), "{}", setting.key);
        }
    }
}
