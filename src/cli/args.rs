//! The command line: the only part that names clap. The same definitions serve `tightbeam play` and `ansible-playbook`.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Agentless configuration management: runs Ansible playbooks unmodified, without Python.
#[derive(Debug, Parser)]
#[command(name = "tightbeam", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct LogArgs {
    /// What goes to the log file: error, warn, info, debug, trace, or a filter such as `tightbeam::remote=debug`.
    #[arg(long, global = true, env = "TIGHTBEAM_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// The log file; without it the log goes to stderr.
    #[arg(long, global = true, env = "TIGHTBEAM_LOG_FILE", value_name = "FILE")]
    pub log_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run playbooks against hosts (ansible-playbook).
    Play(PlayArgs),
    /// Run one module on hosts (ansible).
    Run(RunArgs),
    /// Show the facts of hosts.
    Facts(FactsArgs),
    /// Show the inventory (ansible-inventory).
    Inventory(InventoryArgs),
    /// Show a module, filter, lookup or keyword (ansible-doc).
    Doc(DocArgs),
    /// Explain a diagnostic's code, or where a variable of a host comes from.
    Explain(ExplainArgs),
    /// Throwaway SSH hosts on loopback, to try things on.
    Sandbox(SandboxArgs),
    /// Encrypt, decrypt, view and edit files (ansible-vault).
    Vault(VaultArgs),
    /// Show the settings, where they come from, and a file to start from (ansible-config).
    Config(ConfigArgs),
    /// Get playbooks from a repository and run them here (ansible-pull).
    Pull(PullArgs),
}

/// `ansible-playbook`.
#[derive(Debug, Parser)]
#[command(name = "ansible-playbook", version, about = "Run playbooks against hosts", max_term_width = 100)]
pub struct AnsiblePlaybook {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: PlayArgs,
}

/// `ansible`.
#[derive(Debug, Parser)]
#[command(name = "ansible", version, about = "Run one module on hosts", max_term_width = 100)]
pub struct Ansible {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: RunArgs,
}

/// `ansible-inventory`.
#[derive(Debug, Parser)]
#[command(name = "ansible-inventory", version, about = "Show the inventory", max_term_width = 100)]
pub struct AnsibleInventory {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: InventoryArgs,
}

/// `ansible-vault`.
#[derive(Debug, Parser)]
#[command(name = "ansible-vault", version, about = "Encrypt, decrypt, view and edit files", max_term_width = 100)]
pub struct AnsibleVault {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: VaultArgs,
}

/// `ansible-doc`.
#[derive(Debug, Parser)]
#[command(
    name = "ansible-doc",
    version,
    about = "Show a module, filter, test, lookup or keyword",
    max_term_width = 100
)]
pub struct AnsibleDoc {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: DocArgs,
}

/// `ansible-config`.
#[derive(Debug, Parser)]
#[command(name = "ansible-config", version, about = "Show the settings", max_term_width = 100)]
pub struct AnsibleConfig {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: ConfigArgs,
}

