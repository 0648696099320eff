//! `tightbeam config`, `ansible-config`.

use crate::cli::args::{ConfigAction, ConfigCommonArgs};
use crate::cli::error::{CommandError, code};
use crate::cli::out::{out, outln, write_bytes};
use crate::cli::wiring::{Base, surroundings, warn};
use crate::config::{self, Group, Origin, Set, Settings, Surroundings};
use crate::diag::{Code, Diagnostic, SourceMap};
use crate::report::{Color, Paint};
use crate::value::{JsonStyle, Key, Map, Value};
use crate::yaml::{DumpOptions, dump};
use std::borrow::Cow;

pub fn run(action: &ConfigAction) -> Result<u8, CommandError> {
    match action {
        ConfigAction::List { common, format } => list(&load(common)?, common, format),
        ConfigAction::Dump { common, format, only_changed } => {
            dump_values(&load(common)?, common, format, *only_changed)
        }
        ConfigAction::View { common } => view(common),
        ConfigAction::Init { common, format, disabled } => init(&load(common)?, common, format, *disabled),
        ConfigAction::Validate { common, format } => validate(&load(common)?, common, format),
    }
}

/// The settings, with the file that was asked for in place of the one that is found.
fn load(args: &ConfigCommonArgs) -> Result<Base, CommandError> {
    let base = Base::at(asked(args)?)?;
    if base.verbosity(args.verbosity.verbose) > 0 {
        match base.settings.file() {
            Some(path) => outln!("Using {} as config file", path.display()),
            None => outln!("No config file found; using defaults"),
        }
    }
    Ok(base)
}

fn asked(args: &ConfigCommonArgs) -> Result<Surroundings, CommandError> {
    let mut around = surroundings()?;
    if let Some(given) = &args.config {
        let path = around.resolve(&given.to_string_lossy(), None).to_string_lossy().into_owned();
        if std::fs::File::open(&path).is_err() {
            let text = format!("The provided configuration file is missing or not accessible: {path}");
            return Err(CommandError::usage(text));
        }
        around.env.insert("ANSIBLE_CONFIG".to_owned(), path);
    }
    Ok(around)
}

/// The file as it is, also one that holds what cannot be.
fn view(args: &ConfigCommonArgs) -> Result<u8, CommandError> {
    let path = config::find_file(&crate::files::Disk, &asked(args)?)
        .path
        .ok_or_else(|| CommandError::machine("Invalid or no config file was supplied"))?;
    let data = std::fs::read(&path).map_err(|e| CommandError::machine(format!("Failed to open config file: {e}")))?;
    write_bytes(&data);
    if !data.ends_with(b"\n") {
        out!("\n");
    }
    Ok(code::OK)
}

/// The groups that were asked for: the program's own settings, one type of plugin, or all.
fn groups(args: &ConfigCommonArgs) -> Result<Vec<Group>, CommandError> {
    let kind = args.kind.as_str();
    if !["all", "base"].contains(&kind) && !config::PLUGIN_TYPES.contains(&kind) {
        let known = config::PLUGIN_TYPES.join(", ");
        return Err(CommandError::arguments(format!("there is no type {kind}; known: all, base, {known}")));
    }
    let chosen = |group: &Group| match group.plugin {
        None => ["all", "base"].contains(&kind),
        Some((of, name)) => {
            kind == "all" || (kind == of && (args.plugins.is_empty() || args.plugins.iter().any(|p| p == name)))
        }
    };
    let groups: Vec<Group> = config::groups().into_iter().filter(chosen).collect();
    if config::PLUGIN_TYPES.contains(&kind) {
        for plugin in args.plugins.iter().filter(|p| !groups.iter().any(|g| g.plugin.is_some_and(|(_, n)| n == *p))) {
            let text = format!("Skipping {plugin} as we could not find matching plugin");
            warn(&[Diagnostic::warning(Code::WARNING, text)], &SourceMap::default());
        }
    }
    Ok(groups)
}

fn home(base: &Base) -> &str {
    base.settings.text("ANSIBLE_HOME")
}

