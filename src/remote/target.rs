//! Where a task runs and as whom. The only place that reads the `ansible_*` connection variables; it builds an immutable
//! [`Target`] from them.

use super::escalate::{Escalation, Limit, Method};
use super::transport::ssh_args;
use super::{Secret, shell_split};
use crate::diag::{Code, Diagnostic};
use crate::names::HostName;
use crate::value::Value;
use std::sync::Arc;
use std::time::Duration;

/// Looks up one variable, rendered. `None` = not defined.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Result<Option<Value>, Diagnostic>;

/// What holds where no variable says otherwise: configuration, overlaid with the command line, overlaid with the keywords
/// of play, block and task. Variables win over all of them, as in Ansible.
#[derive(Clone, Debug)]
pub struct ConnectionDefaults {
    pub connection: String,
    pub remote_user: Option<String>,
    pub remote_port: Option<u16>,
    pub private_key_file: Option<String>,
    /// `--ask-pass`, `--connection-password-file`.
    pub password: Option<Secret>,
    /// Limit for connecting and for the become prompt.
    pub timeout: Duration,
    pub host_key_checking: bool,
    pub ssh_args: String,
    pub ssh_common_args: String,
    pub ssh_extra_args: String,
    /// How often connecting is tried again.
    pub ssh_retries: u32,
    pub escalate: bool,
    pub become_method: String,
    pub become_user: Option<String>,
    /// `--ask-become-pass`, `--become-password-file`.
    pub become_password: Option<Secret>,
    pub become_exe: Option<String>,
    pub become_flags: Option<String>,
    /// Prompts of su.
    pub su_prompts: Vec<String>,
    /// Limit for becoming another user on this machine.
    pub local_become_limit: Duration,
    /// Escalate even where the user who logs in is already the wanted one.
    pub become_same_user: bool,
    /// Who runs this program, for hosts that are this machine.
    pub local_user: Option<String>,
    /// The shell that runs commands on the host.
    pub shell_executable: String,
    /// The directory tried first for the helper, when it was set.
    pub remote_tmp: Option<String>,
}

impl Default for ConnectionDefaults {
    fn default() -> Self {
        ConnectionDefaults {
            connection: "ssh".to_owned(),
            remote_user: None,
            remote_port: None,
            private_key_file: None,
            password: None,
            timeout: Duration::from_secs(10),
            host_key_checking: true,
            ssh_args: String::new(),
            ssh_common_args: String::new(),
            ssh_extra_args: String::new(),
            ssh_retries: 0,
            escalate: false,
            become_method: "sudo".to_owned(),
            become_user: None,
            become_password: None,
            become_exe: None,
            become_flags: None,
            su_prompts: vec![],
            local_become_limit: Duration::from_secs(10),
            become_same_user: false,
            local_user: None,
            shell_executable: "/bin/sh".to_owned(),
            remote_tmp: None,
        }
    }
}

/// How a host is reached. Equal settings share a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// Processes of this machine.
    Local,
    Ssh(SshSettings),
    /// A container of this machine, through the engine's command line.
    Container(ContainerSettings),
}

impl Connection {
    /// What is said before it is opened, in Ansible's words.
    pub(super) fn greeting(&self) -> String {
        let (kind, user) = match self {
            Connection::Local if rustix::process::geteuid().is_root() => ("LOCAL", Some("root".to_owned())),
            Connection::Local => ("LOCAL", std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()),
            Connection::Ssh(ssh) => {
                let option =
                    |name: &str| ssh.options.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
                ("SSH", option("user"))
            }
            Connection::Container(container) => ("CONTAINER", container.user.clone()),
        };
        format!("ESTABLISH {kind} CONNECTION FOR USER: {}", user.as_deref().unwrap_or("None"))
    }

