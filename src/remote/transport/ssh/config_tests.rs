//! Configuration files → settings; the same files through `ssh -G`.
#![allow(clippy::unwrap_used)]

use super::*;
use std::io::Write;
use std::process::Command;

/// The files of a directory that stands for the home.
struct Disk;

impl Source for Disk {
    fn read(&self, path: &Path) -> std::io::Result<Option<String>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }
    fn glob(&self, pattern: &Path) -> Vec<PathBuf> {
        crate::remote::transport::ssh::sources::glob(pattern)
    }
    fn succeeds(&self, command: &str) -> bool {
        Command::new("/bin/sh").arg("-c").arg(command).status().unwrap().success()
    }
}

const CONFIG: &str = r#"
# a comment
IgnoreUnknown Fancy*
FancyOption yes
Host web1
    HostName 10.0.0.1
    Port=2201
    User "deploy"   # trailing
    IdentityFile ~/.ssh/web_%r
    StrictHostKeyChecking accept-new
Host web? !web2
    ServerAliveInterval 7
    ProxyJump ops@bastion:2222
    User second
Host web2
    ProxyCommand nc -X 5 %h %p # not a comment
    UserKnownHostsFile /dev/null "/tmp/with space"
Match host 10.0.0.* user deploy
    ConnectTimeout 3
    HostKeyAlias web.internal
Match originalhost web3 exec "test %n = web3"
    HostName %h.example.org
    IdentitiesOnly yes
Match !originalhost web3 all
    ServerAliveCountMax 9
Match final host *.example.org
    CertificateFile ~/.ssh/cert
    LogLevel ERROR
Include extra_*.conf
Match all
Include extra_2.conf
Host *
    IdentityFile ~/.ssh/all
    User last
    Include inner
    SendEnv LANG LC_*
"#;

/// Keywords compared with `ssh -G`.
const COMPARED: &[&str] = &[
    "hostname",
    "port",
    "user",
    "identityfile",
    "proxyjump",
    "proxycommand",
    "stricthostkeychecking",
    "userknownhostsfile",
    "connecttimeout",
    "serveraliveinterval",
    "serveralivecountmax",
    "hostkeyalias",
    "identitiesonly",
    "certificatefile",
    "loglevel",
    "bindaddress",
    "hashknownhosts",
    "batchmode",
];

fn settings(dir: &Path, host: &str, options: &[(String, String)]) -> Result<Settings, String> {
    let local = Local { home: dir.to_owned(), user: "root".into(), hostname: "here".into(), uid: 0 };
    resolve(&Disk, &local, host, options, &[(dir.join("config"), true)])
}

fn write_files(dir: &Path) {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let config = CONFIG.replace("extra_*", &format!("{}/extra_*", dir.display()));
    let config = config.replace("Include inner", &format!("Include {}/inner", dir.display()));
    let config = config.replace("Include extra_2", &format!("Include {}/extra_2", dir.display()));
    write("config", &config);
    write("extra_1.conf", "BatchMode yes\nHost web4\n  Port 44\n");
    write("extra_2.conf", "Host web4\n  Port 45\n  BindAddress 127.0.0.9\n");
    write("inner", "HashKnownHosts yes\nHost web5\n  Port 55\n");
}

#[test]
fn agrees_with_openssh() {
    if Command::new("ssh").arg("-V").output().is_err() && std::env::var_os("CI").is_none() {
        println!("skipped: this test compares with the OpenSSH client, which is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    write_files(dir.path());
    for (host, flags) in [
        ("web1", ""),
        ("web2", ""),
        ("web3", ""),
        ("web4", ""),
        ("web5", ""),
        ("other", ""),
        ("WEB1", ""),
        ("web1", "-o User=x -o Port=1 -o ProxyCommand=none"),
        ("web3", "-o HostName=1.2.3.4 -i /etc/hostname -i /etc/passwd -J a,b"),
    ] {
        let words: Vec<String> = flags.split_whitespace().map(str::to_owned).collect();
        let options = crate::remote::transport::ssh_args::parse(&words).unwrap().options;
        let ours = settings(dir.path(), host, &options).unwrap();
        let config = dir.path().join("config");
        let theirs = Command::new("ssh").arg("-G").arg("-F").arg(&config).args(&words).arg(host).output();
        let theirs = theirs.expect("the OpenSSH client, which this test compares with");
        let text = String::from_utf8(theirs.stdout).unwrap();
        assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
        for keyword in COMPARED {
            let want: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix(&format!("{keyword} "))).collect();
            let got: Vec<String> = if ADDING.contains(keyword) {
                ours.list(keyword).to_vec()
            } else {
                ours.get(keyword).map(str::to_owned).into_iter().collect()
            };
            // What is not set shows as OpenSSH's default there.
            if got.is_empty() || got == ["none"] {
                continue;
            }
            let got: Vec<String> = got.iter().map(|v| spell(v, keyword)).collect();
            let want: Vec<String> = want.iter().map(|v| spell(v, keyword)).collect();
            assert_eq!(got, want, "{keyword} of {host} {flags}");
        }
    }
}

/// One spelling for values that OpenSSH prints in its own.
fn spell(value: &str, keyword: &str) -> String {
    let value = value.replace('"', "");
    match (keyword, value.as_str()) {
        ("stricthostkeychecking", "yes") => "true".to_owned(),
        _ => value,
    }
}

#[test]
fn faults_name_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config");
    let cases = [
        ("Host a\n Prot 22\n", "line 2: Bad configuration option: prot"),
        ("Match host\n", "line 1: missing argument to Match host"),
        ("Match moon full\n", "line 1: unsupported Match attribute moon"),
        ("User \"x\n", "line 1: a quote is not closed"),
        ("Port\n", "line 1: missing argument to port"),
    ];
    for (text, want) in cases {
        std::fs::write(&path, text).unwrap();
        let error = settings(dir.path(), "a", &[]).unwrap_err();
        assert_eq!(error, format!("{} {want}", path.display()));
    }
    let bad = [("nonsense".to_owned(), "1".to_owned())];
    std::fs::write(&path, "").unwrap();
    assert_eq!(settings(dir.path(), "a", &bad).unwrap_err(), "command-line: Bad configuration option: nonsense");
}

#[test]
fn tokens() {
    let local = Local { home: "/home/jane".into(), user: "jane".into(), hostname: "pc.lan".into(), uid: 7 };
    let tokens = Tokens { local: &local, host: "10.0.0.1", original: "web", user: "root", port: "22", alias: None };
    let cases = [
        ("nc %h %p", "nc 10.0.0.1 22"),
        ("%d/%n/%r/%u/%L/%l/%i/%%", "/home/jane/web/root/jane/pc/pc.lan/7/%"),
        ("plain", "plain"),
    ];
    for (text, want) in cases {
        assert_eq!(tokens.expand(text).as_deref(), Ok(want));
    }
    assert_eq!(tokens.path("~/.ssh/%r").unwrap(), Path::new("/home/jane/.ssh/root"));
    assert!(tokens.expand("%z").is_err() && tokens.expand("x%").is_err());
}