fn as_text(value: &Value, format: &str) -> String {
    match format {
        "json" => value.json_text(JsonStyle { indent: Some(4), sort_keys: true, ..JsonStyle::default() }) + "\n",
        _ => dump(value, &DumpOptions { default_flow_style: Some(false), ..DumpOptions::default() }),
    }
}

fn list(base: &Base, args: &ConfigCommonArgs, format: &str) -> Result<u8, CommandError> {
    let mut all = Map::new();
    let mut plugins = Map::new();
    for group in groups(args)? {
        let defined =
            group.settings.iter().map(|s| (Key::from(s.name()), config::definition(s, home(base)))).collect::<Map>();
        match group.plugin {
            None => all.extend(defined.iter().map(|(k, v)| (k.clone(), v.clone()))),
            Some((of, name)) => {
                let heading = if args.kind == "all" { of.to_uppercase() } else { of.to_owned() };
                let mut same = plugins.get(&heading).and_then(Value::as_map).cloned().unwrap_or_default();
                same.insert(name, Value::map(defined));
                plugins.insert(heading, Value::map(same));
            }
        }
    }
    if args.kind != "base" {
        all.insert("PLUGINS", Value::map(plugins));
    }
    out!("{}", as_text(&Value::map(all), format));
    Ok(code::OK)
}

/// One group's values, in the order of their names.
fn values<'a>(settings: &'a Settings, group: &Group, only_changed: bool) -> Vec<(&'static str, Cow<'a, Set>)> {
    let set = |s: &&'static config::Setting| (s.name(), Cow::Borrowed(settings.get(s.key)));
    let mut values: Vec<_> = group.settings.iter().map(set).collect();
    if group.plugin.is_none() {
        let file = settings.file().map_or(Value::Null, |path| Value::from(path.to_string_lossy().into_owned()));
        let at = values.partition_point(|(name, _)| *name < "CONFIG_FILE");
        values.insert(at, ("CONFIG_FILE", Cow::Owned(Set { value: file, origin: Origin::Found })));
    }
    values.retain(|(_, set)| !only_changed || set.origin != Origin::Default);
    values
}

/// The options of a galaxy server that stand in the file.
fn server(settings: &Settings, name: &str) -> Vec<(&'static str, Set)> {
    let section = format!("galaxy_server.{name}");
    let option = |key: &'static str| {
        let entry = settings.ini().get(&section, key);
        let origin = entry.zip(settings.file());
        let origin = origin.map_or(Origin::Default, |(e, path)| Origin::File { path: path.to_owned(), span: e.span });
        (key, Set { value: entry.map_or(Value::Null, |e| Value::trusted(e.text.as_str())), origin })
    };
    config::GALAXY_OPTIONS.iter().map(|key| option(key)).collect()
}

fn dump_values(base: &Base, args: &ConfigCommonArgs, format: &str, only_changed: bool) -> Result<u8, CommandError> {
    let settings = &base.settings;
    let servers = settings.list("GALAXY_SERVER_LIST");
    let groups = groups(args)?;
    if format == "display" {
        out!("{}", display(settings, &groups, args, only_changed));
        return Ok(code::OK);
    }
    let entries = |group: &Group| {
        values(settings, group, only_changed).iter().map(|(name, set)| config::entry(name, set)).collect::<Vec<_>>()
    };
    let one = |key: &str, value| Value::map([(Key::from(key), value)].into_iter().collect());
    let mut all = Vec::new();
    for own in groups.iter().filter(|g| g.plugin.is_none()) {
        all.extend(entries(own));
        let server = |name: &&str| {
            let options = server(settings, name);
            (Key::from(*name), Value::list(options.iter().map(|(key, set)| config::entry(key, set)).collect()))
        };
        all.push(one("GALAXY_SERVERS", Value::map(servers.iter().map(server).collect())));
    }
    for kind in config::PLUGIN_TYPES {
        let of_kind = groups.iter().filter_map(|g| Some((g.plugin.filter(|(of, _)| of == kind)?.1, entries(g))));
        let plugins: Vec<_> =
            of_kind.filter(|(_, e)| !e.is_empty()).map(|(name, e)| one(name, Value::list(e))).collect();
        if args.kind == "all" {
            all.push(one(&format!("{}_PLUGINS", kind.to_uppercase()), Value::list(plugins)));
        } else {
            all.extend(plugins);
        }
    }
    out!("{}", as_text(&Value::list(all), format));
    Ok(code::OK)
}