/// `ansible-pull`.
#[derive(Debug, Parser)]
#[command(
    name = "ansible-pull",
    version,
    about = "Get playbooks from a repository and run them here",
    max_term_width = 100
)]
pub struct AnsiblePull {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub args: PullArgs,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VerbosityArgs {
    /// Say more: -v shows results, -vvv connections, -vvvv their details.
    #[arg(short, long, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Clone, Debug, Default, Args)]
pub struct InventorySourceArgs {
    /// Inventory file, directory, script, or comma separated hosts; may be given several times.
    #[arg(short = 'i', long = "inventory", visible_alias = "inventory-file", value_name = "INVENTORY", action = ArgAction::Append)]
    pub inventory: Vec<String>,
    /// Further limit the hosts: a pattern, or @FILE.
    #[arg(short = 'l', long = "limit", value_name = "SUBSET", action = ArgAction::Append)]
    pub limit: Vec<String>,
    /// Clear the fact cache of every host in the inventory.
    #[arg(long)]
    pub flush_cache: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VaultSecretArgs {
    /// Ask for the vault password.
    #[arg(short = 'J', long, visible_alias = "ask-vault-password")]
    pub ask_vault_pass: bool,
    /// A vault identity: [LABEL@]FILE, [LABEL@]SCRIPT or [LABEL@]prompt.
    #[arg(long, value_name = "ID", action = ArgAction::Append)]
    pub vault_id: Vec<String>,
    /// A file or script that gives the vault password.
    #[arg(long, visible_alias = "vault-pass-file", value_name = "FILE", action = ArgAction::Append)]
    pub vault_password_file: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct ConnectArgs {
    /// Log in as this user.
    #[arg(short = 'u', long = "user", value_name = "REMOTE_USER")]
    pub user: Option<String>,
    /// Authenticate with this key.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Connection type (default: ssh).
    #[arg(short = 'c', long = "connection", value_name = "CONNECTION")]
    pub connection: Option<String>,
    /// Connection timeout in seconds.
    #[arg(short = 'T', long = "timeout", value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Arguments as for ssh, for every connection.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// Arguments as for ssh only.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Accepted for compatibility; files travel over the helper's channel.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub scp_extra_args: Option<String>,
    /// Accepted for compatibility; files travel over the helper's channel.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub sftp_extra_args: Option<String>,
    /// Ask for the connection password.
    #[arg(short = 'k', long = "ask-pass")]
    pub ask_pass: bool,
    /// A file that holds the connection password.
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub connection_password_file: Option<PathBuf>,
    /// Become another user (default: root) for the tasks.
    #[arg(short = 'b', long = "become")]
    pub r#become: bool,
    /// How to become another user (default: sudo).
    #[arg(long, value_name = "METHOD")]
    pub become_method: Option<String>,
    /// The user to become.
    #[arg(long, value_name = "USER")]
    pub become_user: Option<String>,
    /// Ask for the become password.
    #[arg(short = 'K', long = "ask-become-pass")]
    pub ask_become_pass: bool,
    /// A file that holds the become password.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct TaskRunArgs {
    /// Additional variables: k=v, YAML, JSON, or @FILE.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", action = ArgAction::Append)]
    pub extra_vars: Vec<String>,
    /// Change nothing; tell what would change.
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show the differences in files.
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// Hosts worked on at the same time (default: as many as the machine bears).
    #[arg(short = 'f', long, value_name = "N")]
    pub forks: Option<usize>,
    /// Directories of modules, colon separated.
    #[arg(short = 'M', long, value_name = "PATH", action = ArgAction::Append)]
    pub module_path: Vec<String>,
    /// Print the lines of commands, scripts and package managers as they come, on standard error (on a terminal: of those that
    /// take longer than three seconds).
    #[arg(long)]
    pub live: bool,
    /// Send every task and item alone, after the result of the one before it.
    #[arg(long, env = "TIGHTBEAM_ONE_BY_ONE", value_parser = clap::builder::FalseyValueParser::new())]
    pub one_by_one: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct PlayArgs {
    /// The playbooks.
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
    #[command(flatten)]
    pub tasks: TaskRunArgs,
    /// Only plays and tasks with these tags.
    #[arg(short = 't', long, value_name = "TAGS", action = ArgAction::Append)]
    pub tags: Vec<String>,
    /// Only plays and tasks without these tags.
    #[arg(long, value_name = "TAGS", action = ArgAction::Append)]
    pub skip_tags: Vec<String>,
    /// Check the playbook's syntax; run nothing.
    #[arg(long)]
    pub syntax_check: bool,
    /// List the hosts; run nothing.
    #[arg(long)]
    pub list_hosts: bool,
    /// List the tasks; run nothing.
    #[arg(long)]
    pub list_tasks: bool,
    /// List the tags; run nothing.
    #[arg(long)]
    pub list_tags: bool,
    /// Ask before each task.
    #[arg(long)]
    pub step: bool,
    /// Start at the task of this name.
    #[arg(long, value_name = "TASK")]
    pub start_at_task: Option<String>,
    /// Run handlers even if a task fails.
    #[arg(long)]
    pub force_handlers: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// The hosts.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
    #[command(flatten)]
    pub tasks: TaskRunArgs,
    /// The module (default: command).
    #[arg(short = 'm', long, value_name = "MODULE")]
    pub module_name: Option<String>,
    /// The module's arguments: k=v, or JSON.
    #[arg(short = 'a', long, value_name = "ARGS", allow_hyphen_values = true, default_value = "")]
    pub args: String,
    /// One line per host.
    #[arg(short = 'o', long)]
    pub one_line: bool,
    /// Write each host's result to a file in this directory.
    #[arg(short = 't', long, value_name = "DIR")]
    pub tree: Option<PathBuf>,
    /// The directory that relative paths are looked up from.
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
    /// Run in the background; fail after this many seconds.
    #[arg(short = 'B', long = "background", value_name = "SECONDS")]
    pub background: Option<u64>,
    /// Poll interval of background work in seconds.
    #[arg(short = 'P', long = "poll", value_name = "SECONDS")]
    pub poll: Option<u64>,
    /// Accepted for compatibility: the task's timeout in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub task_timeout: Option<u64>,
    /// List the hosts; run nothing.
    #[arg(long)]
    pub list_hosts: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct FactsArgs {
    /// The hosts.
    #[arg(value_name = "PATTERN", default_value = "all")]
    pub pattern: String,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    #[command(flatten)]
    pub connect: ConnectArgs,
    #[command(flatten)]
    pub tasks: TaskRunArgs,
    /// Only facts whose name matches: a shell pattern; may be given several times.
    #[arg(long, value_name = "GLOB", action = ArgAction::Append)]
    pub filter: Vec<String>,
    /// Families of facts: all, min, network, hardware, virtual, !NAME, ….
    #[arg(long, value_name = "SUBSETS")]
    pub gather_subset: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct InventoryArgs {
    /// A host or group to show the graph of.
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    /// Additional variables: k=v, YAML, JSON, or @FILE.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", action = ArgAction::Append)]
    pub extra_vars: Vec<String>,
    /// All hosts and groups, as an inventory script prints them.
    #[arg(long)]
    pub list: bool,
    /// One host's variables.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The tree of groups.
    #[arg(long)]
    pub graph: bool,
    /// YAML instead of JSON.
    #[arg(short = 'y', long)]
    pub yaml: bool,
    /// TOML instead of JSON.
    #[arg(long)]
    pub toml: bool,
    /// Variables in the graph too.
    #[arg(long)]
    pub vars: bool,
    /// Variables where they are defined, not where they end up.
    #[arg(long)]
    pub export: bool,
    /// Write to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The directory that relative paths are looked up from.
    #[arg(long, value_name = "DIR")]
    pub playbook_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct DocArgs {
    /// What to show; nothing = list all.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// What kind of thing to show.
    #[arg(short = 't', long = "type", value_enum, default_value_t, value_name = "KIND")]
    pub kind: DocKind,
    /// List names with their summaries.
    #[arg(short = 'l', long)]
    pub list: bool,
    /// Print JSON, for modules: of all of them where none is named.
    #[arg(short = 'j', long)]
    pub json: bool,
}

/// What has documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DocKind {
    #[default]
    Module,
    Filter,
    Test,
    Lookup,
    Keyword,
}

impl DocKind {
    pub fn title(self) -> &'static str {
        match self {
            DocKind::Module => "module",
            DocKind::Filter => "filter",
            DocKind::Test => "test",
            DocKind::Lookup => "lookup",
            DocKind::Keyword => "keyword",
        }
    }
}

#[derive(Clone, Debug, Default, Args)]
pub struct ExplainArgs {
    /// A code such as E0301, or `var HOST NAME`.
    #[arg(required = true, value_name = "WHAT")]
    pub what: Vec<String>,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    /// Additional variables: k=v, YAML, JSON, or @FILE.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", action = ArgAction::Append)]
    pub extra_vars: Vec<String>,
    /// A playbook whose variables count too.
    #[arg(long, value_name = "FILE")]
    pub playbook: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct SandboxArgs {
    /// Number of hosts.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=99))]
    pub hosts: u16,
    /// A command of tightbeam to run with an inventory of those hosts; without it the hosts stay until Ctrl-C.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// Run the command a second time; fail if that changes anything.
    #[arg(long)]
    pub twice: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct PullArgs {
    /// Playbooks of the repository; without any: HOST.yml, else local.yml.
    #[arg(value_name = "PLAYBOOK")]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    #[command(flatten)]
    pub inventory: InventorySourceArgs,
    #[command(flatten)]
    pub vault: VaultSecretArgs,
    /// Address of the repository.
    #[arg(short = 'U', long, value_name = "URL")]
    pub url: Option<String>,
    /// Directory of the checkout.
    #[arg(short = 'd', long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Branch, tag or commit.
    #[arg(short = 'C', long, value_name = "VERSION")]
    pub checkout: Option<String>,
    /// Kind of the repository: git.
    #[arg(short = 'm', long, value_name = "MODULE", default_value = "git")]
    pub module_name: String,
    /// With all of its history.
    #[arg(long)]
    pub full: bool,
    /// Throw away changes made by hand in the checkout.
    #[arg(long)]
    pub clean: bool,
    /// Run the playbook even if the repository could not be updated.
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Run the playbook only if the repository has changed.
    #[arg(short = 'o', long)]
    pub only_if_changed: bool,
    /// Remove the checkout afterwards.
    #[arg(long)]
    pub purge: bool,
    /// Wait for a random time of at most so many seconds first.
    #[arg(short = 's', long, value_name = "SECONDS")]
    pub sleep: Option<u64>,
    /// Accept the key of the repository's server.
    #[arg(long)]
    pub accept_host_key: bool,
    /// The commit must be signed.
    #[arg(long)]
    pub verify_commit: bool,
    /// The newest commits of submodules, not those that are pinned.
    #[arg(long)]
    pub track_subs: bool,
    /// Key for the repository's server.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Additional variables: k=v, YAML, JSON, or @FILE.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS", action = ArgAction::Append)]
    pub extra_vars: Vec<String>,
    /// Only plays and tasks with these tags.
    #[arg(short = 't', long, value_name = "TAGS", action = ArgAction::Append)]
    pub tags: Vec<String>,
    /// Only plays and tasks without these tags.
    #[arg(long, value_name = "TAGS", action = ArgAction::Append)]
    pub skip_tags: Vec<String>,
    /// Change nothing; tell what would change.
    #[arg(long)]
    pub check: bool,
    /// Show the differences in files.
    #[arg(long)]
    pub diff: bool,
    /// Ask for the connection password.
    #[arg(short = 'k', long = "ask-pass")]
    pub ask_pass: bool,
    /// A file that holds the connection password.
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub connection_password_file: Option<PathBuf>,
    /// Ask for the become password.
    #[arg(short = 'K', long = "ask-become-pass")]
    pub ask_become_pass: bool,
    /// A file that holds the become password.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VaultArgs {
    #[command(subcommand)]
    pub action: Option<VaultAction>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VaultFileArgs {
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub secrets: VaultSecretArgs,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    /// Write here instead; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The identity to encrypt with, where several are given.
    #[arg(long, value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
    /// rekey: the new identity.
    #[arg(long, value_name = "ID", conflicts_with = "new_vault_password_file")]
    pub new_vault_id: Option<String>,
    /// rekey: a file that holds the new password.
    #[arg(long, value_name = "FILE")]
    pub new_vault_password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VaultCreateArgs {
    #[command(flatten)]
    pub file: VaultFileArgs,
    /// Open the editor without a terminal too.
    #[arg(long)]
    pub skip_tty_check: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct VaultStringArgs {
    /// The text to encrypt.
    #[arg(value_name = "TEXT")]
    pub texts: Vec<String>,
    #[command(flatten)]
    pub secrets: VaultSecretArgs,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
    /// The variable's name.
    #[arg(short = 'n', long, value_name = "NAME", action = ArgAction::Append)]
    pub name: Vec<String>,
    /// Ask for the text.
    #[arg(short = 'p', long)]
    pub prompt: bool,
    /// The variable's name for text from stdin.
    #[arg(long, value_name = "NAME")]
    pub stdin_name: Option<String>,
    /// Show what is typed.
    #[arg(long)]
    pub show_input: bool,
    /// Write here instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The identity to encrypt with, where several are given.
    #[arg(long, value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum VaultAction {
    /// Create an encrypted file with the editor.
    Create(VaultCreateArgs),
    /// Edit an encrypted file.
    Edit(VaultFileArgs),
    /// Show an encrypted file.
    View(VaultFileArgs),
    /// Encrypt files.
    Encrypt(VaultFileArgs),
    /// Decrypt files.
    Decrypt(VaultFileArgs),
    /// Encrypt a string for use in YAML.
    #[command(name = "encrypt_string", alias = "encrypt-string")]
    EncryptString(VaultStringArgs),
    /// Change the password of files.
    Rekey(VaultFileArgs),
}

#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Clone, Debug, Default, Args)]
pub struct ConfigCommonArgs {
    /// The configuration file; without it the first one that is found.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whose settings: base, all, or a type of plugin.
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "base")]
    pub kind: String,
    /// Only these plugins of the type.
    #[arg(value_name = "PLUGIN")]
    pub plugins: Vec<String>,
    #[command(flatten)]
    pub verbosity: VerbosityArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigAction {
    /// What settings there are.
    List {
        #[command(flatten)]
        common: ConfigCommonArgs,
        #[arg(short, long, default_value = "yaml", value_parser = ["json", "yaml"])]
        format: String,
    },
    /// The values of all settings, and where each comes from.
    Dump {
        #[command(flatten)]
        common: ConfigCommonArgs,
        #[arg(short, long, default_value = "display", value_parser = ["json", "yaml", "display"])]
        format: String,
        /// Only those that are not the default.
        #[arg(long, visible_alias = "changed-only")]
        only_changed: bool,
    },
    /// The configuration file.
    View {
        #[command(flatten)]
        common: ConfigCommonArgs,
    },
    /// A configuration of all defaults, to start from.
    Init {
        #[command(flatten)]
        common: ConfigCommonArgs,
        #[arg(short, long, default_value = "ini", value_parser = ["ini", "env", "vars"])]
        format: String,
        /// Every entry as a comment.
        #[arg(long)]
        disabled: bool,
    },
    /// Whether the file (or the environment) says what no setting knows.
    Validate {
        #[command(flatten)]
        common: ConfigCommonArgs,
        #[arg(short, long, default_value = "ini", value_parser = ["ini", "env"])]
        format: String,
    },
}
