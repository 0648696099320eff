//! The composition root: settings, sources, secrets, templates, inventory, planner, connections, put together once.

use super::args::{ConnectArgs, InventorySourceArgs, TaskRunArgs, VaultSecretArgs};
use super::ask::Terminal;
use super::error::CommandError;
use super::outside::{Scripts, World, ask_password, password_file};
use super::secrets::{self, Opener, Wanted};
use crate::actions::{Catalogue, Hosts};
use crate::config::{self, Origin, Set, Settings, Surroundings};
use crate::diag::{Code, Diagnostic, SourceMap};
use crate::files::{Disk, Files};
use crate::inventory::{Inventory, Limit, Loader as InventoryLoader, Mismatch, Order, Reader, VarFiles};
use crate::names::HostName;
use crate::plan::{self, ModuleCatalogue, PlanSettings, Planner, StaticRender, StaticScope};
use crate::remote::{ConnectionDefaults, Secret};
use crate::report::{Paint, Style};
use crate::run::{Interrupt, Queues, Reload, Roster, RunContext, RunOptions};
use crate::template::{Context, Decrypt, Engine, Outside, Templar, TemplateSettings, Untrusted};
use crate::value::{Map, Value};
use crate::vars::{PlayVars, RoleFacts, RoleVars, RunFacts, RunVars, TaskVars, extra_vars, role_magic, run_magic};
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What every command starts with.
pub struct Base {
    pub sources: SourceMap,
    pub settings: Arc<Settings>,
    pub around: Surroundings,
    pub files: Arc<dyn Files>,
}

/// Whether output to a stream is coloured.
pub fn colors(is_terminal: &bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let truthy = |name: &str| std::env::var(name).is_ok_and(|v| crate::value::spelled_bool(&v) == Some(true));
    if truthy("ANSIBLE_FORCE_COLOR") && !set("ANSIBLE_NOCOLOR") {
        return true;
    }
    *is_terminal && !set("NO_COLOR") && !set("ANSIBLE_NOCOLOR") && std::env::var("TERM").as_deref() != Ok("dumb")
}

/// What this process stands in.
///
/// # Errors
/// A working directory that cannot be used.
pub fn surroundings() -> Result<Surroundings, CommandError> {
    let cwd = std::env::current_dir()
        .map_err(|e| CommandError::machine(format!("the working directory cannot be used: {e}")))?;
    let writable = std::fs::metadata(&cwd).is_ok_and(|m| m.permissions().mode() & 0o002 != 0);
    Ok(Surroundings {
        cwd,
        home: std::env::var_os("HOME").map(PathBuf::from),
        env: std::env::vars_os()
            .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
            .collect(),
        cwd_world_writable: writable,
    })
}

impl Base {
    pub fn load() -> Result<Base, CommandError> {
        Base::at(surroundings()?)
    }

    /// The settings that hold in given surroundings.
    ///
    /// # Errors
    /// A configuration file that cannot be read or holds what cannot be.
    pub fn at(around: Surroundings) -> Result<Base, CommandError> {
        let sources = SourceMap::default();
        let found = config::find_file(&Disk, &around);
        if let Some(warning) = &found.warning {
            eprintln!("{}", crate::report::diagnostics::reference(warning, &sources));
        }
        let text = match &found.path {
            None => None,
            Some(path) => Some(Disk.read_text(path).map_err(|e| {
                CommandError::machine(format!("the configuration {} cannot be read: {e}", path.display()))
            })?),
        };
        let file = found.path.as_deref().zip(text.as_deref());
        let (settings, faults) = Settings::load(&sources, file, &around);
        if !faults.is_empty() {
            return Err(CommandError::author(faults, &sources));
        }
        Ok(Base { sources, settings: Arc::new(settings), around, files: Arc::new(Disk) })
    }

