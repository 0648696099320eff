//! All that is known of how to reach one host: its settings from the command line and `ssh_config`, typed.

use super::config::{self, Local, Settings, Tokens, words};
use super::config_match::pattern_list;
use super::sources::Disk;
use crate::remote::{Secret, SshSettings};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strict {
    Yes,
    /// Nobody can be asked during a run: as `Yes`.
    Ask,
    AcceptNew,
    No,
}

#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub path: PathBuf,
    /// Named by the user rather than one of the default names.
    pub named: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    None,
    /// Hosts to go through, in order: `[user@]host[:port]`.
    Jump(Vec<String>),
    Command(String),
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub hostname: String,
    pub port: u16,
    pub user: String,
    pub identities: Vec<Identity>,
    pub certificates: Vec<PathBuf>,
    pub identities_only: bool,
    /// The agent's socket; `None` = no agent.
    pub agent: Option<PathBuf>,
    pub proxy: Proxy,
    pub config_file: Option<String>,
    pub strict: Strict,
    pub user_known_hosts: Vec<PathBuf>,
    pub global_known_hosts: Vec<PathBuf>,
    pub hash_known_hosts: bool,
    pub host_key_alias: Option<String>,
    pub skip_host_keys: bool,
    pub connect_timeout: Duration,
    pub attempts: u32,
    pub alive_interval: Duration,
    pub alive_count: usize,
    pub ciphers: Option<String>,
    pub kex: Option<String>,
    pub macs: Option<String>,
    pub host_key_algorithms: Option<String>,
    pub bind_address: Option<String>,
    /// `Some(true)` = IPv4 only, `Some(false)` = IPv6 only.
    pub ipv4: Option<bool>,
    /// Authentication methods in order.
    pub methods: Vec<String>,
    pub password: Option<Secret>,
    pub private_key: Option<Secret>,
    pub passphrase: Option<Secret>,
}

/// Where the configuration is.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub local: Local,
    pub user_config: PathBuf,
    pub system_config: PathBuf,
    pub agent: Option<PathBuf>,
}

impl Plan {
    /// Resolves a target's settings. Blocking: reads files, may run `Match exec`.
    ///
    /// # Errors
    /// A configuration that cannot be used, in words.
    pub(super) fn resolve(around: &Surroundings, ssh: &SshSettings) -> Result<Self, String> {
        let files = match ssh.config_file.as_deref() {
            Some("none") => vec![],
            Some(file) => {
                let path = home_path(&around.local.home, file);
                if !path.exists() {
                    return Err(format!("Can't open user config file {file}: No such file or directory"));
                }
                vec![(path, true)]
            }
            None => vec![(around.user_config.clone(), true), (around.system_config.clone(), false)],
        };
        let settings = config::resolve(&Disk, &around.local, &ssh.address, &ssh.options, &files)?;
        Plan::from_settings(around, ssh, &settings)
    }

