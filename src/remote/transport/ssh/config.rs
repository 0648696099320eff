//! `ssh_config(5)`: which files say what about a host. Pure but for the files it is handed and `Match exec`.
//!
//! Agrees with `ssh -G` for the keywords that matter here; the rest are known by name and passed over.

use super::config_match::{Facts, exact_list, match_line, pattern_list};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads configuration files; `None` for one that does not exist.
pub(crate) trait Source {
    fn read(&self, path: &Path) -> std::io::Result<Option<String>>;
    /// Files that match a pattern with wildcards, sorted.
    fn glob(&self, pattern: &Path) -> Vec<PathBuf>;
    /// Runs a shell command; whether it succeeded.
    fn succeeds(&self, command: &str) -> bool;
}

/// What does not depend on the host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Local {
    pub home: PathBuf,
    pub user: String,
    pub hostname: String,
    pub uid: u32,
}

/// The settings of one host: the first value found for each keyword, every value for those that add up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<String, String>,
    lists: BTreeMap<String, Vec<String>>,
}

impl Settings {
    pub(crate) fn get(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword).map(String::as_str)
    }
    pub(crate) fn list(&self, keyword: &str) -> &[String] {
        self.lists.get(keyword).map(Vec::as_slice).unwrap_or_default()
    }
    fn add(&mut self, keyword: &str, value: String) {
        let keyword = canonical(keyword);
        if ADDING.contains(&keyword) {
            let list = self.lists.entry(keyword.to_owned()).or_default();
            if !list.contains(&value) {
                list.push(value);
            }
        } else {
            // ProxyJump and ProxyCommand exclude each other: the first of either wins.
            let other = match keyword {
                "proxyjump" => "proxycommand",
                "proxycommand" => "proxyjump",
                _ => "",
            };
            if !self.values.contains_key(other) {
                self.values.entry(keyword.to_owned()).or_insert(value);
            }
        }
    }
}

/// Keywords whose values add up.
const ADDING: &[&str] = &["identityfile", "certificatefile"];
/// Keywords whose value is the rest of the line.
const WHOLE_LINE: &[&str] = &["proxycommand", "localcommand", "remotecommand", "knownhostscommand"];
/// Every other keyword of OpenSSH's client.
const KNOWN: &[&str] = &[
    "addkeystoagent",
    "addressfamily",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizehostname",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "certificatefile",
    "challengeresponseauthentication",
    "channeltimeout",
    "checkhostip",
    "cipher",
    "ciphers",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "connectionattempts",
    "connecttimeout",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dsaauthentication",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "globalknownhostsfile",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapitrustdns",
    "gssapiserveridentity",
    "gssapiclientidentity",
    "gssapikexalgorithms",
    "hashknownhosts",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostbasedkeytypes",
    "hostkeyalgorithms",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "identityfile",
    "ignoreunknown",
    "ipqos",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "kexalgorithms",
    "keyboardinteractiveauthentication",
    "localforward",
    "loglevel",
    "logverbose",
    "macs",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "passwordauthentication",
    "permitlocalcommand",
    "permitremoteopen",
    "pkcs11provider",
    "port",
    "preferredauthentications",
    "protocol",
    "proxyjump",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "remoteforward",
    "requesttty",
    "requiredrsasize",
    "revokedhostkeys",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "securitykeyprovider",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "sessiontype",
    "setenv",
    "skeyauthentication",
    "smartcarddevice",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "stricthostkeychecking",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "useprivilegedport",
    "user",
    "userknownhostsfile",
    "usekeychain",
    "useroaming",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
];

/// Older names of keywords.
fn canonical(keyword: &str) -> &str {
    match keyword {
        "keyboardinteractiveauthentication" | "challengeresponseauthentication" | "skeyauthentication" => {
            "kbdinteractiveauthentication"
        }
        "pubkeyacceptedkeytypes" => "pubkeyacceptedalgorithms",
        "dsaauthentication" | "rsaauthentication" => "ignored",
        other => other,
    }
}

/// Nested `Include`s, at most; OpenSSH's limit.
const DEPTH: usize = 16;