    /// How results are shown.
    pub fn style(&self, verbosity: u8) -> Style {
        let settings = &self.settings;
        let stdout = std::io::stdout().is_terminal();
        let color = settings.bool("ANSIBLE_FORCE_COLOR") || (colors(&stdout) && !settings.bool("ANSIBLE_NOCOLOR"));
        let width = stdout.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
        Style {
            paint: Paint::new(color),
            verbosity,
            columns: width.map_or(79, |size| usize::from(size.ws_col).saturating_sub(1).max(79)),
            display_ok_hosts: settings.bool("default.display_ok_hosts"),
            display_skipped_hosts: settings.bool("DISPLAY_SKIPPED_HOSTS"),
            diff_context: settings.int("DIFF_CONTEXT").unwrap_or(3).max(0) as usize,
            show_custom_stats: settings.bool("SHOW_CUSTOM_STATS"),
            yaml_results: settings.text("default.result_format") == "yaml",
            pretty: settings.str("default.pretty_results").map(|_| settings.bool("default.pretty_results")),
            check_mode_markers: settings.bool("default.check_mode_markers"),
            deprecations: settings.bool("DEPRECATION_WARNINGS"),
        }
    }

    pub fn verbosity(&self, given: u8) -> u8 {
        given.max(self.settings.int("DEFAULT_VERBOSITY").unwrap_or(0).clamp(0, 9) as u8)
    }

    /// `ansible_playbook_python`: the first Python of `PATH`; where there is none, where it would be.
    fn python(&self) -> String {
        let path = self.around.env.get("PATH").map(String::as_str).unwrap_or_default();
        let found = path.split(':').map(|dir| PathBuf::from(dir).join("python3")).find(|p| self.files.is_executable(p));
        found.unwrap_or_else(|| "/usr/bin/python3".into()).to_string_lossy().into_owned()
    }

    pub fn secrets(&self, args: &VaultSecretArgs) -> Result<Arc<crate::vault::Secrets>, CommandError> {
        let mut args = args.clone();
        args.ask_vault_pass |= self.settings.bool("DEFAULT_ASK_VAULT_PASS");
        secrets::load(&args, &self.settings, Wanted::Known, true).map(Arc::new)
    }

    /// Prints warnings; those of deprecated things only where the settings want them.
    pub fn warn(&self, warnings: &[Diagnostic]) {
        let deprecations = self.settings.bool("DEPRECATION_WARNINGS");
        let wanted = |d: &&Diagnostic| deprecations || d.code != Code::DEPRECATED;
        warn(&warnings.iter().filter(wanted).cloned().collect::<Vec<_>>(), &self.sources);
    }

    pub fn author(&self, fault: Diagnostic) -> CommandError {
        CommandError::one(fault, &self.sources)
    }
}

/// Files, secrets, templates, inventory: what reading an author's project needs.
pub struct Project {
    pub base: Base,
    pub reader: Reader,
    pub engine: Arc<Engine>,
    pub opener: Arc<Opener>,
    pub extra_vars: Arc<Map>,
    pub inventory: Inventory,
    pub inventory_sources: Vec<String>,
    pub var_files: Arc<VarFiles>,
    pub limit: Option<Limit>,
    /// Facts of earlier runs are forgotten.
    pub flush_cache: bool,
    /// `--module-path`.
    pub module_path: Vec<PathBuf>,
    /// Modules that playbooks must not use.
    pub rejected: Vec<String>,
}