    fn from_settings(around: &Surroundings, ssh: &SshSettings, settings: &Settings) -> Result<Self, String> {
        let get = |keyword: &str| settings.get(keyword);
        let hostname = get("hostname").unwrap_or(&ssh.address).to_owned();
        let port_text = get("port").unwrap_or("22");
        let port = port_text.parse::<u16>().ok().filter(|p| *p > 0);
        let port = port.ok_or_else(|| format!("Bad number {port_text} for port"))?;
        let user = get("user").unwrap_or(&around.local.user).to_owned();
        let alias = get("hostkeyalias").filter(|a| *a != "none");
        let port_text = port.to_string();
        let tokens = Tokens {
            local: &around.local,
            host: &hostname,
            original: &ssh.address,
            user: &user,
            port: &port_text,
            alias,
        };
        let paths = |keyword: &str, default: &[&str]| -> Result<Vec<PathBuf>, String> {
            let list = match get(keyword) {
                Some("none") => vec![],
                Some(list) => words(list)?,
                None => default.iter().map(ToString::to_string).collect(),
            };
            list.iter().map(|p| tokens.path(p)).collect()
        };
        let seconds = |keyword: &str| -> Result<Option<Duration>, String> {
            get(keyword)
                .filter(|v| *v != "none")
                .map(|v| duration(v).ok_or_else(|| format!("Bad time {v} for {keyword}")))
                .transpose()
        };
        let flag = |keyword: &str, default: bool| get(keyword).map_or(default, |v| matches!(v, "yes" | "true"));
        let loopback = hostname == "localhost" || hostname.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
        Ok(Plan {
            identities: identities(settings, &tokens)?,
            certificates: settings.list("certificatefile").iter().map(|p| tokens.path(p)).collect::<Result<_, _>>()?,
            identities_only: flag("identitiesonly", false),
            agent: agent(around, get("identityagent"), &tokens)?,
            proxy: proxy(settings, &tokens)?,
            config_file: ssh.config_file.clone(),
            strict: match get("stricthostkeychecking") {
                Some("yes" | "true") => Strict::Yes,
                Some("accept-new") => Strict::AcceptNew,
                Some("no" | "off" | "false") => Strict::No,
                None | Some("ask") => Strict::Ask,
                Some(other) => return Err(format!("unsupported option \"{other}\" for stricthostkeychecking")),
            },
            user_known_hosts: paths("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"])?,
            global_known_hosts: paths(
                "globalknownhostsfile",
                &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
            )?,
            hash_known_hosts: flag("hashknownhosts", false),
            skip_host_keys: loopback && flag("nohostauthenticationforlocalhost", false),
            connect_timeout: seconds("connecttimeout")?.filter(|d| !d.is_zero()).unwrap_or(ssh.timeout),
            attempts: get("connectionattempts").and_then(|v| v.parse().ok()).unwrap_or(1).max(1),
            // OpenSSH sends none by default; a dead host must be noticed here, so the default is 15 seconds.
            alive_interval: seconds("serveraliveinterval")?.filter(|d| !d.is_zero()).unwrap_or(Duration::from_secs(15)),
            alive_count: get("serveralivecountmax").and_then(|v| v.parse().ok()).unwrap_or(3),
            ciphers: get("ciphers").map(str::to_owned),
            kex: get("kexalgorithms").map(str::to_owned),
            macs: get("macs").map(str::to_owned),
            host_key_algorithms: get("hostkeyalgorithms").map(str::to_owned),
            bind_address: get("bindaddress").map(str::to_owned),
            ipv4: match get("addressfamily") {
                Some("inet") => Some(true),
                Some("inet6") => Some(false),
                _ => None,
            },
            methods: methods(settings, ssh.password.is_some()),
            password: ssh.password.clone(),
            private_key: ssh.private_key.clone(),
            passphrase: ssh.passphrase.clone(),
            host_key_alias: alias.map(str::to_owned),
            hostname: hostname.clone(),
            port,
            user: user.clone(),
        })
    }

    /// `user@host`, as messages name it.
    pub(super) fn who(&self) -> String {
        format!("{}@{}", self.user, self.hostname)
    }

    /// How to reach a host on the way to this one, `[ssh://][user@]host[:port]`: with its own settings from the
    /// configuration and none of this host's.
    pub(super) fn jump(&self, hop: &str) -> Result<SshSettings, String> {
        let spec = hop.strip_prefix("ssh://").unwrap_or(hop).trim_end_matches('/');
        let (user, rest) = match spec.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, spec),
        };
        let (host, port) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => match rest.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host, Some(port)),
                _ => (rest, None),
            },
        };
        if host.is_empty() || host.starts_with('-') {
            return Err(format!("Invalid -J argument `{hop}`"));
        }
        let mut options = Vec::new();
        options.extend(user.map(|u| ("user".to_owned(), u.to_owned())));
        options.extend(port.map(|p| ("port".to_owned(), p.to_owned())));
        Ok(SshSettings {
            address: host.to_owned(),
            options,
            config_file: self.config_file.clone(),
            password: None,
            private_key: None,
            passphrase: None,
            timeout: self.connect_timeout,
            retries: 0,
        })
    }
}

fn identities(settings: &Settings, tokens: &Tokens<'_>) -> Result<Vec<Identity>, String> {
    let named = settings.list("identityfile");
    if named.is_empty() {
        let default = ["id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"];
        return default
            .iter()
            .map(|n| Ok(Identity { path: tokens.path(&format!("~/.ssh/{n}"))?, named: false }))
            .collect();
    }
    let named = named.iter().filter(|p| *p != "none");
    named.map(|p| Ok(Identity { path: tokens.path(p)?, named: true })).collect()
}

fn agent(around: &Surroundings, option: Option<&str>, tokens: &Tokens<'_>) -> Result<Option<PathBuf>, String> {
    match option {
        None | Some("SSH_AUTH_SOCK") => Ok(around.agent.clone()),
        Some("none") => Ok(None),
        Some(text) => match text.strip_prefix('$').filter(|n| !n.starts_with('{')) {
            Some(name) => Ok(std::env::var_os(name).map(PathBuf::from)),
            None => tokens.path(text).map(Some),
        },
    }
}

fn proxy(settings: &Settings, tokens: &Tokens<'_>) -> Result<Proxy, String> {
    if let Some(command) = settings.get("proxycommand") {
        return Ok(match command {
            "none" => Proxy::None,
            command => Proxy::Command(tokens.expand(command)?),
        });
    }
    match settings.get("proxyjump") {
        None | Some("none") => Ok(Proxy::None),
        Some(list) => {
            let hops: Vec<String> = list.split(',').map(|h| tokens.expand(h.trim())).collect::<Result<_, _>>()?;
            if hops.iter().any(String::is_empty) {
                return Err(format!("Invalid ProxyJump `{list}`"));
            }
            Ok(Proxy::Jump(hops))
        }
    }
}