    /// The user who logs in, where settings name one; not what `~/.ssh/config` or a container's image says.
    fn user<'a>(&'a self, defaults: &'a ConnectionDefaults) -> Option<&'a str> {
        match self {
            Connection::Local => defaults.local_user.as_deref(),
            Connection::Ssh(ssh) => ssh.options.iter().find(|(name, _)| name == "user").map(|(_, user)| user.as_str()),
            Connection::Container(container) => container.user.as_deref(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshSettings {
    /// Name or address, as the user wrote it; `~/.ssh/config` may turn it into another.
    pub address: String,
    /// Options in the order of ssh's command line: the first of a kind wins, and all win over `~/.ssh/config`.
    pub options: Vec<(String, String)>,
    /// `-F`: read this instead of the user's and the system's configuration.
    pub config_file: Option<String>,
    pub password: Option<Secret>,
    /// The text of a private key (`ansible_ssh_private_key`).
    pub private_key: Option<Secret>,
    /// Opens encrypted private keys.
    pub passphrase: Option<Secret>,
    /// Limit for connecting.
    pub timeout: Duration,
    pub retries: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerSettings {
    /// `docker` or `podman`.
    pub program: String,
    pub container: String,
    pub user: Option<String>,
    /// Options between the program and `exec`.
    pub extra_args: Vec<String>,
}

/// A host, how it is reached, and as whom the task runs there.
#[derive(Clone, Debug)]
pub struct Target {
    pub host: HostName,
    pub connection: Arc<Connection>,
    pub escalation: Option<Arc<Escalation>>,
    pub shell_executable: Arc<str>,
    pub remote_tmp: Option<Arc<str>>,
    pub become_limit: Limit,
}

/// Every variable that [`Target::new`] reads.
pub const VARIABLES: &[&str] = &[
    "ansible_become",
    "ansible_become_exe",
    "ansible_become_flags",
    "ansible_become_method",
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_become_user",
    "ansible_connection",
    "ansible_docker_extra_args",
    "ansible_docker_user",
    "ansible_host",
    "ansible_host_key_checking",
    "ansible_local_become_success_timeout",
    "ansible_paramiko_host_key_checking",
    "ansible_paramiko_pass",
    "ansible_password",
    "ansible_podman_extra_args",
    "ansible_port",
    "ansible_private_key",
    "ansible_private_key_file",
    "ansible_private_key_passphrase",
    "ansible_remote_tmp",
    "ansible_shell_executable",
    "ansible_shell_type",
    "ansible_ssh_args",
    "ansible_ssh_common_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_host",
    "ansible_ssh_host_key_checking",
    "ansible_ssh_pass",
    "ansible_ssh_password",
    "ansible_ssh_port",
    "ansible_ssh_private_key",
    "ansible_ssh_private_key_file",
    "ansible_ssh_private_key_passphrase",
    "ansible_ssh_retries",
    "ansible_ssh_timeout",
    "ansible_ssh_user",
    "ansible_su_exe",
    "ansible_su_flags",
    "ansible_su_pass",
    "ansible_su_prompt_l10n",
    "ansible_su_user",
    "ansible_sudo_chdir",
    "ansible_sudo_exe",
    "ansible_sudo_flags",
    "ansible_sudo_pass",
    "ansible_sudo_user",
    "ansible_timeout",
    "ansible_user",
];

impl Target {
    /// Reads the connection variables of one task and host.
    ///
    /// # Errors
    /// A variable with a value that cannot be used, a connection or become method that is not supported, or whatever
    /// `vars` fails with.
    pub fn new(host: &HostName, vars: Lookup<'_>, defaults: &ConnectionDefaults) -> Result<Self, Diagnostic> {
        let read = Reader { host, vars };
        let timeout = read.seconds(&["ansible_ssh_timeout", "ansible_timeout"])?.unwrap_or(defaults.timeout);
        let connection = read.connection(defaults, timeout)?;
        let escalation = read.escalation(defaults)?.filter(|e| {
            // As Ansible: whoever logs in as the wanted user needs neither sudo nor su.
            defaults.become_same_user || connection.user(defaults) != Some(e.user.as_str())
        });
        if let Some((shell, value)) = read.text(&["ansible_shell_type"])?
            && matches!(shell.as_str(), "powershell" | "cmd")
        {
            return Err(read.unsupported("ansible_shell_type", &value, "Windows hosts are not supported"));
        }
        let local_limit =
            read.seconds(&["ansible_local_become_success_timeout"])?.unwrap_or(defaults.local_become_limit);
        let become_limit = match connection {
            Connection::Local => Limit { time: local_limit, local: true },
            // As long as the reference waits.
            _ => Limit::of(timeout + Duration::from_secs(2)),
        };
        Ok(Target {
            host: host.clone(),
            connection: Arc::new(connection),
            escalation: escalation.map(Arc::new),
            shell_executable: read
                .string(&["ansible_shell_executable"])?
                .unwrap_or_else(|| defaults.shell_executable.clone())
                .into(),
            remote_tmp: read.string(&["ansible_remote_tmp"])?.or_else(|| defaults.remote_tmp.clone()).map(Into::into),
            become_limit,
        })
    }

    /// This machine, as the user who runs the program.
    pub fn local(host: &HostName) -> Self {
        Target {
            host: host.clone(),
            connection: Arc::new(Connection::Local),
            escalation: None,
            shell_executable: "/bin/sh".into(),
            remote_tmp: None,
            become_limit: Limit { time: Duration::from_secs(10), local: true },
        }
    }

    pub fn is_local(&self) -> bool {
        *self.connection == Connection::Local
    }
}

struct Reader<'a> {
    host: &'a HostName,
    vars: Lookup<'a>,
}

impl Reader<'_> {
    fn connection(&self, defaults: &ConnectionDefaults, timeout: Duration) -> Result<Connection, Diagnostic> {
        let (kind, value) = match self.text(&["ansible_connection"])? {
            Some((kind, value)) => (kind, value),
            None => (defaults.connection.clone(), Value::Null),
        };
        match kind.strip_prefix("ansible.builtin.").unwrap_or(&kind) {
            "local" => Ok(Connection::Local),
            "ssh" | "smart" | "paramiko_ssh" | "paramiko" => self.ssh(defaults, timeout).map(Connection::Ssh),
            "docker" | "community.docker.docker" => self.container("docker", defaults).map(Connection::Container),
            "podman" | "containers.podman.podman" => self.container("podman", defaults).map(Connection::Container),
            "winrm" | "psrp" => Err(self.unsupported("ansible_connection", &value, "Windows hosts are not supported")),
            other => Err(self.unsupported(
                "ansible_connection",
                &value,
                &format!("the connection `{other}` is not supported; ssh, local, docker and podman are"),
            )),
        }
    }

    fn ssh(&self, defaults: &ConnectionDefaults, timeout: Duration) -> Result<SshSettings, Diagnostic> {
        let address = self.address(&["ansible_host", "ansible_ssh_host"])?;
        let mut settings = SshSettings {
            address,
            options: vec![],
            config_file: None,
            password: self.secret(&[
                "ansible_password",
                "ansible_ssh_pass",
                "ansible_ssh_password",
                "ansible_paramiko_pass",
            ])?,
            private_key: self.secret(&["ansible_private_key", "ansible_ssh_private_key"])?,
            passphrase: self.secret(&["ansible_private_key_passphrase", "ansible_ssh_private_key_passphrase"])?,
            timeout,
            retries: match self.text(&["ansible_ssh_retries"])? {
                Some((text, value)) => {
                    text.parse().map_err(|_| self.invalid("ansible_ssh_retries", &value, "is not a number"))?
                }
                None => defaults.ssh_retries,
            },
        };
        settings.password = settings.password.or_else(|| defaults.password.clone());
        self.ssh_words(&mut settings, "ansible_ssh_args", &defaults.ssh_args)?;
        let checking =
            ["ansible_host_key_checking", "ansible_ssh_host_key_checking", "ansible_paramiko_host_key_checking"];
        if !self.boolean(&checking)?.unwrap_or(defaults.host_key_checking) {
            settings.options.push(("stricthostkeychecking".into(), "no".into()));
        }
        if let Some(port) = self.port()?.or(defaults.remote_port) {
            settings.options.push(("port".into(), port.to_string()));
        }
        if settings.private_key.is_some() {
            settings.options.push(("identitiesonly".into(), "yes".into()));
        } else if let Some(key) = self
            .string(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?
            .or_else(|| defaults.private_key_file.clone())
        {
            settings.options.push(("identityfile".into(), key));
        }
        if let Some(user) = self.string(&["ansible_user", "ansible_ssh_user"])?.or_else(|| defaults.remote_user.clone())
        {
            settings.options.push(("user".into(), user));
        }
        settings.options.push(("connecttimeout".into(), timeout.as_secs().max(1).to_string()));
        self.ssh_words(&mut settings, "ansible_ssh_common_args", &defaults.ssh_common_args)?;
        self.ssh_words(&mut settings, "ansible_ssh_extra_args", &defaults.ssh_extra_args)?;
        Ok(settings)
    }

    fn ssh_words(&self, settings: &mut SshSettings, name: &str, default: &str) -> Result<(), Diagnostic> {
        let (line, value) = self.text(&[name])?.unwrap_or_else(|| (default.to_owned(), Value::Null));
        let parsed = shell_split(&line).and_then(|words| ssh_args::parse(&words));
        let parsed = parsed.map_err(|e| self.invalid(name, &value, &format!("cannot be used: {e}")))?;
        settings.options.extend(parsed.options);
        settings.config_file = settings.config_file.take().or(parsed.config_file);
        Ok(())
    }

    fn container(&self, program: &str, defaults: &ConnectionDefaults) -> Result<ContainerSettings, Diagnostic> {
        let extra = format!("ansible_{program}_extra_args");
        let (line, value) = self.text(&[&extra])?.unwrap_or_default();
        Ok(ContainerSettings {
            program: program.to_owned(),
            container: self.address(&[&format!("ansible_{program}_host"), "ansible_host"])?,
            user: self
                .string(&["ansible_user", &format!("ansible_{program}_user")])?
                .or_else(|| defaults.remote_user.clone()),
            extra_args: shell_split(&line)
                .map_err(|e| self.invalid(&extra, &value, &format!("cannot be split into words: {e}")))?,
        })
    }

    fn escalation(&self, defaults: &ConnectionDefaults) -> Result<Option<Escalation>, Diagnostic> {
        if !self.boolean(&["ansible_become"])?.unwrap_or(defaults.escalate) {
            return Ok(None);
        }
        let (method, value) =
            self.text(&["ansible_become_method"])?.unwrap_or_else(|| (defaults.become_method.clone(), Value::Null));
        let method = Method::parse(&method).map_err(|e| self.unsupported("ansible_become_method", &value, &e))?;
        let own = |field: &str| format!("ansible_{}_{field}", method.name());
        let password = self.secret(&["ansible_become_password", "ansible_become_pass", &own("pass")])?;
        Ok(Some(Escalation {
            method,
            user: self
                .string(&["ansible_become_user", &own("user")])?
                .or_else(|| defaults.become_user.clone())
                .unwrap_or_else(|| "root".to_owned()),
            password: password.or_else(|| defaults.become_password.clone()),
            exe: self.string(&["ansible_become_exe", &own("exe")])?.or_else(|| defaults.become_exe.clone()),
            flags: match self.first(&["ansible_become_flags", &own("flags")])? {
                Some((_, value)) => Some(plain(&value).unwrap_or_default()),
                None => defaults.become_flags.clone(),
            },
            prompts: match self.first(&["ansible_su_prompt_l10n"])?.filter(|_| method == Method::Su) {
                Some((_, Value::List(items))) => items.iter().filter_map(plain).collect(),
                Some((_, value)) => {
                    plain(&value).iter().flat_map(|t| t.split(',')).map(|p| p.trim().to_owned()).collect()
                }
                None => defaults.su_prompts.clone(),
            },
            chdir: self.string(&["ansible_sudo_chdir"])?.filter(|_| method == Method::Sudo),
        }))
    }

    fn address(&self, names: &[&str]) -> Result<String, Diagnostic> {
        let address = self.string(names)?.unwrap_or_else(|| self.host.as_str().to_owned());
        let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(&address);
        if bare.is_empty() || bare.starts_with('-') || bare.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let value = self.first(names)?.map(|(_, v)| v).unwrap_or_default();
            return Err(self.invalid(names[0], &value, "is not a host name or an address"));
        }
        Ok(bare.to_owned())
    }

    fn port(&self) -> Result<Option<u16>, Diagnostic> {
        let Some((text, value)) = self.text(&["ansible_port", "ansible_ssh_port"])? else { return Ok(None) };
        match text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Ok(Some(port)),
            _ => Err(self.invalid("ansible_port", &value, "is not a port number")),
        }
    }

    fn seconds(&self, names: &[&str]) -> Result<Option<Duration>, Diagnostic> {
        let Some((text, value)) = self.text(names)? else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(s) if s > 0.0 && s < 1e9 => Ok(Some(Duration::from_secs_f64(s))),
            _ => Err(self.invalid(names[0], &value, "is not a number of seconds")),
        }
    }

    fn boolean(&self, names: &[&str]) -> Result<Option<bool>, Diagnostic> {
        let Some((name, value)) = self.first(names)? else { return Ok(None) };
        let text = plain(&value).unwrap_or_default().to_lowercase();
        match text.as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Ok(Some(true)),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Ok(Some(false)),
            _ => Err(self.invalid(name, &value, "is not a boolean")),
        }
    }