impl Project {
    pub fn load(
        base: Base,
        inventory: &InventorySourceArgs,
        vault: &VaultSecretArgs,
        extra: &[String],
    ) -> Result<Project, CommandError> {
        let opener = Arc::new(Opener(base.secrets(vault)?));
        let decrypt: Arc<dyn Decrypt> = opener.clone();
        let reader = Reader {
            files: base.files.clone(),
            sources: base.sources.clone(),
            vault: Some(decrypt.clone()),
            duplicates: duplicates(&base.settings),
        };
        let rejected = super::rejected::modules(&base, &reader)?;
        let world = Arc::new(World::new(base.settings.clone()));
        let outside: Arc<dyn Outside> = world.clone();
        let settings = TemplateSettings {
            allow_broken_conditionals: base.settings.bool("ALLOW_BROKEN_CONDITIONALS"),
            untrusted: Untrusted::of_setting(base.settings.text("_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR")),
            ..TemplateSettings::extensions(base.settings.list("DEFAULT_JINJA2_EXTENSIONS"))
        };
        let engine = Engine::new(outside, Some(decrypt), settings, base.sources.clone());
        let merge = base.settings.text("DEFAULT_HASH_BEHAVIOUR") == "merge";
        let extra: Vec<String> = extra.iter().map(|text| with_home(text)).collect();
        let pairs = |text: &str| crate::playbook::kv::parse(text, false).map_err(|e| e.0);
        let (extra_vars, warnings) =
            extra_vars(&extra, &reader, &base.around.cwd, merge, &pairs).map_err(|d| base.author(d))?;
        base.warn(&warnings);
        let extensions = base.settings.list("YAML_FILENAME_EXTENSIONS").into_iter().map(str::to_owned).collect();
        let var_files = Arc::new(VarFiles::new(reader.clone(), extensions, merge));
        let sources: Vec<String> = if inventory.inventory.is_empty() {
            base.settings.list("DEFAULT_HOST_LIST").into_iter().map(str::to_owned).collect()
        } else {
            inventory.inventory.clone()
        };
        let loaded = InventoryLoader {
            reader: &reader,
            var_files: &var_files,
            settings: &base.settings,
            around: &base.around,
            scripts: Some(&Scripts),
            engine: Some(&engine),
            extra_vars: &extra_vars,
            python: &base.python(),
        }
        .load(&sources)
        .map_err(|d| base.author(d))?;
        base.warn(&loaded.warnings);
        world.set_inventory(loaded.inventory.clone());
        let limit = match inventory.limit.as_slice() {
            [] => None,
            parts => Some(Limit::parse(&parts.join(","), &*base.files, &base.around.cwd).map_err(|d| base.author(d))?),
        };
        let extra_vars = Arc::new(extra_vars);
        Ok(Project {
            base,
            reader,
            engine,
            opener,
            extra_vars,
            inventory: loaded.inventory,
            inventory_sources: sources,
            var_files,
            limit,
            flush_cache: inventory.flush_cache,
            module_path: vec![],
            rejected,
        })
    }

    /// With directories of modules (`--module-path`), each option with colons between them.
    #[must_use]
    pub fn with_modules(mut self, given: &[String]) -> Self {
        let dirs = given.iter().flat_map(|text| text.split(':')).filter(|dir| !dir.is_empty());
        self.module_path = dirs.map(|dir| self.base.around.resolve(dir, None)).collect();
        self
    }

    /// The hosts of a pattern within the limit, before anything runs. An empty inventory is warned of: only the implicit
    /// localhost is left then.
    ///
    /// # Errors
    /// When there is a limit, and it leaves none of the inventory's hosts.
    pub fn hosts_meant(&self, pattern: &str) -> Result<Vec<HostName>, CommandError> {
        let fault = |d| self.base.author(d);
        let empty = self.inventory.hosts().next().is_none();
        let localhost = ["localhost", "127.0.0.1", "::1"].contains(&pattern);
        if empty && !localhost && self.base.settings.bool("LOCALHOST_WARNING") {
            let text = "provided hosts list is empty, only localhost is available. Note that the implicit localhost \
                        does not match 'all'";
            self.base.warn(&[Diagnostic::warning(Code::WARNING, text)]);
        }
        let chosen =
            self.inventory.select(&[pattern], self.limit.as_ref(), Order::Inventory, self.mismatch()).map_err(fault)?;
        self.base.warn(&chosen.warnings);
        if chosen.hosts.is_empty() && !empty && self.limit.is_some() {
            let text = "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.";
            return Err(fault(Diagnostic::error(Code::LIMIT_EMPTY, text)));
        }
        Ok(chosen.hosts)
    }