/// Resolves the settings of `host`: command line first, then `files` in order. The flag of a file says whether it is the
/// user's (relative `Include`s start in `~/.ssh`) or the system's (`/etc/ssh`).
///
/// # Errors
/// A bad option with file and line, or a file that cannot be read.
pub(crate) fn resolve(
    source: &dyn Source,
    local: &Local,
    host: &str,
    options: &[(String, String)],
    files: &[(PathBuf, bool)],
) -> Result<Settings, String> {
    let mut settings = Settings::default();
    let named = host.to_owned();
    let mut reader =
        Reader { source, local, host, named, settings: &mut settings, final_pass: false, wants_final: false };
    reader.command_line(options)?;
    reader.files(files)?;
    if reader.wants_final {
        reader.final_pass = true;
        reader.named = reader.settings.hostname(host);
        // The name counts as given from here on, as in OpenSSH.
        reader.settings.values.insert("hostname".to_owned(), reader.named.clone());
        reader.files(files)?;
    }
    let name = settings.hostname(host);
    settings.values.insert("hostname".to_owned(), name);
    Ok(settings)
}

impl Settings {
    /// `HostName` with its tokens expanded, or the host itself; lower case.
    fn hostname(&self, host: &str) -> String {
        let name = match self.get("hostname") {
            Some(name) => expand(name, &|c| (c == 'h').then(|| host.to_owned())).unwrap_or_else(|_| name.to_owned()),
            None => host.to_owned(),
        };
        name.to_lowercase()
    }
}

struct Reader<'a> {
    source: &'a dyn Source,
    local: &'a Local,
    host: &'a str,
    /// What `Host` lines are compared with: the host as written, in the final pass the name it resolved to.
    named: String,
    settings: &'a mut Settings,
    final_pass: bool,
    wants_final: bool,
}

impl Reader<'_> {
    fn command_line(&mut self, options: &[(String, String)]) -> Result<(), String> {
        for (keyword, value) in options {
            let line = format!("{keyword} {value}");
            self.line(&line, &mut true, Path::new("command-line"), 0, true, 0)?;
        }
        Ok(())
    }

    fn files(&mut self, files: &[(PathBuf, bool)]) -> Result<(), String> {
        files.iter().try_for_each(|(path, user)| self.file(path, *user, true, 0))
    }

    fn file(&mut self, path: &Path, user: bool, active: bool, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("{}: too many nested Include", path.display()));
        }
        let text = match self.source.read(path) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(()),
            Err(e) => return Err(format!("{}: {e}", path.display())),
        };
        // Included from a block that does not match: no block of the file does.
        let allowed = active;
        let mut active = active;
        for (i, line) in text.lines().enumerate() {
            self.line(line, &mut active, path, i + 1, user, depth)?;
            active &= allowed;
        }
        Ok(())
    }

    fn line(
        &mut self,
        line: &str,
        active: &mut bool,
        path: &Path,
        number: usize,
        user: bool,
        depth: usize,
    ) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let end = line.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(line.len());
        let keyword = line[..end].to_lowercase();
        let rest = line[end..].trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
        let place = || match number {
            0 => "command-line".to_owned(),
            n => format!("{} line {n}", path.display()),
        };
        let words = words(rest).map_err(|e| format!("{}: {e}", place()))?;
        match keyword.as_str() {
            "host" => *active = exact_list(&words.join(","), &self.named),
            "match" => {
                let matched = self.matches(&words).map_err(|e| format!("{}: {e}", place()))?;
                *active = matched;
            }
            "include" => {
                for word in &words {
                    for file in self.included(word, user) {
                        self.file(&file, user, *active, depth + 1)?;
                    }
                }
            }
            _ if WHOLE_LINE.contains(&keyword.as_str()) || KNOWN.contains(&keyword.as_str()) => {
                if rest.is_empty() {
                    return Err(format!("{}: missing argument to {keyword}", place()));
                }
                if *active {
                    let whole = WHOLE_LINE.contains(&keyword.as_str());
                    self.settings.add(&keyword, if whole { rest.to_owned() } else { join(&keyword, &words) });
                }
            }
            _ => {
                let ignored = self.settings.get("ignoreunknown").is_some_and(|list| pattern_list(list, &keyword));
                if !ignored {
                    return Err(format!("{}: Bad configuration option: {keyword}", place()));
                }
            }
        }
        Ok(())
    }

    fn matches(&mut self, words: &[String]) -> Result<bool, String> {
        let user = self.settings.get("user").unwrap_or(&self.local.user).to_owned();
        let name = match self.settings.get("hostname") {
            Some(name) => expand(name, &|c| (c == 'h').then(|| self.host.to_owned()))?,
            None => self.host.to_owned(),
        };
        let port = self.settings.get("port").unwrap_or("22").to_owned();
        let facts = Facts {
            host: &name,
            original: self.host,
            user: &user,
            local_user: &self.local.user,
            final_pass: self.final_pass,
            tag: self.settings.get("tag").unwrap_or_default(),
        };
        let exec = |command: &str| {
            let tokens =
                Tokens { local: self.local, host: &name, original: self.host, user: &user, port: &port, alias: None };
            Ok(self.source.succeeds(&tokens.expand(command)?))
        };
        let outcome = match_line(words, &facts, &exec)?;
        self.wants_final |= outcome.wants_final;
        Ok(outcome.matched)
    }

    fn included(&self, word: &str, user: bool) -> Vec<PathBuf> {
        let path = match word.strip_prefix("~/") {
            Some(rest) => self.local.home.join(rest),
            None if word.starts_with('/') => PathBuf::from(word),
            None if user => self.local.home.join(".ssh").join(word),
            None => Path::new("/etc/ssh").join(word),
        };
        if word.contains(['*', '?', '[']) { self.source.glob(&path) } else { vec![path] }
    }
}