    fn secret(&self, names: &[&str]) -> Result<Option<Secret>, Diagnostic> {
        Ok(self.text(names)?.map(|(text, _)| Secret::new(text)))
    }

    fn string(&self, names: &[&str]) -> Result<Option<String>, Diagnostic> {
        Ok(self.text(names)?.map(|(text, _)| text))
    }

    /// The first of these variables that has a value other than null or an empty string.
    fn text(&self, names: &[&str]) -> Result<Option<(String, Value)>, Diagnostic> {
        let Some((name, value)) = self.first(names)? else { return Ok(None) };
        match plain(&value) {
            Some(text) if text.is_empty() => Ok(None),
            Some(text) => Ok(Some((text, value))),
            None => Err(self.invalid(name, &value, &format!("is a {}, not a string", value.type_name()))),
        }
    }

    fn first<'n>(&self, names: &[&'n str]) -> Result<Option<(&'n str, Value)>, Diagnostic> {
        for name in names {
            if let Some(value) = (self.vars)(name)?
                && !value.is_null()
                && !value.is_omit()
            {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    fn invalid(&self, name: &str, value: &Value, fault: &str) -> Diagnostic {
        let shown = if name.contains("pass") { None } else { plain(value) };
        let shown = shown.map(|t| format!(" `{t}`")).unwrap_or_default();
        Diagnostic::error(Code::CONNECTION_SETTINGS, format!("host {}: {name}{shown} {fault}", self.host))
            .at(value.origin(), "given here")
    }

    fn unsupported(&self, name: &str, value: &Value, fault: &str) -> Diagnostic {
        Diagnostic::error(Code::UNSUPPORTED, format!("host {}: {fault}", self.host))
            .at(value.origin(), format!("{name} is given here"))
    }
}

/// A scalar as text; `None` for lists, maps and the rest.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(text.as_str().to_owned()),
        Value::Int(i) => Some(i.to_string()),
        Value::Bool(b) => Some(if *b { "True" } else { "False" }.to_owned()),
        Value::Float(f) => Some(f.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
