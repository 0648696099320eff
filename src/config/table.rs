//! The settings, one line each. Names, types, places and defaults are ansible-core 2.19's (`config/base.yml` and the plugins'
//! options). Options of plugins are called `PLUGIN.OPTION`. Rows: key, type, default, [environment] [ini] [variables], [choices],
//! effect, meaning.

use super::{Effect, Fallback, Kind, Setting};

macro_rules! settings {
    ($($key:literal, $kind:ident, $default:ident $(($value:expr))?,
       [$($env:literal),*] [$(($section:literal, $ini:literal)),*] [$($var:literal),*], [$($choice:literal),*],
       $effect:ident $(($why:literal))?, $doc:literal;)*) => {
        /// Every setting.
        pub static SETTINGS: &[Setting] = &[$(Setting {
            key: $key,
            kind: Kind::$kind,
            default: Fallback::$default $(($value))?,
            env: &[$($env),*],
            ini: &[$(($section, $ini)),*],
            vars: &[$($var),*],
            choices: &[$($choice),*],
            effect: Effect::$effect $(($why))?,
            doc: $doc,
        }),*];
    };
}

settings! {
    "ALLOW_BROKEN_CONDITIONALS", Bool, Bool(false), ["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"] [("defaults", "allow_broken_conditionals")] [], [], Used, "Accept conditionals whose result is not a boolean and judge them by truthiness, as before 2.19.";
    "ALLOW_EMBEDDED_TEMPLATES", Bool, Bool(true), ["ANSIBLE_ALLOW_EMBEDDED_TEMPLATES"] [("defaults", "allow_embedded_templates")] [], [], Used, "Render templates that stand inside string constants of expressions and conditionals.";
    "ANSIBLE_HOME", Path, Str("~/.ansible"), ["ANSIBLE_HOME"] [("defaults", "home")] [], [], Used, "Directory under which the default places of other settings lie.";
    "ANSIBLE_CONNECTION_PATH", Path, Nothing, ["ANSIBLE_CONNECTION_PATH"] [("persistent_connection", "ansible_connection_path")] [], [], Ignored("concerns only ansible-core's own Python code"), "Path of the `ansible-connection` script.";
    "ANSIBLE_COW_SELECTION", Raw, Str("default"), ["ANSIBLE_COW_SELECTION"] [("defaults", "cow_selection")] [], [], Ignored("there are no cows"), "Which cow speaks.";
    "ANSIBLE_COW_ACCEPTLIST", List, List(&["bud-frogs", "bunny", "cheese", "daemon", "default", "dragon", "elephant-in-snake", "elephant", "eyes", "hellokitty", "kitty", "luke-koala", "meow", "milk", "moofasa", "moose", "ren", "sheep", "small", "stegosaurus", "stimpy", "supermilker", "three-eyes", "turkey", "turtle", "tux", "udder", "vader-koala", "vader", "www"]), ["ANSIBLE_COW_ACCEPTLIST"] [("defaults", "cowsay_enabled_stencils")] [], [], Ignored("there are no cows"), "Cows that a random choice may pick.";
    "ANSIBLE_FORCE_COLOR", Bool, Bool(false), ["ANSIBLE_FORCE_COLOR"] [("defaults", "force_color")] [], [], Used, "Colour the output even where stdout is not a terminal.";
    "ANSIBLE_NOCOLOR", Bool, Bool(false), ["ANSIBLE_NOCOLOR", "NO_COLOR"] [("defaults", "nocolor")] [], [], Used, "Never colour the output.";
    "ANSIBLE_NOCOWS", Bool, Bool(false), ["ANSIBLE_NOCOWS"] [("defaults", "nocows")] [], [], Ignored("there are no cows"), "Print plain banners even where cowsay is installed.";
    "ANSIBLE_COW_PATH", Str, Nothing, ["ANSIBLE_COW_PATH"] [("defaults", "cowpath")] [], [], Ignored("there are no cows"), "Path of the cowsay program.";
    "ANSIBLE_PIPELINING", Bool, Bool(false), ["ANSIBLE_PIPELINING"] [("defaults", "pipelining"), ("connection", "pipelining")] [], [], Ignored("modules and files always travel over the helper's channel"), "Run modules over the connection without copying a file first.";
    "ANY_ERRORS_FATAL", Bool, Bool(false), ["ANSIBLE_ANY_ERRORS_FATAL"] [("defaults", "any_errors_fatal")] [], [], Used, "Default of the play keyword `any_errors_fatal`.";
    "BECOME_ALLOW_SAME_USER", Bool, Bool(false), ["ANSIBLE_BECOME_ALLOW_SAME_USER"] [("privilege_escalation", "become_allow_same_user")] [], [], Used, "Escalate even where the remote user is already the become user.";
    "BECOME_PASSWORD_FILE", Path, Nothing, ["ANSIBLE_BECOME_PASSWORD_FILE"] [("defaults", "become_password_file")] [], [], Used, "File (or program) that gives the become password.";
    "AGNOSTIC_BECOME_PROMPT", Bool, Bool(true), ["ANSIBLE_AGNOSTIC_BECOME_PROMPT"] [("privilege_escalation", "agnostic_become_prompt")] [], [], Used, "Ask for a `BECOME password` instead of naming the method.";
    "CACHE_PLUGIN", Raw, Str("memory"), ["ANSIBLE_CACHE_PLUGIN"] [("defaults", "fact_caching")] [], [], Used, "Where facts are kept between runs: `memory` or `jsonfile`.";
    "CACHE_PLUGIN_CONNECTION", Raw, Nothing, ["ANSIBLE_CACHE_PLUGIN_CONNECTION"] [("defaults", "fact_caching_connection")] [], [], Used, "Directory of the fact cache.";
    "CACHE_PLUGIN_PREFIX", Raw, Str("ansible_facts"), ["ANSIBLE_CACHE_PLUGIN_PREFIX"] [("defaults", "fact_caching_prefix")] [], [], Used, "Prefix of the names of cache entries.";
    "CACHE_PLUGIN_TIMEOUT", Int, Int(86400), ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"] [("defaults", "fact_caching_timeout")] [], [], Used, "Seconds until a cached fact expires; 0 means never.";
    "COLLECTIONS_SCAN_SYS_PATH", Bool, Bool(true), ["ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"] [("defaults", "collections_scan_sys_path")] [], [], Ignored("concerns only ansible-core's own Python code"), "Also look for collections on Python's module path.";
    "COLLECTIONS_PATHS", PathSpec, Str("{{ANSIBLE_HOME}}/collections:/usr/share/ansible/collections"), ["ANSIBLE_COLLECTIONS_PATH"] [("defaults", "collections_path")] [], [], Used, "Where collections are looked for.";
    "COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH", Raw, Str("warning"), ["ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH"] [("defaults", "collections_on_ansible_version_mismatch")] [], ["error", "warning", "ignore"], Used, "What to do when a collection asks for another ansible-core.";
    "COLOR_CHANGED", Raw, Str("yellow"), ["ANSIBLE_COLOR_CHANGED"] [("colors", "changed")] [], [], Used, "Colour of changed tasks.";
    "COLOR_CONSOLE_PROMPT", Raw, Str("white"), ["ANSIBLE_COLOR_CONSOLE_PROMPT"] [("colors", "console_prompt")] [], [], Used, "Colour of the console's prompt.";
    "COLOR_DEBUG", Raw, Str("dark gray"), ["ANSIBLE_COLOR_DEBUG"] [("colors", "debug")] [], [], Used, "Colour of debug messages.";
    "COLOR_DEPRECATE", Raw, Str("purple"), ["ANSIBLE_COLOR_DEPRECATE"] [("colors", "deprecate")] [], [], Used, "Colour of deprecation messages.";
    "COLOR_DIFF_ADD", Raw, Str("green"), ["ANSIBLE_COLOR_DIFF_ADD"] [("colors", "diff_add")] [], [], Used, "Colour of added lines in diffs.";
    "COLOR_DIFF_LINES", Raw, Str("cyan"), ["ANSIBLE_COLOR_DIFF_LINES"] [("colors", "diff_lines")] [], [], Used, "Colour of hunk headers in diffs.";
    "COLOR_DIFF_REMOVE", Raw, Str("red"), ["ANSIBLE_COLOR_DIFF_REMOVE"] [("colors", "diff_remove")] [], [], Used, "Colour of removed lines in diffs.";
    "COLOR_ERROR", Raw, Str("red"), ["ANSIBLE_COLOR_ERROR"] [("colors", "error")] [], [], Used, "Colour of errors and failed tasks.";
    "COLOR_HIGHLIGHT", Raw, Str("white"), ["ANSIBLE_COLOR_HIGHLIGHT"] [("colors", "highlight")] [], [], Used, "Colour of highlighted text.";
    "COLOR_INCLUDED", Raw, Str("cyan"), ["ANSIBLE_COLOR_INCLUDED"] [("colors", "included")] [], [], Used, "Colour of `included:` lines.";
    "COLOR_OK", Raw, Str("green"), ["ANSIBLE_COLOR_OK"] [("colors", "ok")] [], [], Used, "Colour of tasks that changed nothing.";
    "COLOR_SKIP", Raw, Str("cyan"), ["ANSIBLE_COLOR_SKIP"] [("colors", "skip")] [], [], Used, "Colour of skipped tasks.";
    "COLOR_UNREACHABLE", Raw, Str("bright red"), ["ANSIBLE_COLOR_UNREACHABLE"] [("colors", "unreachable")] [], [], Used, "Colour of unreachable hosts.";
    "COLOR_VERBOSE", Raw, Str("blue"), ["ANSIBLE_COLOR_VERBOSE"] [("colors", "verbose")] [], [], Used, "Colour of verbose messages.";
    "COLOR_WARN", Raw, Str("bright purple"), ["ANSIBLE_COLOR_WARN"] [("colors", "warn")] [], [], Used, "Colour of warnings.";
    "COLOR_DOC_MODULE", Raw, Str("yellow"), ["ANSIBLE_COLOR_DOC_MODULE"] [("colors", "doc_module")] [], [], Used, "Colour of module names in documentation.";
    "COLOR_DOC_REFERENCE", Raw, Str("magenta"), ["ANSIBLE_COLOR_DOC_REFERENCE"] [("colors", "doc_reference")] [], [], Used, "Colour of cross references in documentation.";
    "COLOR_DOC_LINK", Raw, Str("cyan"), ["ANSIBLE_COLOR_DOC_LINK"] [("colors", "doc_link")] [], [], Used, "Colour of links in documentation.";
    "COLOR_DOC_DEPRECATED", Raw, Str("magenta"), ["ANSIBLE_COLOR_DOC_DEPRECATED"] [("colors", "doc_deprecated")] [], [], Used, "Colour of deprecated items in documentation.";
    "COLOR_DOC_CONSTANT", Raw, Str("dark gray"), ["ANSIBLE_COLOR_DOC_CONSTANT"] [("colors", "doc_constant")] [], [], Used, "Colour of constants in documentation.";
    "COLOR_DOC_PLUGIN", Raw, Str("yellow"), ["ANSIBLE_COLOR_DOC_PLUGIN"] [("colors", "doc_plugin")] [], [], Used, "Colour of plugin names in documentation.";
    "CONNECTION_PASSWORD_FILE", Path, Nothing, ["ANSIBLE_CONNECTION_PASSWORD_FILE"] [("defaults", "connection_password_file")] [], [], Used, "File (or program) that gives the connection password.";
    "COVERAGE_REMOTE_OUTPUT", Str, Nothing, ["_ANSIBLE_COVERAGE_REMOTE_OUTPUT"] [] ["_ansible_coverage_remote_output"], [], Ignored("concerns only ansible-core's own Python code"), "Where ansible-test collects coverage data.";
    "COVERAGE_REMOTE_PATHS", Str, Str("*"), ["_ANSIBLE_COVERAGE_REMOTE_PATH_FILTER"] [] [], [], Ignored("concerns only ansible-core's own Python code"), "Which files ansible-test measures.";
    "ACTION_WARNINGS", Bool, Bool(true), ["ANSIBLE_ACTION_WARNINGS"] [("defaults", "action_warnings")] [], [], Used, "Show warnings that actions and modules return.";
    "LOCALHOST_WARNING", Bool, Bool(true), ["ANSIBLE_LOCALHOST_WARNING"] [("defaults", "localhost_warning")] [], [], Used, "Warn when only the implicit localhost is available.";
    "LOG_VERBOSITY", Int, Nothing, ["ANSIBLE_LOG_VERBOSITY"] [("defaults", "log_verbosity")] [], [], Used, "Verbosity of the log file where it differs from that of the output.";
    "INVENTORY_UNPARSED_WARNING", Bool, Bool(true), ["ANSIBLE_INVENTORY_UNPARSED_WARNING"] [("inventory", "inventory_unparsed_warning")] [], [], Used, "Warn when no inventory source could be read.";
    "DOC_FRAGMENT_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/doc_fragments:/usr/share/ansible/plugins/doc_fragments"), ["ANSIBLE_DOC_FRAGMENT_PLUGINS"] [("defaults", "doc_fragment_plugins")] [], [], Ignored("concerns only ansible-core's own Python code"), "Where documentation fragments of Python plugins are looked for.";
    "DEFAULT_ACTION_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/action:/usr/share/ansible/plugins/action"), ["ANSIBLE_ACTION_PLUGINS"] [("defaults", "action_plugins")] [], [], Used, "Where Python action plugins are looked for.";
    "DEFAULT_ALLOW_UNSAFE_LOOKUPS", Bool, Bool(false), [] [("defaults", "allow_unsafe_lookups")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Let lookups return templates; it has no effect in 2.19 either.";
    "DEFAULT_ASK_PASS", Bool, Bool(false), ["ANSIBLE_ASK_PASS"] [("defaults", "ask_pass")] [], [], Used, "Ask for the connection password.";
    "DEFAULT_ASK_VAULT_PASS", Bool, Bool(false), ["ANSIBLE_ASK_VAULT_PASS"] [("defaults", "ask_vault_pass")] [], [], Used, "Ask for the vault password.";
    "DEFAULT_BECOME", Bool, Bool(false), ["ANSIBLE_BECOME"] [("privilege_escalation", "become")] [], [], Used, "Default of the keyword `become`.";
    "DEFAULT_BECOME_ASK_PASS", Bool, Bool(false), ["ANSIBLE_BECOME_ASK_PASS"] [("privilege_escalation", "become_ask_pass")] [], [], Used, "Ask for the become password.";
    "DEFAULT_BECOME_METHOD", Raw, Str("sudo"), ["ANSIBLE_BECOME_METHOD"] [("privilege_escalation", "become_method")] [], [], Used, "Default of the keyword `become_method`.";
    "DEFAULT_BECOME_EXE", Raw, Nothing, ["ANSIBLE_BECOME_EXE"] [("privilege_escalation", "become_exe")] [], [], Used, "Program that escalates, where it is not the method's own name.";
    "DEFAULT_BECOME_FLAGS", Raw, Str(""), ["ANSIBLE_BECOME_FLAGS"] [("privilege_escalation", "become_flags")] [], [], Used, "Flags of the program that escalates.";
    "BECOME_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/become:/usr/share/ansible/plugins/become"), ["ANSIBLE_BECOME_PLUGINS"] [("defaults", "become_plugins")] [], [], Ignored("concerns only ansible-core's own Python code"), "Where Python become plugins are looked for.";
    "DEFAULT_BECOME_USER", Raw, Str("root"), ["ANSIBLE_BECOME_USER"] [("privilege_escalation", "become_user")] [], [], Used, "Default of the keyword `become_user`.";
    "DEFAULT_CACHE_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/cache:/usr/share/ansible/plugins/cache"), ["ANSIBLE_CACHE_PLUGINS"] [("defaults", "cache_plugins")] [], [], Ignored("concerns only ansible-core's own Python code"), "Where Python cache plugins are looked for.";
    "DEFAULT_CALLBACK_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/callback:/usr/share/ansible/plugins/callback"), ["ANSIBLE_CALLBACK_PLUGINS"] [("defaults", "callback_plugins")] [], [], Used, "Where Python callback plugins are looked for.";
    "CALLBACKS_ENABLED", List, List(&[]), ["ANSIBLE_CALLBACKS_ENABLED"] [("defaults", "callbacks_enabled")] [], [], Used, "Reporters that run beside the one for stdout.";
    "DEFAULT_CLICONF_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/cliconf:/usr/share/ansible/plugins/cliconf"), ["ANSIBLE_CLICONF_PLUGINS"] [("defaults", "cliconf_plugins")] [], [], Ignored("network devices are not supported"), "Where cliconf plugins are looked for.";
    "DEFAULT_CONNECTION_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/connection:/usr/share/ansible/plugins/connection"), ["ANSIBLE_CONNECTION_PLUGINS"] [("defaults", "connection_plugins")] [], [], Ignored("concerns only ansible-core's own Python code"), "Where Python connection plugins are looked for.";
    "DEFAULT_DEBUG", Bool, Bool(false), ["ANSIBLE_DEBUG"] [("defaults", "debug")] [], [], Used, "Print the program's own debug messages.";
    "DEFAULT_EXECUTABLE", Raw, Str("/bin/sh"), ["ANSIBLE_EXECUTABLE"] [("defaults", "executable")] [], [], Used, "Shell that runs commands on the host.";
    "DEFAULT_FILTER_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/filter:/usr/share/ansible/plugins/filter"), ["ANSIBLE_FILTER_PLUGINS"] [("defaults", "filter_plugins")] [], [], Used, "Where Python filter plugins are looked for.";
    "DEFAULT_FORCE_HANDLERS", Bool, Bool(false), ["ANSIBLE_FORCE_HANDLERS"] [("defaults", "force_handlers")] [], [], Used, "Run notified handlers even on hosts that failed.";
    "DEFAULT_FORKS", Int, Int(5), ["ANSIBLE_FORKS"] [("defaults", "forks")] [], [], Used, "How many hosts are worked on at the same time.";
    "DEFAULT_GATHERING", Raw, Str("implicit"), ["ANSIBLE_GATHERING"] [("defaults", "gathering")] [], ["implicit", "explicit", "smart"], Used, "When facts are gathered: `implicit` (unless a play says no), `explicit` (only where a play says yes) or `smart` (once per host).";
    "DEFAULT_HASH_BEHAVIOUR", Str, Str("replace"), ["ANSIBLE_HASH_BEHAVIOUR"] [("defaults", "hash_behaviour")] [], ["replace", "merge"], Used, "Whether dictionaries of different precedence replace one another or are merged.";
    "DEFAULT_HOST_LIST", PathList, List(&["/etc/ansible/hosts"]), ["ANSIBLE_INVENTORY"] [("defaults", "inventory")] [], [], Used, "Inventory sources where -i is not given.";
    "DEFAULT_HTTPAPI_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/httpapi:/usr/share/ansible/plugins/httpapi"), ["ANSIBLE_HTTPAPI_PLUGINS"] [("defaults", "httpapi_plugins")] [], [], Ignored("network devices are not supported"), "Where httpapi plugins are looked for.";
    "DEFAULT_INTERNAL_POLL_INTERVAL", Float, Float(0.001), [] [("defaults", "internal_poll_interval")] [], [], Ignored("there are no worker processes to poll"), "Seconds between polls of ansible's worker processes.";
    "DEFAULT_INVENTORY_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/inventory:/usr/share/ansible/plugins/inventory"), ["ANSIBLE_INVENTORY_PLUGINS"] [("defaults", "inventory_plugins")] [], [], Used, "Where Python inventory plugins are looked for.";
    "DEFAULT_JINJA2_EXTENSIONS", List, List(&[]), ["ANSIBLE_JINJA2_EXTENSIONS"] [("defaults", "jinja2_extensions")] [], [], Used, "Jinja2 extensions: `jinja2.ext.do` and `jinja2.ext.loopcontrols` are known.";
    "DEFAULT_JINJA2_NATIVE", Bool, Bool(true), ["ANSIBLE_JINJA2_NATIVE"] [("defaults", "jinja2_native")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Native types of templates; always on in 2.19.";
    "DEFAULT_KEEP_REMOTE_FILES", Bool, Bool(false), ["ANSIBLE_KEEP_REMOTE_FILES"] [("defaults", "keep_remote_files")] [], [], Used, "Keep the files that modules leave on the host.";
    "DEFAULT_LIBVIRT_LXC_NOSECLABEL", Bool, Bool(false), ["ANSIBLE_LIBVIRT_LXC_NOSECLABEL"] [("selinux", "libvirt_lxc_noseclabel")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Run libvirt's lxc commands without a security label.";
    "DEFAULT_LOAD_CALLBACK_PLUGINS", Bool, Bool(false), ["ANSIBLE_LOAD_CALLBACK_PLUGINS"] [("defaults", "bin_ansible_callbacks")] [], [], Used, "Load callbacks for ad-hoc runs too.";
    "DEFAULT_LOCAL_TMP", TmpPath, Str("{{ANSIBLE_HOME}}/tmp"), ["ANSIBLE_LOCAL_TEMP"] [("defaults", "local_tmp")] [], [], Used, "Directory for temporary files on the controller.";
    "DEFAULT_LOG_PATH", Path, Nothing, ["ANSIBLE_LOG_PATH"] [("defaults", "log_path")] [], [], Used, "File that the output is logged to.";
    "DEFAULT_LOG_FILTER", List, List(&[]), ["ANSIBLE_LOG_FILTER"] [("defaults", "log_filter")] [], [], Used, "Logger names that are kept out of the log file.";
    "DEFAULT_LOOKUP_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/lookup:/usr/share/ansible/plugins/lookup"), ["ANSIBLE_LOOKUP_PLUGINS"] [("defaults", "lookup_plugins")] [], [], Used, "Where Python lookup plugins are looked for.";
    "DEFAULT_MANAGED_STR", Raw, Str("Ansible managed"), [] [("defaults", "ansible_managed")] [], [], Used, "Text of the variable `ansible_managed`.";
    "DEFAULT_MODULE_ARGS", Raw, Nothing, ["ANSIBLE_MODULE_ARGS"] [("defaults", "module_args")] [], [], Used, "Arguments of an ad-hoc run without -a.";
    "DEFAULT_MODULE_COMPRESSION", Raw, Str("ZIP_DEFLATED"), [] [("defaults", "module_compression")] ["ansible_module_compression"], [], Ignored("concerns only ansible-core's own Python code"), "Compression of Python payloads.";
    "DEFAULT_MODULE_NAME", Raw, Str("command"), [] [("defaults", "module_name")] [], [], Used, "Module of an ad-hoc run without -m.";
    "DEFAULT_MODULE_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/modules:/usr/share/ansible/plugins/modules"), ["ANSIBLE_LIBRARY"] [("defaults", "library")] [], [], Used, "Where modules are looked for.";
    "DEFAULT_MODULE_UTILS_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/module_utils:/usr/share/ansible/plugins/module_utils"), ["ANSIBLE_MODULE_UTILS"] [("defaults", "module_utils")] [], [], Used, "Where Python module_utils are looked for.";
    "DEFAULT_NETCONF_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/netconf:/usr/share/ansible/plugins/netconf"), ["ANSIBLE_NETCONF_PLUGINS"] [("defaults", "netconf_plugins")] [], [], Ignored("network devices are not supported"), "Where netconf plugins are looked for.";
    "DEFAULT_NO_LOG", Bool, Bool(false), ["ANSIBLE_NO_LOG"] [("defaults", "no_log")] [], [], Used, "Default of the keyword `no_log`.";
    "DEFAULT_NO_TARGET_SYSLOG", Bool, Bool(false), ["ANSIBLE_NO_TARGET_SYSLOG"] [("defaults", "no_target_syslog")] ["ansible_no_target_syslog"], [], Used, "Do not log module runs to the host's syslog.";
    "DEFAULT_NULL_REPRESENTATION", Raw, Nothing, ["ANSIBLE_NULL_REPRESENTATION"] [("defaults", "null_representation")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "What a template that renders to None becomes; it has no effect in 2.19 either.";
    "DEFAULT_POLL_INTERVAL", Int, Int(15), ["ANSIBLE_POLL_INTERVAL"] [("defaults", "poll_interval")] [], [], Used, "Seconds between polls of an async task.";
    "DEFAULT_PRIVATE_KEY_FILE", Path, Nothing, ["ANSIBLE_PRIVATE_KEY_FILE"] [("defaults", "private_key_file")] [], [], Used, "Private key for connections.";
    "DEFAULT_PRIVATE_ROLE_VARS", Bool, Bool(false), ["ANSIBLE_PRIVATE_ROLE_VARS"] [("defaults", "private_role_vars")] [], [], Used, "Hide a role's defaults and vars from everything outside it.";
    "DEFAULT_REMOTE_PORT", Int, Nothing, ["ANSIBLE_REMOTE_PORT"] [("defaults", "remote_port")] [], [], Used, "Port for connections.";
    "DEFAULT_REMOTE_USER", Raw, Nothing, ["ANSIBLE_REMOTE_USER"] [("defaults", "remote_user")] [], [], Used, "User that logs in.";
    "DEFAULT_ROLES_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/roles:/usr/share/ansible/roles:/etc/ansible/roles"), ["ANSIBLE_ROLES_PATH"] [("defaults", "roles_path")] [], [], Used, "Where roles are looked for.";
    "DEFAULT_SELINUX_SPECIAL_FS", List, List(&["fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"]), ["ANSIBLE_SELINUX_SPECIAL_FS"] [("selinux", "special_context_filesystems")] [], [], Used, "File systems whose SELinux contexts cannot be changed.";
    "DEFAULT_STDOUT_CALLBACK", Raw, Str("default"), ["ANSIBLE_STDOUT_CALLBACK"] [("defaults", "stdout_callback")] [], [], Used, "Reporter that writes stdout.";
    "EDITOR", Raw, Str("vi"), ["ANSIBLE_EDITOR", "EDITOR"] [("defaults", "editor")] [], [], Used, "Editor of `vault edit`.";
    "ENABLE_TASK_DEBUGGER", Bool, Bool(false), ["ANSIBLE_ENABLE_TASK_DEBUGGER"] [("defaults", "enable_task_debugger")] [], [], Used, "Start the debugger on failed and unreachable tasks.";
    "TASK_DEBUGGER_IGNORE_ERRORS", Bool, Bool(true), ["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"] [("defaults", "task_debugger_ignore_errors")] [], [], Used, "Do not start the debugger for a task with ignore_errors.";
    "DEFAULT_STRATEGY", Raw, Str("linear"), ["ANSIBLE_STRATEGY"] [("defaults", "strategy")] [], [], Used, "Default of the keyword `strategy`.";
    "DEFAULT_STRATEGY_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/strategy:/usr/share/ansible/plugins/strategy"), ["ANSIBLE_STRATEGY_PLUGINS"] [("defaults", "strategy_plugins")] [], [], Ignored("strategies are native"), "Where Python strategy plugins are looked for.";
    "DEFAULT_SU", Bool, Bool(false), ["ANSIBLE_SU"] [("defaults", "su")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Use su; become_method replaced it.";
    "DEFAULT_SYSLOG_FACILITY", Raw, Str("LOG_USER"), ["ANSIBLE_SYSLOG_FACILITY"] [("defaults", "syslog_facility")] [], [], Used, "Syslog facility on the host.";
    "DEFAULT_TERMINAL_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/terminal:/usr/share/ansible/plugins/terminal"), ["ANSIBLE_TERMINAL_PLUGINS"] [("defaults", "terminal_plugins")] [], [], Ignored("network devices are not supported"), "Where terminal plugins are looked for.";
    "DEFAULT_TEST_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/test:/usr/share/ansible/plugins/test"), ["ANSIBLE_TEST_PLUGINS"] [("defaults", "test_plugins")] [], [], Used, "Where Python test plugins are looked for.";
    "DEFAULT_TIMEOUT", Int, Int(10), ["ANSIBLE_TIMEOUT"] [("defaults", "timeout")] [], [], Used, "Seconds that a connection may take to open.";
    "DEFAULT_TRANSPORT", Raw, Str("ssh"), ["ANSIBLE_TRANSPORT"] [("defaults", "transport")] [], [], Used, "Default of the keyword `connection`.";
    "DEFAULT_UNDEFINED_VAR_BEHAVIOR", Bool, Bool(true), ["ANSIBLE_ERROR_ON_UNDEFINED_VARS"] [("defaults", "error_on_undefined_vars")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Whether an undefined variable is an error; it always is in 2.19.";
    "DEFAULT_VARS_PLUGIN_PATH", PathSpec, Str("{{ANSIBLE_HOME}}/plugins/vars:/usr/share/ansible/plugins/vars"), ["ANSIBLE_VARS_PLUGINS"] [("defaults", "vars_plugins")] [], [], Ignored("concerns only ansible-core's own Python code"), "Where Python vars plugins are looked for.";
    "DEFAULT_VAULT_ID_MATCH", Bool, Bool(false), ["ANSIBLE_VAULT_ID_MATCH"] [("defaults", "vault_id_match")] [], [], Used, "Try only the password whose vault id is that of the text.";
    "DEFAULT_VAULT_IDENTITY", Raw, Str("default"), ["ANSIBLE_VAULT_IDENTITY"] [("defaults", "vault_identity")] [], [], Used, "Vault id of a password given without one.";
    "VAULT_ENCRYPT_SALT", Raw, Nothing, ["ANSIBLE_VAULT_ENCRYPT_SALT"] [("defaults", "vault_encrypt_salt")] [], [], Used, "Salt for encryption, for reproducible results.";
    "DEFAULT_VAULT_ENCRYPT_IDENTITY", Raw, Nothing, ["ANSIBLE_VAULT_ENCRYPT_IDENTITY"] [("defaults", "vault_encrypt_identity")] [], [], Used, "Vault id to encrypt with where several are given.";
    "DEFAULT_VAULT_IDENTITY_LIST", List, List(&[]), ["ANSIBLE_VAULT_IDENTITY_LIST"] [("defaults", "vault_identity_list")] [], [], Used, "Vault ids and where their passwords come from.";
    "DEFAULT_VAULT_PASSWORD_FILE", Path, Nothing, ["ANSIBLE_VAULT_PASSWORD_FILE"] [("defaults", "vault_password_file")] [], [], Used, "File (or program) that gives the vault password.";
    "DEFAULT_VERBOSITY", Int, Int(0), ["ANSIBLE_VERBOSITY"] [("defaults", "verbosity")] [], [], Used, "Verbosity where -v is not given.";
    "DEPRECATION_WARNINGS", Bool, Bool(true), ["ANSIBLE_DEPRECATION_WARNINGS"] [("defaults", "deprecation_warnings")] ["ansible_deprecation_warnings"], [], Used, "Show deprecation messages.";
    "DEVEL_WARNING", Bool, Bool(true), ["ANSIBLE_DEVEL_WARNING"] [("defaults", "devel_warning")] [], [], Ignored("concerns only ansible-core's own Python code"), "Warn about development versions of ansible-core.";
    "DIFF_ALWAYS", Bool, Bool(false), ["ANSIBLE_DIFF_ALWAYS"] [("diff", "always")] [], [], Used, "Show diffs as if --diff were given.";
    "DIFF_CONTEXT", Int, Int(3), ["ANSIBLE_DIFF_CONTEXT"] [("diff", "context")] [], [], Used, "Lines of context in diffs.";
    "DISPLAY_ARGS_TO_STDOUT", Bool, Bool(false), ["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"] [("defaults", "display_args_to_stdout")] [], [], Used, "Show a task's arguments in its banner.";
    "DISPLAY_SKIPPED_HOSTS", Bool, Bool(true), ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"] [("defaults", "display_skipped_hosts")] [], [], Used, "Show skipped tasks and hosts.";
    "DISPLAY_TRACEBACK", List, List(&["never"]), ["ANSIBLE_DISPLAY_TRACEBACK"] [("defaults", "display_traceback")] [], ["error", "warning", "deprecated", "deprecated_value", "always", "never"], Ignored("concerns only ansible-core's own Python code"), "When Python tracebacks are shown.";
    "DOCSITE_ROOT_URL", Raw, Str("https://docs.ansible.com/ansible-core/"), [] [("defaults", "docsite_root_url")] [], [], Used, "Root of links into Ansible's documentation.";
    "DUPLICATE_YAML_DICT_KEY", Str, Str("warn"), ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"] [("defaults", "duplicate_dict_key")] [], ["error", "warn", "ignore"], Used, "What to do about a key that stands twice in a mapping.";
    "ERROR_ON_MISSING_HANDLER", Bool, Bool(true), ["ANSIBLE_ERROR_ON_MISSING_HANDLER"] [("defaults", "error_on_missing_handler")] [], [], Used, "Fail when a notified handler does not exist; else warn.";
    "FACTS_MODULES", List, List(&["smart"]), ["ANSIBLE_FACTS_MODULES"] [("defaults", "facts_modules")] ["ansible_facts_modules"], [], Used, "Modules that gather facts.";
    "GALAXY_IGNORE_CERTS", Bool, Nothing, ["ANSIBLE_GALAXY_IGNORE"] [("galaxy", "ignore_certs")] [], [], Ignored("there is no galaxy client"), "Do not verify the certificates of galaxy servers.";
    "GALAXY_SERVER_TIMEOUT", Int, Int(60), ["ANSIBLE_GALAXY_SERVER_TIMEOUT"] [("galaxy", "server_timeout")] [], [], Ignored("there is no galaxy client"), "Seconds that a galaxy server may take to answer.";
    "GALAXY_ROLE_SKELETON", Path, Nothing, ["ANSIBLE_GALAXY_ROLE_SKELETON"] [("galaxy", "role_skeleton")] [], [], Ignored("there is no galaxy client"), "Directory that new roles are copied from.";
    "GALAXY_ROLE_SKELETON_IGNORE", List, List(&["^.git$", "^.*/.git_keep$"]), ["ANSIBLE_GALAXY_ROLE_SKELETON_IGNORE"] [("galaxy", "role_skeleton_ignore")] [], [], Ignored("there is no galaxy client"), "Patterns of files in the role skeleton that are left out.";
    "GALAXY_COLLECTION_SKELETON", Path, Nothing, ["ANSIBLE_GALAXY_COLLECTION_SKELETON"] [("galaxy", "collection_skeleton")] [], [], Ignored("there is no galaxy client"), "Directory that new collections are copied from.";
    "GALAXY_COLLECTION_SKELETON_IGNORE", List, List(&["^.git$", "^.*/.git_keep$"]), ["ANSIBLE_GALAXY_COLLECTION_SKELETON_IGNORE"] [("galaxy", "collection_skeleton_ignore")] [], [], Ignored("there is no galaxy client"), "Patterns of files in the collection skeleton that are left out.";
    "GALAXY_COLLECTIONS_PATH_WARNING", Bool, Bool(true), ["ANSIBLE_GALAXY_COLLECTIONS_PATH_WARNING"] [("galaxy", "collections_path_warning")] [], [], Ignored("there is no galaxy client"), "Warn when collections are installed outside the configured paths.";
    "GALAXY_SERVER", Raw, Str("https://galaxy.ansible.com"), ["ANSIBLE_GALAXY_SERVER"] [("galaxy", "server")] [], [], Ignored("there is no galaxy client"), "Address of the galaxy server.";
    "GALAXY_SERVER_LIST", List, Nothing, ["ANSIBLE_GALAXY_SERVER_LIST"] [("galaxy", "server_list")] [], [], Ignored("there is no galaxy client"), "Names of galaxy servers, each with a section `galaxy_server.NAME`.";
    "GALAXY_TOKEN_PATH", Path, Str("{{ANSIBLE_HOME}}/galaxy_token"), ["ANSIBLE_GALAXY_TOKEN_PATH"] [("galaxy", "token_path")] [], [], Ignored("there is no galaxy client"), "File that holds the galaxy token.";
    "GALAXY_DISPLAY_PROGRESS", Bool, Nothing, ["ANSIBLE_GALAXY_DISPLAY_PROGRESS"] [("galaxy", "display_progress")] [], [], Ignored("there is no galaxy client"), "Show a progress wheel while downloading.";
    "GALAXY_CACHE_DIR", Path, Str("{{ANSIBLE_HOME}}/galaxy_cache"), ["ANSIBLE_GALAXY_CACHE_DIR"] [("galaxy", "cache_dir")] [], [], Ignored("there is no galaxy client"), "Directory of cached answers of galaxy servers.";
    "GALAXY_DISABLE_GPG_VERIFY", Bool, Bool(false), ["ANSIBLE_GALAXY_DISABLE_GPG_VERIFY"] [("galaxy", "disable_gpg_verify")] [], [], Ignored("there is no galaxy client"), "Do not verify signatures of collections.";
    "GALAXY_GPG_KEYRING", Path, Nothing, ["ANSIBLE_GALAXY_GPG_KEYRING"] [("galaxy", "gpg_keyring")] [], [], Ignored("there is no galaxy client"), "Keyring that signatures are verified with.";
    "GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES", List, Nothing, ["ANSIBLE_GALAXY_IGNORE_SIGNATURE_STATUS_CODES"] [("galaxy", "ignore_signature_status_codes")] [], ["EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG", "NO_PUBKEY", "MISSING_PASSPHRASE", "BAD_PASSPHRASE", "NODATA", "UNEXPECTED", "ERROR", "FAILURE", "BADARMOR", "KEYEXPIRED", "KEYREVOKED", "NO_SECKEY"], Ignored("there is no galaxy client"), "GPG status codes that are tolerated.";
    "GALAXY_REQUIRED_VALID_SIGNATURE_COUNT", Str, Str("1"), ["ANSIBLE_GALAXY_REQUIRED_VALID_SIGNATURE_COUNT"] [("galaxy", "required_valid_signature_count")] [], [], Ignored("there is no galaxy client"), "How many good signatures a collection needs.";
    "GALAXY_COLLECTION_IMPORT_POLL_INTERVAL", Float, Float(2.0), ["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_INTERVAL"] [] [], [], Ignored("there is no galaxy client"), "Seconds between polls of an import.";
    "GALAXY_COLLECTION_IMPORT_POLL_FACTOR", Float, Float(1.5), ["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_FACTOR"] [] [], [], Ignored("there is no galaxy client"), "Factor by which that time grows.";
    "HOST_KEY_CHECKING", Bool, Bool(true), ["ANSIBLE_HOST_KEY_CHECKING"] [("defaults", "host_key_checking")] [], [], Used, "Verify host keys.";
    "HOST_PATTERN_MISMATCH", Raw, Str("warning"), ["ANSIBLE_HOST_PATTERN_MISMATCH"] [("inventory", "host_pattern_mismatch")] [], ["error", "warning", "ignore"], Used, "What to do about a host pattern that matches nothing.";
    "INTERPRETER_PYTHON", Raw, Str("auto"), ["ANSIBLE_PYTHON_INTERPRETER"] [("defaults", "interpreter_python")] ["ansible_python_interpreter"], [], Used, "Python on the host, for modules that need one.";
    "INTERPRETER_PYTHON_FALLBACK", List, List(&["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"]), [] [] ["ansible_interpreter_python_fallback"], [], Used, "Interpreters to try, in order.";
    "TRANSFORM_INVALID_GROUP_CHARS", Str, Str("never"), ["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"] [("defaults", "force_valid_group_names")] [], ["always", "never", "ignore", "silently"], Used, "Whether characters that do not fit variable names are replaced in group names.";
    "INVALID_TASK_ATTRIBUTE_FAILED", Bool, Bool(true), ["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"] [("defaults", "invalid_task_attribute_failed")] [], [], Used, "Fail on an unknown task keyword; else warn.";
    "INVENTORY_ANY_UNPARSED_IS_FAILED", Bool, Bool(false), ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] [("inventory", "any_unparsed_is_failed")] [], [], Used, "Fail when any inventory source cannot be read.";
    "INVENTORY_ENABLED", List, List(&["host_list", "script", "auto", "yaml", "ini", "toml"]), ["ANSIBLE_INVENTORY_ENABLED"] [("inventory", "enable_plugins")] [], [], Used, "Inventory plugins, in the order in which they are tried.";
    "INVENTORY_EXPORT", Bool, Bool(false), ["ANSIBLE_INVENTORY_EXPORT"] [("inventory", "export")] [], [], Used, "`ansible-inventory --list` behaves as with --export.";
    "INVENTORY_IGNORE_EXTS", List, List(&[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry"]), ["ANSIBLE_INVENTORY_IGNORE"] [("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")] [], [], Used, "Extensions that are left out in inventory directories.";
    "INVENTORY_IGNORE_PATTERNS", List, List(&[]), ["ANSIBLE_INVENTORY_IGNORE_REGEX"] [("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")] [], [], Used, "Regular expressions of names that are left out in inventory directories.";
    "INVENTORY_UNPARSED_IS_FAILED", Bool, Bool(false), ["ANSIBLE_INVENTORY_UNPARSED_FAILED"] [("inventory", "unparsed_is_failed")] [], [], Used, "Fail when no inventory source can be read.";
    "MAX_FILE_SIZE_FOR_DIFF", Int, Int(104448), ["ANSIBLE_MAX_DIFF_SIZE"] [("defaults", "max_diff_size")] [], [], Used, "Bytes beyond which no diff is made.";
    "NETWORK_GROUP_MODULES", List, List(&["eos", "nxos", "ios", "iosxr", "junos", "enos", "ce", "vyos", "sros", "dellos9", "dellos10", "dellos6", "asa", "aruba", "aireos", "bigip", "ironware", "onyx", "netconf", "exos", "voss", "slxos"]), ["ANSIBLE_NETWORK_GROUP_MODULES"] [("defaults", "network_group_modules")] [], [], Ignored("network devices are not supported"), "Prefixes of network modules.";
    "INJECT_FACTS_AS_VARS", Bool, Bool(true), ["ANSIBLE_INJECT_FACT_VARS"] [("defaults", "inject_facts_as_vars")] [], [], Used, "Facts are variables of their own (`ansible_*`), not only keys of `ansible_facts`.";
    "MODULE_IGNORE_EXTS", List, List(&[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini"]), ["ANSIBLE_MODULE_IGNORE_EXTS"] [("defaults", "module_ignore_exts")] [], [], Used, "Extensions of files that are not modules.";
    "MODULE_STRICT_UTF8_RESPONSE", Bool, Bool(true), ["ANSIBLE_MODULE_STRICT_UTF8_RESPONSE"] [("defaults", "module_strict_utf8_response")] [], [], Used, "Fail when a module answers with text that is not UTF-8.";
    "OLD_PLUGIN_CACHE_CLEARING", Bool, Bool(false), ["ANSIBLE_OLD_PLUGIN_CACHE_CLEAR"] [("defaults", "old_plugin_cache_clear")] [], [], Ignored("concerns only ansible-core's own Python code"), "Clear ansible's plugin cache as older versions did.";
    "PAGER", Raw, Str("less"), ["ANSIBLE_PAGER", "PAGER"] [("defaults", "pager")] [], [], Used, "Program that shows long documentation.";
    "PARAMIKO_HOST_KEY_AUTO_ADD", Bool, Bool(false), ["ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"] [("paramiko_connection", "host_key_auto_add")] [], [], Ignored("there is no paramiko connection"), "Accept unknown host keys with paramiko.";
    "PARAMIKO_LOOK_FOR_KEYS", Bool, Bool(true), ["ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"] [("paramiko_connection", "look_for_keys")] [], [], Ignored("there is no paramiko connection"), "Let paramiko look for keys in ~/.ssh.";
    "PERSISTENT_CONTROL_PATH_DIR", Path, Str("{{ANSIBLE_HOME}}/pc"), ["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"] [("persistent_connection", "control_path_dir")] [], [], Ignored("network devices are not supported"), "Directory of sockets of persistent connections.";
    "PERSISTENT_CONNECT_TIMEOUT", Int, Int(30), ["ANSIBLE_PERSISTENT_CONNECT_TIMEOUT"] [("persistent_connection", "connect_timeout")] [], [], Ignored("network devices are not supported"), "Seconds until an idle persistent connection ends.";
    "PERSISTENT_CONNECT_RETRY_TIMEOUT", Int, Int(15), ["ANSIBLE_PERSISTENT_CONNECT_RETRY_TIMEOUT"] [("persistent_connection", "connect_retry_timeout")] [], [], Ignored("network devices are not supported"), "Seconds to wait for the socket of a persistent connection.";
    "PERSISTENT_COMMAND_TIMEOUT", Int, Int(30), ["ANSIBLE_PERSISTENT_COMMAND_TIMEOUT"] [("persistent_connection", "command_timeout")] [], [], Ignored("network devices are not supported"), "Seconds that a command on a persistent connection may take.";
    "PLAYBOOK_DIR", Path, Nothing, ["ANSIBLE_PLAYBOOK_DIR"] [("defaults", "playbook_dir")] [], [], Used, "Directory taken for the playbook's by tools that have no playbook.";
    "PLAYBOOK_VARS_ROOT", Raw, Str("top"), ["ANSIBLE_PLAYBOOK_VARS_ROOT"] [("defaults", "playbook_vars_root")] [], ["top", "bottom", "all"], Used, "Which playbook directories' group_vars and host_vars are read: the `top` one, the `bottom` one or `all`.";
    "PLUGIN_FILTERS_CFG", Path, Nothing, [] [("defaults", "plugin_filters_cfg")] [], [], Used, "File that lists rejected modules.";
    "PYTHON_MODULE_RLIMIT_NOFILE", Raw, Int(0), ["ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE"] [("defaults", "python_module_rlimit_nofile")] ["ansible_python_module_rlimit_nofile"], [], Ignored("concerns only ansible-core's own Python code"), "Limit of open files for Python modules.";
    "RETRY_FILES_ENABLED", Bool, Bool(false), ["ANSIBLE_RETRY_FILES_ENABLED"] [("defaults", "retry_files_enabled")] [], [], Used, "Write a retry file with the hosts that failed.";
    "RETRY_FILES_SAVE_PATH", Path, Nothing, ["ANSIBLE_RETRY_FILES_SAVE_PATH"] [("defaults", "retry_files_save_path")] [], [], Used, "Directory for retry files.";
    "RUN_VARS_PLUGINS", Str, Str("demand"), ["ANSIBLE_RUN_VARS_PLUGINS"] [("defaults", "run_vars_plugins")] [], ["demand", "start"], Used, "Whether group_vars and host_vars are read on `demand` or at the `start`.";
    "SHOW_CUSTOM_STATS", Bool, Bool(false), ["ANSIBLE_SHOW_CUSTOM_STATS"] [("defaults", "show_custom_stats")] [], [], Used, "Show what set_stats collected at the end.";
    "SSH_AGENT", Str, Str("none"), ["ANSIBLE_SSH_AGENT"] [("connection", "ssh_agent")] [], [], Used, "Whether to start an agent, use a running one, or none.";
    "SSH_AGENT_EXECUTABLE", Str, Str("ssh-agent"), ["ANSIBLE_SSH_AGENT_EXECUTABLE"] [("connection", "ssh_agent_executable")] [], [], Used, "Program of the agent.";
    "SSH_AGENT_KEY_LIFETIME", Int, Nothing, ["ANSIBLE_SSH_AGENT_KEY_LIFETIME"] [("connection", "ssh_agent_key_lifetime")] [], [], Used, "Seconds that keys stay in the agent.";
    "STRING_TYPE_FILTERS", List, List(&["string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "ppretty", "json"]), ["ANSIBLE_STRING_TYPE_FILTERS"] [("jinja2", "dont_type_filters")] [], [], Ignored("without effect in ansible-core 2.19 as well"), "Filters whose result stayed text before native types.";
    "SYSTEM_WARNINGS", Bool, Bool(true), ["ANSIBLE_SYSTEM_WARNINGS"] [("defaults", "system_warnings")] [], [], Used, "Show warnings about problems of the controller.";
    "TAGS_RUN", List, List(&[]), ["ANSIBLE_RUN_TAGS"] [("tags", "run")] [], [], Used, "Tags to run where --tags is not given.";
    "TAGS_SKIP", List, List(&[]), ["ANSIBLE_SKIP_TAGS"] [("tags", "skip")] [], [], Used, "Tags to skip where --skip-tags is not given.";
    "TARGET_LOG_INFO", Raw, Nothing, ["ANSIBLE_TARGET_LOG_INFO"] [("defaults", "target_log_info")] ["ansible_target_log_info"], [], Used, "Text added to the host's log entries.";
    "TASK_TIMEOUT", Int, Int(0), ["ANSIBLE_TASK_TIMEOUT"] [("defaults", "task_timeout")] [], [], Used, "Default of the keyword `timeout`, in seconds; 0 means none.";
    "WORKER_SHUTDOWN_POLL_COUNT", Int, Int(0), ["ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"] [] [], [], Ignored("there are no worker processes to poll"), "How often ansible waits for its workers at the end.";
    "WORKER_SHUTDOWN_POLL_DELAY", Float, Float(0.1), ["ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY"] [] [], [], Ignored("there are no worker processes to poll"), "Seconds between those waits.";
    "USE_PERSISTENT_CONNECTIONS", Bool, Bool(false), ["ANSIBLE_USE_PERSISTENT_CONNECTIONS"] [("defaults", "use_persistent_connections")] [], [], Ignored("network devices are not supported"), "Use persistent connections for network devices.";
    "VARIABLE_PLUGINS_ENABLED", List, List(&["host_group_vars"]), ["ANSIBLE_VARS_ENABLED"] [("defaults", "vars_plugins_enabled")] [], [], Used, "Vars plugins that are used.";
    "VARIABLE_PRECEDENCE", List, List(&["all_inventory", "groups_inventory", "all_plugins_inventory", "all_plugins_play", "groups_plugins_inventory", "groups_plugins_play"]), ["ANSIBLE_PRECEDENCE"] [("defaults", "precedence")] [], [], Used, "Order in which groups' variables override one another.";
    "WIN_ASYNC_STARTUP_TIMEOUT", Int, Int(5), ["ANSIBLE_WIN_ASYNC_STARTUP_TIMEOUT"] [("defaults", "win_async_startup_timeout")] ["ansible_win_async_startup_timeout"], [], Ignored("Windows hosts are not supported"), "Seconds that an async task on Windows may take to start.";
    "YAML_FILENAME_EXTENSIONS", List, List(&[".yml", ".yaml", ".json"]), ["ANSIBLE_YAML_FILENAME_EXT"] [("defaults", "yaml_valid_extensions")] [], [], Used, "Extensions of variable files.";
    "NETCONF_SSH_CONFIG", Raw, Nothing, ["ANSIBLE_NETCONF_SSH_CONFIG"] [("netconf_connection", "ssh_config")] [], [], Ignored("network devices are not supported"), "ssh configuration of netconf connections.";
    "VALIDATE_ACTION_GROUP_METADATA", Bool, Bool(true), ["ANSIBLE_VALIDATE_ACTION_GROUP_METADATA"] [("defaults", "validate_action_group_metadata")] [], [], Used, "Check the metadata of action groups.";
    "VERBOSE_TO_STDERR", Bool, Bool(false), ["ANSIBLE_VERBOSE_TO_STDERR"] [("defaults", "verbose_to_stderr")] [], [], Used, "Write verbose messages to stderr.";
    "_ANSIBALLZ_COVERAGE_CONFIG", Str, Nothing, ["_ANSIBLE_ANSIBALLZ_COVERAGE_CONFIG"] [] ["_ansible_ansiballz_coverage_config"], [], Ignored("concerns only ansible-core's own Python code"), "How ansible-test measures modules.";
    "_ANSIBALLZ_DEBUGPY_CONFIG", Str, Nothing, ["_ANSIBLE_ANSIBALLZ_DEBUGPY_CONFIG"] [] ["_ansible_ansiballz_debugpy_config"], [], Ignored("concerns only ansible-core's own Python code"), "How debugpy is attached to modules.";
    "_ANSIBALLZ_PYDEVD_CONFIG", Str, Nothing, ["_ANSIBLE_ANSIBALLZ_PYDEVD_CONFIG"] [] ["_ansible_ansiballz_pydevd_config"], [], Ignored("concerns only ansible-core's own Python code"), "How pydevd is attached to modules.";
    "_ANSIBLE_CONNECTION_PATH", Path, Nothing, ["_ANSIBLE_CONNECTION_PATH"] [] [], [], Ignored("concerns only ansible-core's own Python code"), "Path of the program behind persistent connections.";
    "_CALLBACK_DISPATCH_ERROR_BEHAVIOR", Str, Str("warning"), ["_ANSIBLE_CALLBACK_DISPATCH_ERROR_BEHAVIOR"] [] [], ["error", "warning", "ignore"], Ignored("concerns only ansible-core's own Python code"), "What an error in a callback does.";
    "_MODULE_METADATA", Bool, Bool(false), ["_ANSIBLE_MODULE_METADATA"] [] [], [], Ignored("concerns only ansible-core's own Python code"), "Whether modules choose how they serialize.";
    "_TEMPLAR_SANDBOX_MODE", Str, Str("default"), ["_ANSIBLE_TEMPLAR_SANDBOX_MODE"] [] [], ["default", "allow_unsafe_attributes"], Ignored("concerns only ansible-core's own Python code"), "Which attributes of Python objects templates may reach.";
    "_TEMPLAR_UNKNOWN_TYPE_CONVERSION", Str, Str("warning"), ["_ANSIBLE_TEMPLAR_UNKNOWN_TYPE_CONVERSION"] [] [], ["error", "warning", "ignore"], Ignored("concerns only ansible-core's own Python code"), "What is done where a template gives a Python type that variables cannot have.";
    "_TEMPLAR_UNKNOWN_TYPE_ENCOUNTERED", Str, Str("ignore"), ["_ANSIBLE_TEMPLAR_UNKNOWN_TYPE_ENCOUNTERED"] [] [], ["error", "warning", "ignore"], Ignored("concerns only ansible-core's own Python code"), "What is done where such a type stands in a template.";
    "_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR", Str, Str("ignore"), ["_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR"] [] [], ["error", "warning", "ignore"], Used, "What is done with text from outside that looks like a template; it is never rendered.";
    "ssh.pipelining", Raw, Nothing, ["ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"] [("defaults", "pipelining"), ("connection", "pipelining"), ("ssh_connection", "pipelining")] ["ansible_pipelining", "ansible_ssh_pipelining"], [], Ignored("modules and files always travel over the helper's channel"), "Run modules over the connection without copying a file first.";
    "ssh.host_key_checking", Bool, Bool(true), ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"] [("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")] ["ansible_host_key_checking", "ansible_ssh_host_key_checking"], [], Used, "Verify host keys of ssh connections.";
    "ssh.password", Str, Nothing, [] [] ["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"], [], Used, "Password for login.";
    "ssh.password_mechanism", Str, Str("ssh_askpass"), ["ANSIBLE_SSH_PASSWORD_MECHANISM"] [("ssh_connection", "password_mechanism")] ["ansible_ssh_password_mechanism"], ["ssh_askpass", "sshpass", "disable"], Ignored("the OpenSSH programs are not used"), "How ansible hands the password to the OpenSSH client.";
    "ssh.sshpass_prompt", Str, Str(""), ["ANSIBLE_SSHPASS_PROMPT"] [("ssh_connection", "sshpass_prompt")] ["ansible_sshpass_prompt"], [], Ignored("the OpenSSH programs are not used"), "Prompt that sshpass looks for.";
    "ssh.ssh_args", Str, Str("-C -o ControlMaster=auto -o ControlPersist=60s"), ["ANSIBLE_SSH_ARGS"] [("ssh_connection", "ssh_args")] ["ansible_ssh_args"], [], Used, "Arguments of the OpenSSH client; options that matter (ports, jumps, host keys, timeouts) are understood.";
    "ssh.ssh_common_args", Str, Str(""), ["ANSIBLE_SSH_COMMON_ARGS"] [("ssh_connection", "ssh_common_args")] ["ansible_ssh_common_args"], [], Used, "Arguments added to those of ssh, sftp and scp.";
    "ssh.ssh_executable", Str, Str("ssh"), ["ANSIBLE_SSH_EXECUTABLE"] [("ssh_connection", "ssh_executable")] ["ansible_ssh_executable"], [], Ignored("the OpenSSH programs are not used"), "The OpenSSH client.";
    "ssh.sftp_executable", Str, Str("sftp"), ["ANSIBLE_SFTP_EXECUTABLE"] [("ssh_connection", "sftp_executable")] ["ansible_sftp_executable"], [], Ignored("the OpenSSH programs are not used"), "The sftp program.";
    "ssh.scp_executable", Str, Str("scp"), ["ANSIBLE_SCP_EXECUTABLE"] [("ssh_connection", "scp_executable")] ["ansible_scp_executable"], [], Ignored("the OpenSSH programs are not used"), "The scp program.";
    "ssh.scp_extra_args", Str, Str(""), ["ANSIBLE_SCP_EXTRA_ARGS"] [("ssh_connection", "scp_extra_args")] ["ansible_scp_extra_args"], [], Ignored("the OpenSSH programs are not used"), "Arguments for scp only.";
    "ssh.sftp_extra_args", Str, Str(""), ["ANSIBLE_SFTP_EXTRA_ARGS"] [("ssh_connection", "sftp_extra_args")] ["ansible_sftp_extra_args"], [], Ignored("the OpenSSH programs are not used"), "Arguments for sftp only.";
    "ssh.ssh_extra_args", Str, Str(""), ["ANSIBLE_SSH_EXTRA_ARGS"] [("ssh_connection", "ssh_extra_args")] ["ansible_ssh_extra_args"], [], Used, "Arguments for ssh only.";
    "ssh.reconnection_retries", Int, Int(0), ["ANSIBLE_SSH_RETRIES"] [("connection", "retries"), ("ssh_connection", "retries")] ["ansible_ssh_retries"], [], Used, "How often a connection that cannot be opened is tried again.";
    "ssh.port", Int, Nothing, ["ANSIBLE_REMOTE_PORT"] [("defaults", "remote_port")] ["ansible_port", "ansible_ssh_port"], [], Used, "Port of ssh connections.";
    "ssh.remote_user", Str, Nothing, ["ANSIBLE_REMOTE_USER"] [("defaults", "remote_user")] ["ansible_user", "ansible_ssh_user"], [], Used, "User that logs in.";
    "ssh.private_key_file", Str, Nothing, ["ANSIBLE_PRIVATE_KEY_FILE"] [("defaults", "private_key_file")] ["ansible_private_key_file", "ansible_ssh_private_key_file"], [], Used, "Private key of ssh connections.";
    "ssh.private_key", Str, Nothing, ["ANSIBLE_PRIVATE_KEY"] [] ["ansible_private_key", "ansible_ssh_private_key"], [], Used, "Text of the private key.";
    "ssh.private_key_passphrase", Str, Nothing, ["ANSIBLE_PRIVATE_KEY_PASSPHRASE"] [] ["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"], [], Used, "Passphrase of the private key.";
    "ssh.control_path", Str, Nothing, ["ANSIBLE_SSH_CONTROL_PATH"] [("ssh_connection", "control_path")] ["ansible_control_path"], [], Ignored("the OpenSSH programs are not used"), "Socket of a shared OpenSSH connection.";
    "ssh.control_path_dir", Str, Str("~/.ansible/cp"), ["ANSIBLE_SSH_CONTROL_PATH_DIR"] [("ssh_connection", "control_path_dir")] ["ansible_control_path_dir"], [], Ignored("the OpenSSH programs are not used"), "Directory of such sockets.";
    "ssh.sftp_batch_mode", Bool, Bool(true), ["ANSIBLE_SFTP_BATCH_MODE"] [("ssh_connection", "sftp_batch_mode")] ["ansible_sftp_batch_mode"], [], Ignored("the OpenSSH programs are not used"), "Run sftp in batch mode.";
    "ssh.ssh_transfer_method", Str, Str("smart"), ["ANSIBLE_SSH_TRANSFER_METHOD"] [("ssh_connection", "transfer_method")] ["ansible_ssh_transfer_method"], ["sftp", "scp", "piped", "smart"], Ignored("modules and files always travel over the helper's channel"), "How files travel: sftp, scp or piped.";
    "ssh.scp_if_ssh", Raw, Nothing, ["ANSIBLE_SCP_IF_SSH"] [("ssh_connection", "scp_if_ssh")] [], [], Ignored("modules and files always travel over the helper's channel"), "Older name of the transfer method; removed in 2.17.";
    "ssh.use_tty", Bool, Bool(true), ["ANSIBLE_SSH_USETTY"] [("ssh_connection", "usetty")] ["ansible_ssh_use_tty"], [], Used, "Ask for a terminal where one is needed.";
    "ssh.timeout", Int, Int(10), ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"] [("defaults", "timeout"), ("ssh_connection", "timeout")] ["ansible_ssh_timeout"], [], Used, "Seconds that an ssh connection may take to open.";
    "ssh.pkcs11_provider", Str, Str(""), ["ANSIBLE_PKCS11_PROVIDER"] [("ssh_connection", "pkcs11_provider")] ["ansible_ssh_pkcs11_provider"], [], Used, "PKCS#11 library with the key.";
    "ssh.verbosity", Int, Int(0), ["ANSIBLE_SSH_VERBOSITY"] [("ssh_connection", "verbosity")] ["ansible_ssh_verbosity"], [], Used, "Verbosity of the ssh client.";
    "local.become_success_timeout", Int, Int(10), [] [] ["ansible_local_become_success_timeout"], [], Used, "Seconds that escalation on the controller may take.";
    "local.become_strip_preamble", Bool, Bool(true), [] [] ["ansible_local_become_strip_preamble"], [], Used, "Drop what the escalation program prints before the module's output.";
    "default.result_format", Str, Str("json"), ["ANSIBLE_CALLBACK_RESULT_FORMAT"] [("defaults", "callback_result_format")] [], ["json", "yaml"], Used, "How results are shown: json or yaml.";
    "default.pretty_results", Bool, Nothing, ["ANSIBLE_CALLBACK_FORMAT_PRETTY"] [("defaults", "callback_format_pretty")] [], [], Used, "Show results on several lines; unset means with YAML or from -v on.";
    "default.display_ok_hosts", Bool, Bool(true), ["ANSIBLE_DISPLAY_OK_HOSTS"] [("defaults", "display_ok_hosts")] [], [], Used, "Show tasks and hosts that changed nothing.";
    "default.display_failed_stderr", Bool, Bool(false), ["ANSIBLE_DISPLAY_FAILED_STDERR"] [("defaults", "display_failed_stderr")] [], [], Used, "Write failures to stderr.";
    "default.show_per_host_start", Bool, Bool(false), ["ANSIBLE_SHOW_PER_HOST_START"] [("defaults", "show_per_host_start")] [], [], Used, "Say when a task starts on each host.";
    "default.check_mode_markers", Bool, Bool(false), ["ANSIBLE_CHECK_MODE_MARKERS"] [("defaults", "check_mode_markers")] [], [], Used, "Mark tasks that run in check mode.";
    "default.show_task_path_on_failure", Bool, Bool(false), ["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"] [("defaults", "show_task_path_on_failure")] [], [], Used, "Show a failed task's file and line.";
    "junit.output_dir", Raw, Str("~/.ansible.log"), ["JUNIT_OUTPUT_DIR"] [] [], [], Used, "Directory for JUnit files.";
    "junit.task_class", Bool, Bool(false), ["JUNIT_TASK_CLASS"] [] [], [], Used, "Use the task's file as class of each test.";
    "junit.task_relative_path", Raw, Str("none"), ["JUNIT_TASK_RELATIVE_PATH"] [] [], [], Used, "Write task paths relative to this directory.";
    "junit.replace_out_of_tree_path", Raw, Str("none"), ["JUNIT_REPLACE_OUT_OF_TREE_PATH"] [] [], [], Used, "What stands in place of paths outside that directory.";
    "junit.fail_on_change", Bool, Bool(false), ["JUNIT_FAIL_ON_CHANGE"] [] [], [], Used, "A changed task is a failed test.";
    "junit.fail_on_ignore", Bool, Bool(false), ["JUNIT_FAIL_ON_IGNORE"] [] [], [], Used, "An ignored failure is a failed test.";
    "junit.include_setup_tasks_in_report", Bool, Bool(true), ["JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"] [] [], [], Used, "Report fact gathering too.";
    "junit.hide_task_arguments", Bool, Bool(false), ["JUNIT_HIDE_TASK_ARGUMENTS"] [] [], [], Used, "Leave task arguments out.";
    "junit.test_case_prefix", Raw, Str("<empty>"), ["JUNIT_TEST_CASE_PREFIX"] [] [], [], Used, "Only tasks whose names have this prefix are tests.";
    "tree.directory", Path, Str("~/.ansible/tree"), ["ANSIBLE_CALLBACK_TREE_DIR"] [("callback_tree", "directory")] [], [], Used, "Directory for one result file per host.";
    "sudo.become_user", Raw, Str("root"), ["ANSIBLE_BECOME_USER", "ANSIBLE_SUDO_USER"] [("privilege_escalation", "become_user"), ("sudo_become_plugin", "user")] ["ansible_become_user", "ansible_sudo_user"], [], Used, "User that sudo changes to.";
    "sudo.become_exe", Raw, Str("sudo"), ["ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE"] [("privilege_escalation", "become_exe"), ("sudo_become_plugin", "executable")] ["ansible_become_exe", "ansible_sudo_exe"], [], Used, "The sudo program.";
    "sudo.become_flags", Raw, Str("-H -S -n"), ["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS"] [("privilege_escalation", "become_flags"), ("sudo_become_plugin", "flags")] ["ansible_become_flags", "ansible_sudo_flags"], [], Used, "Flags of sudo.";
    "sudo.become_pass", Raw, Nothing, ["ANSIBLE_BECOME_PASS", "ANSIBLE_SUDO_PASS"] [("sudo_become_plugin", "password")] ["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"], [], Used, "Password for sudo.";
    "sudo.sudo_chdir", Str, Nothing, ["ANSIBLE_SUDO_CHDIR"] [("sudo_become_plugin", "chdir")] ["ansible_sudo_chdir"], [], Used, "Directory that sudo changes to.";
    "su.become_user", Raw, Str("root"), ["ANSIBLE_BECOME_USER", "ANSIBLE_SU_USER"] [("privilege_escalation", "become_user"), ("su_become_plugin", "user")] ["ansible_become_user", "ansible_su_user"], [], Used, "User that su changes to.";
    "su.become_exe", Raw, Str("su"), ["ANSIBLE_BECOME_EXE", "ANSIBLE_SU_EXE"] [("privilege_escalation", "become_exe"), ("su_become_plugin", "executable")] ["ansible_become_exe", "ansible_su_exe"], [], Used, "The su program.";
    "su.become_flags", Raw, Str(""), ["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SU_FLAGS"] [("privilege_escalation", "become_flags"), ("su_become_plugin", "flags")] ["ansible_become_flags", "ansible_su_flags"], [], Used, "Flags of su.";
    "su.become_pass", Raw, Nothing, ["ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS"] [("su_become_plugin", "password")] ["ansible_become_password", "ansible_become_pass", "ansible_su_pass"], [], Used, "Password for su.";
    "su.prompt_l10n", List, List(&[]), ["ANSIBLE_SU_PROMPT_L10N"] [("su_become_plugin", "localized_prompts")] ["ansible_su_prompt_l10n"], [], Used, "Password prompts of su in other languages.";
    "sh.remote_tmp", Raw, Str("~/.ansible/tmp"), ["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"] [("defaults", "remote_tmp")] ["ansible_remote_tmp"], [], Used, "Directory for temporary files on the host.";
    "sh.common_remote_group", Raw, Nothing, ["ANSIBLE_COMMON_REMOTE_GROUP"] [("defaults", "common_remote_group")] ["ansible_common_remote_group"], [], Used, "Group shared by the login user and the become user, for temporary files.";
    "sh.system_tmpdirs", List, List(&["/var/tmp", "/tmp"]), ["ANSIBLE_SYSTEM_TMPDIRS"] [("defaults", "system_tmpdirs")] ["ansible_system_tmpdirs"], [], Used, "Directories for temporary files that another user must read.";
    "sh.async_dir", Raw, Str("~/.ansible_async"), ["ANSIBLE_ASYNC_DIR"] [("defaults", "async_dir")] ["ansible_async_dir"], [], Used, "Directory for the state of async tasks on the host.";
    "sh.admin_users", List, List(&["root", "toor"]), ["ANSIBLE_ADMIN_USERS"] [("defaults", "admin_users")] ["ansible_admin_users"], [], Used, "Users that may change the owner of files.";
    "sh.world_readable_temp", Bool, Bool(false), ["ANSIBLE_SHELL_ALLOW_WORLD_READABLE_TEMP"] [("defaults", "allow_world_readable_tmpfiles")] ["ansible_shell_allow_world_readable_temp"], [], Ignored("temporary files are never readable by everybody"), "Allow temporary files that everybody can read.";
    "host_group_vars.stage", Raw, Nothing, ["ANSIBLE_VARS_PLUGIN_STAGE"] [("vars_host_group_vars", "stage")] [], [], Used, "When group_vars and host_vars are read.";
    "inventory_yaml.yaml_extensions", List, List(&[".yaml", ".yml", ".json"]), ["ANSIBLE_YAML_FILENAME_EXT", "ANSIBLE_INVENTORY_PLUGIN_EXTS"] [("defaults", "yaml_valid_extensions"), ("inventory_plugin_yaml", "yaml_valid_extensions")] [], [], Used, "Extensions of YAML inventories.";
    "inventory_script.always_show_stderr", Bool, Bool(true), ["ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR"] [("inventory_plugin_script", "always_show_stderr")] [], [], Used, "Show what inventory scripts write to stderr.";
    "constructed.use_extra_vars", Bool, Bool(false), ["ANSIBLE_INVENTORY_USE_EXTRA_VARS"] [("inventory_plugins", "use_extra_vars")] [], [], Used, "Let constructed inventories see extra variables.";
}

/// Entries of `ansible.cfg` that older versions read, and what became of them.
pub static FORMER: &[(&str, &str, &str)] = &[
    ("defaults", "callback_whitelist", "callbacks_enabled"),
    ("defaults", "collections_paths", "collections_path"),
    ("defaults", "sudo", "become"),
    ("defaults", "sudo_user", "become_user"),
    ("defaults", "command_warnings", "nothing"),
    ("defaults", "merge_multiple_cli_tags", "nothing"),
    ("ssh_connection", "scp_if_ssh", "transfer_method"),
    ("paramiko_connection", "record_host_keys", "nothing"),
];