/// `NAME(origin) = value`, a line for each.
fn display(settings: &Settings, groups: &[Group], args: &ConfigCommonArgs, only_changed: bool) -> String {
    let paint = Paint::new(crate::cli::wiring::colors(&std::io::IsTerminal::is_terminal(&std::io::stdout())));
    let line = |name: &str, set: &Set| {
        let color = if set.origin == Origin::Default { Color::Ok } else { Color::Changed };
        paint.paint(color, &format!("{name}({}) = {}", set.origin, set.value))
    };
    let mut lines = Vec::new();
    for own in groups.iter().filter(|g| g.plugin.is_none()) {
        lines.extend(values(settings, own, only_changed).iter().map(|(name, set)| line(name, set)));
        lines.push("\nGALAXY_SERVERS:\n".to_owned());
        for name in settings.list("GALAXY_SERVER_LIST") {
            lines.push(format!("\n{name}\n{}", "=".repeat(name.len())));
            let options = server(settings, name);
            let shown = options.iter().filter(|(_, set)| !only_changed || set.origin != Origin::Default);
            lines.extend(shown.map(|(key, set)| line(key, set)));
        }
    }
    for kind in config::PLUGIN_TYPES {
        let mut of_kind = Vec::new();
        for group in groups.iter().filter(|g| g.plugin.is_some_and(|(of, _)| of == *kind)) {
            let values = values(settings, group, only_changed);
            if let Some((_, name)) = group.plugin.filter(|_| !values.is_empty()) {
                of_kind.push(format!("\n{name}:\n{}", "_".repeat(name.len())));
                of_kind.extend(values.iter().map(|(name, set)| line(name, set)));
            }
        }
        if args.kind == "all" && (!only_changed || !of_kind.is_empty()) {
            lines.push(format!("\n{}:\n{}", kind.to_uppercase(), "=".repeat(kind.len())));
        }
        lines.extend(of_kind);
    }
    lines.join("\n") + "\n"
}

fn init(base: &Base, args: &ConfigCommonArgs, format: &str, disabled: bool) -> Result<u8, CommandError> {
    let groups = groups(args)?;
    let home = home(base);
    let off = if disabled { "#" } else { "" };
    let text = match format {
        "env" => config::init_env(&groups, home, off, |text| crate::remote::shell_quote(text).into_owned()),
        "vars" => {
            let around = Surroundings { env: std::collections::HashMap::default(), ..base.around.clone() };
            let (defaults, _) = Settings::load(&base.sources, None, &around);
            let flow = DumpOptions { default_flow_style: Some(true), width: -1, ..DumpOptions::default() };
            let yaml = |value: &Value| dump(value, &flow).trim_end().trim_end_matches("...").to_owned();
            config::init_vars(&groups, off, yaml, &defaults)
        }
        _ => config::init_ini(&groups, home, if disabled { ";" } else { "" }),
    };
    out!("{text}");
    Ok(code::OK)
}

fn validate(base: &Base, args: &ConfigCommonArgs, format: &str) -> Result<u8, CommandError> {
    let mut names = base.around.env.keys().map(String::as_str);
    let told = config::unknown(&base.settings, &groups(args)?, format == "env", &mut names);
    if told.is_empty() {
        outln!("All configurations seem valid!");
        return Ok(code::OK);
    }
    let paint = Paint::new(crate::cli::wiring::colors(&std::io::IsTerminal::is_terminal(&std::io::stderr())));
    for text in told {
        eprintln!("{}", paint.paint(Color::Failed, &format!("[ERROR]: {text}")));
    }
    Ok(code::ERROR)
}