    pub fn mismatch(&self) -> Mismatch {
        match self.base.settings.text("HOST_PATTERN_MISMATCH") {
            "error" => Mismatch::Error,
            "ignore" => Mismatch::Ignore,
            _ => Mismatch::Warn,
        }
    }

    /// The hosts of a run; reads its sources again when a play asks for that.
    pub fn roster(&self) -> Roster {
        let (settings, around) = (self.base.settings.clone(), self.base.around.clone());
        let (reader, var_files, engine) = (self.reader.clone(), self.var_files.clone(), self.engine.clone());
        let (extra_vars, sources) = (self.extra_vars.clone(), self.inventory_sources.clone());
        let python = self.base.python();
        let reload: Reload = Box::new(move || {
            let loader = InventoryLoader {
                reader: &reader,
                var_files: &var_files,
                settings: &settings,
                around: &around,
                scripts: Some(&Scripts),
                engine: Some(&engine),
                extra_vars: &extra_vars,
                python: &python,
            };
            loader.load(&sources).map(|l| l.inventory)
        });
        Roster::new(self.inventory.clone(), self.var_files.clone(), self.limit.clone(), self.mismatch())
            .with_reload(reload)
    }

    /// What holds for the whole run: extra variables, magic ones. Without options no tasks are run.
    pub fn run_vars(&self, given: Option<&RunOptions>) -> RunVars {
        let settings = &self.base.settings;
        let none = RunOptions::default();
        let options = given.unwrap_or(&none);
        let limit = (!options.limit.is_empty()).then(|| options.limit.join(","));
        let cwd = self.base.around.cwd.to_string_lossy();
        let facts = RunFacts {
            playbook_dir: &cwd,
            python: &self.base.python(),
            config_file: settings.file(),
            check: given.map(|o| o.check),
            diff: given.map(|o| o.diff),
            forks: given.map(|o| o.forks as i64),
            inventory: &self.inventory_sources,
            limit: limit.as_deref(),
            run_tags: &options.tags,
            skip_tags: &options.skip_tags,
            verbosity: i64::from(options.verbosity),
        };
        RunVars {
            extra: self.extra_vars.clone(),
            magic: Arc::new(run_magic(&facts)),
            merge: settings.text("DEFAULT_HASH_BEHAVIOUR") == "merge",
            inject_facts: settings.bool("INJECT_FACTS_AS_VARS"),
        }
    }

    pub fn planner(&self, vars: &Arc<RunVars>) -> Arc<Planner> {
        let settings = &self.base.settings;
        let catalogue: Arc<dyn ModuleCatalogue> = Arc::new(Catalogue);
        let known = catalogue.clone();
        let secrets: Arc<dyn plan::Decrypt> = self.opener.clone();
        let fails = settings.bool("INVALID_TASK_ATTRIBUTE_FAILED");
        let loader = plan::Loader::new(
            self.base.files.clone(),
            self.base.sources.clone(),
            secrets,
            fails,
            move |name| plan::resolve::resolve(&*known, name, &[]).is_some(),
            |name| crate::template::find_lookup(name).is_some(),
        )
        .duplicates(duplicates(settings));
        let plan_settings = PlanSettings {
            roles_path: settings.paths("DEFAULT_ROLES_PATH"),
            collections_path: settings.paths("COLLECTIONS_PATHS"),
            private_role_vars: match settings.get("DEFAULT_PRIVATE_ROLE_VARS") {
                Set { origin: Origin::Default, .. } => None,
                Set { value, .. } => value.as_spelled_bool(),
            },
            home: self.base.around.home.clone(),
            rejected: self.rejected.clone(),
            module_path: self.module_path.iter().cloned().chain(settings.paths("DEFAULT_MODULE_PATH")).collect(),
        };
        let render: Arc<dyn StaticRender> = Arc::new(Static { engine: self.engine.clone(), vars: vars.clone() });
        Arc::new(Planner::new(loader, plan_settings, catalogue, render))
    }
}

fn duplicates(settings: &crate::config::Settings) -> crate::yaml::Duplicates {
    crate::yaml::Duplicates::of_setting(settings.text("DUPLICATE_YAML_DICT_KEY"))
}