/// As Ansible calls ssh: passwords only where one was given.
fn methods(settings: &Settings, has_password: bool) -> Vec<String> {
    let order = settings.get("preferredauthentications").unwrap_or("publickey,keyboard-interactive,password");
    let allowed = |keyword: &str| settings.get(keyword).is_none_or(|v| v != "no" && v != "false");
    let keep = |method: &str| match method {
        "publickey" => allowed("pubkeyauthentication"),
        "keyboard-interactive" => has_password && allowed("kbdinteractiveauthentication"),
        "password" => has_password && allowed("passwordauthentication"),
        _ => false,
    };
    order.split(',').map(str::trim).filter(|m| keep(m)).map(str::to_owned).collect()
}

fn home_path(home: &Path, text: &str) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(text),
    }
}

/// `90`, `1m30s`, `2h`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0u64;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    if !number.is_empty() {
        total = total.checked_add(number.parse().ok()?)?;
    }
    Some(Duration::from_secs(total))
}

/// Applies OpenSSH's form of an algorithm list to the built-in one: a plain list replaces it, `+` adds at the end, `-`
/// takes away, `^` puts first. Names that are not known are passed over.
pub(super) fn algorithms(list: &str, built_in: &[String], all: &[String]) -> Vec<String> {
    let (sign, names) = match list.chars().next() {
        Some(sign @ ('+' | '-' | '^')) => (sign, &list[1..]),
        _ => ('=', list),
    };
    let mut chosen = Vec::new();
    for name in names.split(',').map(str::trim) {
        chosen
            .extend(all.iter().filter(|a| pattern_list(name, a) && !chosen.contains(*a)).cloned().collect::<Vec<_>>());
    }
    let without: Vec<String> = built_in.iter().filter(|a| !chosen.contains(a)).cloned().collect();
    match sign {
        '+' => {
            let new: Vec<String> = chosen.into_iter().filter(|a| !built_in.contains(a)).collect();
            [built_in.to_vec(), new].concat()
        }
        '-' => without,
        '^' => [chosen, without].concat(),
        _ => chosen,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn around(dir: &Path) -> Surroundings {
        Surroundings {
            local: Local { home: dir.to_owned(), user: "me".into(), hostname: "here".into(), uid: 1 },
            user_config: dir.join("config"),
            system_config: dir.join("system"),
            agent: Some("/agent".into()),
        }
    }

    fn plan(config: &str, options: &[(&str, &str)]) -> Result<Plan, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config"), config).unwrap();
        let settings = SshSettings {
            address: "web".into(),
            options: options.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            config_file: None,
            password: None,
            private_key: None,
            passphrase: None,
            timeout: Duration::from_secs(10),
            retries: 0,
        };
        Plan::resolve(&around(dir.path()), &settings)
    }

    #[test]
    fn command_line_wins_over_configuration() {
        let plan = plan("Host web\n Port 1\n User a\n HostName h\n ConnectTimeout 1m", &[("port", "2")]).unwrap();
        assert_eq!((plan.port, plan.user.as_str(), plan.hostname.as_str()), (2, "a", "h"));
        assert_eq!(plan.connect_timeout, Duration::from_secs(60));
        assert_eq!(plan.methods, ["publickey"]);
        assert_eq!(plan.identities.len(), 5);
    }

    #[test]
    fn jumps_and_proxies() {
        let cases = [
            ("ProxyJump a,b@c:22", Proxy::Jump(vec!["a".into(), "b@c:22".into()])),
            ("ProxyJump none\nProxyCommand x", Proxy::None),
            ("ProxyCommand nc %h %p\nProxyJump a", Proxy::Command("nc web 22".into())),
            ("", Proxy::None),
        ];
        for (config, want) in cases {
            assert_eq!(plan(config, &[]).unwrap().proxy, want, "{config}");
        }
        let plan = plan("", &[]).unwrap();
        let hop = |text: &str| plan.jump(text).map(|s| format!("{} {:?}", s.address, s.options));
        assert_eq!(hop("u@h:5").unwrap(), r#"h [("user", "u"), ("port", "5")]"#);
        assert_eq!(hop("ssh://[::1]:9/").unwrap(), r#"::1 [("port", "9")]"#);
        assert_eq!(hop("::1").unwrap(), "::1 []");
        assert!(hop("-x").is_err());
    }

    #[test]
    fn algorithm_lists() {
        let own = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let cases = [("b,x", "b"), ("+d", "a b c d"), ("-a", "b c"), ("^c", "c a b"), ("+a", "a b c")];
        for (list, want) in cases {
            assert_eq!(algorithms(list, &own("a b c"), &own("a b c d")), own(want), "{list}");
        }
    }

    #[test]
    fn durations() {
        for (text, want) in [("90", Some(90)), ("1m30s", Some(90)), ("2h", Some(7200)), ("x", None)] {
            assert_eq!(duration(text).map(|d| d.as_secs()), want);
        }
    }
}
