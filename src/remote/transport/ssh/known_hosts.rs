//! `known_hosts` as `sshd(8)` describes it: patterns, hashed names, ports, authorities, revocations.

use super::config_match::pattern_list;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
    marker: Marker,
    names: Names,
    /// `ssh-ed25519`, …
    pub key_type: String,
    /// The key in SSH's wire format.
    pub key: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    None,
    Authority,
    Revoked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Names {
    Patterns(String),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl Names {
    fn mean(&self, name: &str) -> bool {
        match self {
            Names::Patterns(list) => pattern_list(list, name),
            Names::Hashed { salt, hash } => mac(salt, name).verify_slice(hash).is_ok(),
        }
    }
}

/// Entries of several files, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownHosts {
    entries: Vec<Entry>,
}

/// What the files say of a host's key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    Known,
    Revoked(&'a Entry),
    /// Other keys of the same type stand there, and this one does not.
    Changed(Vec<&'a Entry>),
    Unknown,
}

impl KnownHosts {
    /// Adds the lines of a file that are about one of `hosts` ([`host_name`]). Lines that cannot be read are passed over, as
    /// OpenSSH does.
    pub(crate) fn add_file(&mut self, path: &Path, text: &str, hosts: &[&str]) {
        let file: Arc<Path> = path.into();
        let lines = text.lines().enumerate();
        self.entries.extend(lines.filter_map(|(i, line)| parse_line(&file, i + 1, line, hosts)));
    }

    /// What the files say of `key` under `name` ([`host_name`]).
    pub(crate) fn check<'a>(&'a self, name: &'a str, key_type: &str, key: &[u8]) -> Verdict<'a> {
        if let Some(entry) = self.revoked(name, key) {
            return Verdict::Revoked(entry);
        }
        let mut other = Vec::new();
        for entry in self.named(name).filter(|e| e.marker == Marker::None && e.key_type == key_type) {
            if entry.key == key {
                return Verdict::Known;
            }
            other.push(entry);
        }
        if other.is_empty() { Verdict::Unknown } else { Verdict::Changed(other) }
    }

    /// The line that revokes this key for this host.
    pub(crate) fn revoked<'a>(&'a self, name: &'a str, key: &[u8]) -> Option<&'a Entry> {
        self.named(name).find(|e| e.marker == Marker::Revoked && e.key == key)
    }

    /// The authorities whose host certificates are trusted for this host.
    pub(crate) fn authorities<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.named(name).filter(|e| e.marker == Marker::Authority)
    }

    /// The types of the keys that are known for this host, in order.
    pub(crate) fn key_types<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        let mut types = Vec::new();
        for entry in self.named(name).filter(|e| e.marker == Marker::None) {
            if !types.contains(&entry.key_type.as_str()) {
                types.push(entry.key_type.as_str());
            }
        }
        types
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |e| e.names.mean(name))
    }
}

/// The name under which a host stands in the files: `host`, or `[host]:port` for another port than 22.
pub(crate) fn host_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// A new line for a file; `salt` hashes the name.
pub(crate) fn new_line(name: &str, key_type: &str, key: &[u8], salt: Option<[u8; 20]>) -> String {
    let name = match salt {
        Some(salt) => {
            let hash = mac(&salt, name).finalize().into_bytes();
            format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash))
        }
        None => name.to_owned(),
    };
    format!("{name} {key_type} {}\n", STANDARD.encode(key))
}

/// `SHA256:…` of a key in wire format, as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// Where an entry stands.
impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

fn mac(salt: &[u8], name: &str) -> Hmac<Sha1> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).expect("HMAC takes keys of any length");
    mac.update(name.as_bytes());
    mac
}

fn parse_line(file: &Arc<Path>, line: usize, text: &str, hosts: &[&str]) -> Option<Entry> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut words = text.split_whitespace().peekable();
    let marker = match words.peek().copied() {
        Some("@cert-authority") => Marker::Authority,
        Some("@revoked") => Marker::Revoked,
        Some(word) if word.starts_with('@') => return None,
        _ => Marker::None,
    };
    if marker != Marker::None {
        words.next();
    }
    let names = words.next()?;
    let names = match names.strip_prefix("|1|") {
        Some(rest) => {
            let (salt, hash) = rest.split_once('|')?;
            Names::Hashed { salt: STANDARD.decode(salt).ok()?, hash: STANDARD.decode(hash).ok()? }
        }
        None => Names::Patterns(names.to_owned()),
    };
    if !hosts.iter().any(|host| names.mean(host)) {
        return None;
    }
    let key_type = words.next()?.to_owned();
    let key = STANDARD.decode(words.next()?).ok()?;
    Some(Entry { file: file.clone(), line, marker, names, key_type, key })
}