/// Keywords that take several words keep them, quoted where needed; others take one.
fn join(keyword: &str, words: &[String]) -> String {
    if matches!(keyword, "userknownhostsfile" | "globalknownhostsfile" | "sendenv" | "setenv") {
        return words
            .iter()
            .map(|w| if w.contains(' ') { format!("\"{w}\"") } else { w.clone() })
            .collect::<Vec<_>>()
            .join(" ");
    }
    words.first().cloned().unwrap_or_default()
}

/// Splits the value of a line: spaces, quotes of both kinds, and a comment that starts a word.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.peek() else { return Ok(out) };
        if *first == '#' {
            return Ok(out);
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(c) = chars.next_if(|c| quote.is_some() || !c.is_whitespace()) {
            match c {
                '\\' if chars
                    .peek()
                    .is_some_and(|n| matches!(n, '"' | '\'' | '\\') || (quote.is_none() && *n == ' ')) =>
                {
                    word.extend(chars.next());
                }
                '"' | '\'' if quote.is_none() => quote = Some(c),
                c if quote == Some(c) => quote = None,
                c => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        out.push(word);
    }
}

/// What `%` tokens stand for.
pub(crate) struct Tokens<'a> {
    pub local: &'a Local,
    /// The name connected to (`%h`).
    pub host: &'a str,
    /// The name as the user wrote it (`%n`).
    pub original: &'a str,
    pub user: &'a str,
    pub port: &'a str,
    /// `HostKeyAlias` (`%k`).
    pub alias: Option<&'a str>,
}

impl Tokens<'_> {
    pub(crate) fn expand(&self, text: &str) -> Result<String, String> {
        expand(text, &|c| {
            Some(match c {
                'd' => self.local.home.display().to_string(),
                'h' => self.host.to_owned(),
                'i' => self.local.uid.to_string(),
                'k' => self.alias.unwrap_or(self.original).to_owned(),
                'l' => self.local.hostname.clone(),
                'L' => self.local.hostname.split('.').next().unwrap_or_default().to_owned(),
                'n' => self.original.to_owned(),
                'p' => self.port.to_owned(),
                'r' => self.user.to_owned(),
                'u' => self.local.user.clone(),
                'C' => self.connection_hash(),
                'j' => String::new(),
                _ => return None,
            })
        })
    }

    /// A path: tokens, then `${VARIABLE}`, then `~`.
    pub(crate) fn path(&self, text: &str) -> Result<PathBuf, String> {
        let text = variables(&self.expand(text)?)?;
        Ok(match text.strip_prefix("~/") {
            Some(rest) => self.local.home.join(rest),
            None if text == "~" => self.local.home.clone(),
            None => PathBuf::from(text),
        })
    }

    fn connection_hash(&self) -> String {
        use sha1::{Digest, Sha1};
        hex::encode(Sha1::digest(format!("{}{}{}{}", self.local.hostname, self.host, self.port, self.user)))
    }
}

fn expand(text: &str, token: &dyn Fn(char) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => match chars.next() {
                Some('%') => out.push('%'),
                Some(c) => out += &token(c).ok_or_else(|| format!("unknown key %{c} in `{text}`"))?,
                None => return Err(format!("`{text}` ends in a single %")),
            },
            c => out.push(c),
        }
    }
    Ok(out)
}

/// Replaces `${NAME}` from the environment.
fn variables(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let end = rest[at..].find('}').ok_or_else(|| format!("`{text}`: a ${{ is not closed"))? + at;
        let name = &rest[at + 2..end];
        out += &rest[..at];
        out += &std::env::var(name).map_err(|_| format!("`{text}`: the environment has no {name}"))?;
        rest = &rest[end + 1..];
    }
    Ok(out + rest)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
