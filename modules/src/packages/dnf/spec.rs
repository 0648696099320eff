//! The arguments of `dnf`, `dnf5` and `yum`.

use crate::contract::{Arg, ArgType, Literal, ModuleSpec, Return, Rule};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    pub allow_downgrade: bool,
    pub allowerasing: bool,
    pub autoremove: bool,
    pub best: Option<bool>,
    pub bugfix: bool,
    pub cacheonly: bool,
    pub conf_file: Option<String>,
    pub disable_excludes: Option<String>,
    pub disable_gpg_check: bool,
    pub disable_plugin: Vec<String>,
    pub disablerepo: Vec<String>,
    pub download_only: bool,
    pub download_dir: Option<String>,
    pub enable_plugin: Vec<String>,
    pub enablerepo: Vec<String>,
    pub exclude: Vec<String>,
    pub installroot: String,
    pub install_weak_deps: bool,
    pub list: Option<String>,
    pub name: Vec<String>,
    pub nobest: Option<bool>,
    pub releasever: Option<String>,
    pub security: bool,
    pub skip_broken: bool,
    pub state: Option<String>,
    pub update_cache: bool,
    pub update_only: bool,
    pub sslverify: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Present,
    Latest,
    Absent,
}

impl Args {
    pub fn state(&self) -> State {
        match self.state.as_deref() {
            Some("latest") => State::Latest,
            Some("absent" | "removed") => State::Absent,
            _ if self.autoremove && self.name.is_empty() => State::Absent,
            _ => State::Present,
        }
    }
}

const NO: Literal = Literal::Bool(false);
const YES: Literal = Literal::Bool(true);
const NONE: Literal = Literal::Strs(&[]);

const ARGS: &[Arg] = &[
    Arg::list("name", ArgType::Str)
        .aliases(&["pkg"])
        .default(NONE)
        .doc("Names, `name-version`, globs, `@groups`, files, URLs; `*` with `latest`."),
    Arg::str("state")
        .choices(&["absent", "installed", "latest", "present", "removed"])
        .doc("The wanted state; `present` without."),
    Arg::str("list").doc("Only list: `installed`, `updates`, `available`, `repos` or a name."),
    Arg::bool("allow_downgrade").default(NO).doc("Allow older versions."),
    Arg::bool("allowerasing").default(NO).doc("Allow removing packages that are in the way."),
    Arg::bool("autoremove").default(NO).doc("Remove dependencies that nothing needs any more."),
    Arg::bool("best").doc("Only the newest versions, or fail."),
    Arg::bool("bugfix").default(NO).doc("With `latest`: only what fixes bugs."),
    Arg::bool("cacheonly").default(NO).doc("Use the cached metadata as it is."),
    Arg::str("conf_file").doc("Configuration file of dnf."),
    Arg::str("disable_excludes").doc("Ignore excludes of the configuration: `all`, `main` or a repository."),
    Arg::bool("disable_gpg_check").default(NO).doc("Do not check signatures."),
    Arg::list("disable_plugin", ArgType::Str).default(NONE).doc("Plugins to leave out."),
    Arg::list("disablerepo", ArgType::Str).default(NONE).doc("Repositories to leave out."),
    Arg::bool("download_only").default(NO).doc("Only download the packages."),
    Arg::str("download_dir").doc("Where to."),
    Arg::list("enable_plugin", ArgType::Str).default(NONE).doc("Plugins to use."),
    Arg::list("enablerepo", ArgType::Str).default(NONE).doc("Repositories to use."),
    Arg::list("exclude", ArgType::Str).default(NONE).doc("Packages to leave out."),
    Arg::str("installroot").default(Literal::Str("/")).doc("Root directory to install into."),
    Arg::bool("install_repoquery").default(YES).doc("Accepted; has no effect."),
    Arg::bool("install_weak_deps").default(YES).doc("Install weak dependencies too."),
    Arg::bool("nobest").doc("The opposite of `best`."),
    Arg::str("releasever").doc("Release of the distribution to install from."),
    Arg::bool("security").default(NO).doc("With `latest`: only what mends security."),
    Arg::bool("skip_broken").default(NO).doc("Skip packages that cannot be installed."),
    Arg::bool("update_cache").aliases(&["expire-cache"]).default(NO).doc("Refresh the metadata."),
    Arg::bool("update_only").default(NO).doc("Only packages that are installed already."),
    Arg::bool("validate_certs").default(YES).doc("Check the certificate of URLs among the names."),
    Arg::bool("sslverify").default(YES).doc("Check the certificates of repositories."),
    Arg::int("lock_timeout").default(Literal::Int(30)).doc("Accepted; dnf waits for its lock by itself."),
];

const RULES: &[Rule] = &[
    Rule::RequiredOneOf(&["name", "list", "update_cache"]),
    Rule::MutuallyExclusive(&["name", "list"]),
    Rule::MutuallyExclusive(&["best", "nobest"]),
];

const RETURNS: &[Return] = &[
    Return {
        name: "ansible_facts",
        when: "always, of dnf",
        doc: "`pkg_mgr`, the fact by which the module was chosen.",
    },
    Return { name: "results", when: "always", doc: "What was installed and removed." },
    Return { name: "msg", when: "always", doc: "`Nothing to do`, or why it failed." },
    Return { name: "rc", when: "always", doc: "0, or 1 with a failure." },
];

const BOTH: &[Arg] = &[Arg::str("use_backend")
    .aliases(&["use"])
    .default(Literal::Str("auto"))
    .doc("Accepted; the host's own dnf is used.")];

const DIFFERS: &str = "Drives the dnf command line; needs no bindings.";

pub const DNF: ModuleSpec = ModuleSpec {
    shared: &[BOTH],
    rules: RULES,
    returns: RETURNS,
    differs: DIFFERS,
    examples: "- name: The newest Apache\n  ansible.builtin.dnf:\n    name: httpd\n    state: latest\n",
    ..ModuleSpec::new("ansible.builtin.dnf", "Manages packages with dnf.", ARGS)
};

pub const DNF5: ModuleSpec = ModuleSpec {
    shared: &[ARGS],
    rules: RULES,
    returns: RETURNS,
    differs: DIFFERS,
    examples: "- name: The newest Apache\n  ansible.builtin.dnf5:\n    name: httpd\n    state: latest\n",
    ..ModuleSpec::new(
        "ansible.builtin.dnf5",
        "Manages packages with dnf5.",
        &[Arg::bool("auto_install_module_deps").default(YES).doc("Accepted; has no effect.")],
    )
};