/// Reads what files that exist say of `hosts`. A connection keeps it: the files may be long, and the connections many.
pub(crate) fn load(files: &[PathBuf], hosts: &[&str]) -> KnownHosts {
    let mut known = KnownHosts::default();
    for file in files {
        if let Ok(bytes) = std::fs::read(file) {
            known.add_file(file, &String::from_utf8_lossy(&bytes), hosts);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        STANDARD.encode(text)
    }

    fn known(text: &str, hosts: &[&str]) -> KnownHosts {
        let mut known = KnownHosts::default();
        known.add_file(Path::new("kh"), text, hosts);
        known
    }

    #[test]
    fn verdicts() {
        let (a, b, c) = (key("A"), key("B"), key("C"));
        let salted = new_line("hashed", "ssh-ed25519", b"A", Some([7; 20]));
        let text = format!(
            "# comment\n\
             plain,10.0.0.1 ssh-ed25519 {a} someone@somewhere\n\
             plain ssh-rsa {b}\n\
             two ssh-ed25519 {a}\ntwo ssh-ed25519 {b}\n\
             *.example.org,!bad.example.org ssh-ed25519 {a}\n\
             [port]:2222 ssh-ed25519 {a}\n\
             [*.ports.org]:* ssh-ed25519 {a}\n\
             @revoked * ssh-ed25519 {c}\n\
             @cert-authority *.ca.org ssh-ed25519 {b}\n\
             broken line\nbroken ssh-rsa %%%\n\
             {salted}"
        );
        let cases = [
            ("plain", 22, "ssh-ed25519", "A", "known"),
            ("PLAIN", 22, "ssh-ed25519", "A", "known"),
            ("10.0.0.1", 22, "ssh-ed25519", "A", "known"),
            ("plain", 22, "ssh-rsa", "B", "known"),
            ("plain", 22, "ssh-ed25519", "B", "changed kh:2"),
            ("plain", 22, "ecdsa-sha2-nistp256", "X", "unknown"),
            ("plain", 2222, "ssh-ed25519", "A", "unknown"),
            ("two", 22, "ssh-ed25519", "A", "known"),
            ("two", 22, "ssh-ed25519", "B", "known"),
            ("two", 22, "ssh-ed25519", "D", "changed kh:4 kh:5"),
            ("www.example.org", 22, "ssh-ed25519", "A", "known"),
            ("bad.example.org", 22, "ssh-ed25519", "A", "unknown"),
            ("port", 2222, "ssh-ed25519", "A", "known"),
            ("a.ports.org", 99, "ssh-ed25519", "A", "known"),
            ("plain", 22, "ssh-ed25519", "C", "revoked kh:9"),
            ("www.ca.org", 22, "ssh-ed25519", "B", "unknown"),
            ("hashed", 22, "ssh-ed25519", "A", "known"),
            ("hashed", 22, "ssh-ed25519", "B", "changed kh:13"),
            ("broken", 22, "ssh-rsa", "B", "unknown"),
        ];
        for (host, port, kind, bytes, want) in cases {
            let name = host_name(host, port);
            let got = match known(&text, &[&name]).check(&name, kind, bytes.as_bytes()) {
                Verdict::Known => "known".to_owned(),
                Verdict::Unknown => "unknown".to_owned(),
                Verdict::Revoked(entry) => format!("revoked {entry}"),
                Verdict::Changed(entries) => {
                    format!("changed {}", entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
                }
            };
            assert_eq!(got, want, "{host} {port} {kind} {bytes}");
        }
        let known = known(&text, &["plain", "x.ca.org"]);
        assert_eq!(known.key_types("plain"), ["ssh-ed25519", "ssh-rsa"]);
        assert_eq!(known.authorities("x.ca.org").count(), 1);
        assert_eq!(known.authorities("x.org").count(), 0);
        let lines: Vec<usize> = known.entries.iter().map(|e| e.line).collect();
        assert_eq!(lines, [2, 3, 9, 10], "only lines about these hosts are kept");
    }

    #[test]
    fn reads_what_ssh_keygen_hashed() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("kh");
        std::fs::write(&file, new_line("[web]:2222", "ssh-ed25519", b"A", None)).expect("written");
        let text = std::fs::read_to_string(&file).expect("read");
        // ssh-keygen refuses keys that are none; the name and its hash are what is compared here.
        let hashed = new_line("[web]:2222", "ssh-ed25519", b"A", Some([1; 20]));
        assert!(text.starts_with("[web]:2222 ssh-ed25519 ") && hashed.starts_with("|1|"));
        assert_eq!(known(&hashed, &["[web]:2222"]).check("[web]:2222", "ssh-ed25519", b"A"), Verdict::Known);
    }
}