/// Renders names that are needed while planning, with variables that depend on no host.
struct Static {
    engine: Arc<Engine>,
    vars: Arc<RunVars>,
}

impl StaticRender for Static {
    fn render(&self, value: &Value, scope: &StaticScope) -> Result<Value, Diagnostic> {
        if !value.needs_render() {
            return Ok(value.clone());
        }
        let dir = scope.play_dir.to_path_buf();
        let mut magic = Map::new();
        magic.insert("playbook_dir", dir.to_string_lossy().into_owned());
        let role = scope.role.as_ref().map(|role| {
            let (path, uuid) = (role.path.to_string_lossy(), role.id.0.to_string());
            let facts =
                RoleFacts { name: &role.name, collection: role.collection.as_deref(), path: &path, uuid: &uuid };
            Arc::new(RoleVars { magic: Arc::new(role_magic(&facts)), ..RoleVars::default() })
        });
        let play = PlayVars { vars_files: scope.layers.clone(), magic: Arc::new(magic), ..PlayVars::default() };
        let variables = TaskVars { run: self.vars.clone(), play: Some(Arc::new(play)), role, ..TaskVars::default() };
        let context = Context { search_paths: vec![dir.clone()], playbook_dir: dir, action: None };
        Templar::new(&self.engine, Arc::new(variables), context).render(value).map_err(Diagnostic::from)
    }
}

/// `@~/file` and `~/file` with the home directory in place.
fn with_home(text: &str) -> String {
    match text.strip_prefix('@') {
        Some(path) => format!("@{}", crate::files::expand_home(path, |n| std::env::var(n).ok()).display()),
        None => text.to_owned(),
    }
}

/// Prints warnings.
pub fn warn(warnings: &[Diagnostic], sources: &SourceMap) {
    let paint = Paint::new(colors(&std::io::stderr().is_terminal()));
    for warning in warnings {
        let text = crate::report::diagnostics::reference(warning, sources);
        eprintln!("{}", paint.paint(crate::report::Color::Warning, &text));
    }
}

/// How to connect where no variable says otherwise: settings, then options.
pub fn connection(base: &Base, args: &ConnectArgs) -> Result<ConnectionDefaults, CommandError> {
    let settings = &base.settings;
    let text = |key: &str| settings.str(key).map(str::to_owned).filter(|t| !t.is_empty());
    let machine = |e: String| CommandError::machine(e);
    let mut password = None;
    if args.ask_pass || settings.bool("DEFAULT_ASK_PASS") {
        password = Some(Secret::new(ask_password("SSH password: ").map_err(machine)?));
    } else if let Some(file) =
        args.connection_password_file.clone().or_else(|| settings.path("CONNECTION_PASSWORD_FILE"))
    {
        password = Some(Secret::new(password_file(&file).map_err(machine)?));
    }
    let method = args.become_method.clone().unwrap_or_else(|| settings.text("DEFAULT_BECOME_METHOD").to_owned());
    let mut become_password = None;
    if args.ask_become_pass || settings.bool("DEFAULT_BECOME_ASK_PASS") {
        let default = if password.is_some() { "[defaults to SSH password]" } else { "" };
        let typed = ask_password(&format!("BECOME password{default}: ")).map_err(machine)?;
        become_password = if typed.is_empty() { password.clone() } else { Some(Secret::new(typed)) };
    } else if let Some(file) = args.become_password_file.clone().or_else(|| settings.path("BECOME_PASSWORD_FILE")) {
        become_password = Some(Secret::new(password_file(&file).map_err(machine)?));
    }
    let timeout = args.timeout.or_else(|| settings.int("ssh.timeout").map(|t| t.max(1) as u64)).unwrap_or(10);
    let ssh_args = text("ssh.ssh_args").unwrap_or_default();
    Ok(ConnectionDefaults {
        connection: args.connection.clone().unwrap_or_else(|| settings.text("DEFAULT_TRANSPORT").to_owned()),
        remote_user: args.user.clone().or_else(|| text("DEFAULT_REMOTE_USER")),
        remote_port: settings.int("DEFAULT_REMOTE_PORT").and_then(|p| u16::try_from(p).ok()),
        private_key_file: args
            .private_key
            .as_ref()
            .map(|p| p.to_string_lossy().into_owned())
            .or_else(|| settings.path("DEFAULT_PRIVATE_KEY_FILE").map(|p| p.to_string_lossy().into_owned())),
        password,
        timeout: Duration::from_secs(timeout),
        host_key_checking: settings.bool("ssh.host_key_checking"),
        ssh_args,
        ssh_common_args: args.ssh_common_args.clone().or_else(|| text("ssh.ssh_common_args")).unwrap_or_default(),
        ssh_extra_args: args.ssh_extra_args.clone().or_else(|| text("ssh.ssh_extra_args")).unwrap_or_default(),
        ssh_retries: settings.int("ssh.reconnection_retries").unwrap_or(0).clamp(0, 100) as u32,
        escalate: args.r#become || settings.bool("DEFAULT_BECOME"),
        become_method: method,
        become_user: args.become_user.clone().or_else(|| text("DEFAULT_BECOME_USER")),
        become_password,
        become_exe: text("DEFAULT_BECOME_EXE"),
        become_flags: text("DEFAULT_BECOME_FLAGS"),
        su_prompts: settings.list("su.prompt_l10n").into_iter().map(str::to_owned).collect(),
        local_become_limit: Duration::from_secs(
            settings.int("local.become_success_timeout").filter(|t| *t > 0).unwrap_or(10) as u64,
        ),
        become_same_user: settings.bool("BECOME_ALLOW_SAME_USER"),
        local_user: local_user(),
        ..ConnectionDefaults::default()
    })
}

/// Who runs this program.
fn local_user() -> Option<String> {
    if rustix::process::geteuid().is_root() {
        return Some("root".to_owned());
    }
    ["LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

/// Hosts at once: the option, else the setting where it was set, else as many as the machine bears.
pub fn forks(base: &Base, args: &TaskRunArgs) -> Result<usize, CommandError> {
    if let Some(forks) = args.forks {
        return if forks == 0 {
            Err(CommandError::arguments("The number of processes (--forks) must be >= 1"))
        } else {
            Ok(forks)
        };
    }
    let set = base.settings.get("DEFAULT_FORKS");
    if matches!(set.origin, config::Origin::Default) {
        return Ok(DEFAULT_FORKS);
    }
    Ok(base.settings.int("DEFAULT_FORKS").unwrap_or(5).max(1) as usize)
}

/// Hosts worked on at once where nobody says how many: tasks of this program, not processes, so many are cheap.
const DEFAULT_FORKS: usize = 250;

/// Everything a run needs.
pub fn context(
    project: &Project,
    connect: &ConnectArgs,
    options: RunOptions,
    interrupt: Interrupt,
    hosts: Arc<dyn Hosts>,
) -> Result<Arc<RunContext>, CommandError> {
    let connection = connection(&project.base, connect)?;
    let vars = Arc::new(project.run_vars(Some(&options)));
    let planner = project.planner(&vars);
    let book = super::fact_cache::book(&project.base.settings, &project.base.around)?;
    if project.flush_cache {
        let localhost = HostName::from("localhost");
        let hosts = project.inventory.hosts().map(|host| &host.name).chain([&localhost]);
        hosts.for_each(|host| book.clear_facts(host));
    }
    Ok(Arc::new(RunContext {
        engine: project.engine.clone(),
        hosts,
        files: project.base.files.clone(),
        ask: Arc::new(Terminal),
        catalogue: planner.catalogue.clone(),
        planner,
        settings: project.base.settings.clone(),
        connection,
        vars,
        book: Arc::new(book),
        sources: project.base.sources.clone(),
        forks: Arc::new(Semaphore::new(options.forks)),
        queues: Queues::default(),
        options,
        interrupt,
    }))
}
