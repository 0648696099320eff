//! An OpenSSH server on loopback with its own keys, for one test; and an agent.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct Sshd {
    dir: TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// Starts one that knows the key `key` of its directory, and certificates of `ca`. `None` on a machine without OpenSSH,
    /// unless it is a CI machine: there it must be installed.
    pub fn start() -> Option<Self> {
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd"].into_iter().find(|p| Path::new(p).exists());
        let client = Command::new("ssh").arg("-V").stderr(Stdio::null()).status().is_ok();
        match program.filter(|_| client) {
            Some(program) => Some(Self::start_program(program)),
            None => {
                let need = "OpenSSH is needed (Debian: openssh-server, openssh-client)";
                assert!(std::env::var_os("CI").is_none(), "{need}");
                println!("skipped: {need}");
                None
            }
        }
    }

    fn start_program(program: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("tightbeam-sshd").tempdir().unwrap();
        let path = dir.path();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for (kind, name) in
            [("ed25519", "host_ed25519"), ("ecdsa", "host_ecdsa"), ("ed25519", "key"), ("ed25519", "ca")]
        {
            keygen(&["-t", kind, "-N", "", "-f"], &path.join(name));
        }
        let ca = path.join("ca").display().to_string();
        let host_key = path.join("host_ed25519.pub").display().to_string();
        run("ssh-keygen", &["-q", "-s", &ca, "-I", "host", "-h", "-n", "127.0.0.1", &host_key]);
        std::fs::copy(path.join("key.pub"), path.join("authorized_keys")).unwrap();
        if user() == "root" && !Path::new("/run/sshd").exists() {
            std::fs::DirBuilder::new().mode(0o755).create("/run/sshd").unwrap();
        }
        std::fs::create_dir(path.join("home")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let d = path.display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {d}/host_ed25519\nHostKey {d}/host_ecdsa\n\
             HostCertificate {d}/host_ed25519-cert.pub\nAuthorizedKeysFile {d}/authorized_keys\n\
             TrustedUserCAKeys {d}/ca.pub\nStrictModes no\nUsePAM no\nPidFile {d}/pid\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel VERBOSE\nPrintMotd no\nSetEnv HOME={d}/home\n"
        );
        std::fs::write(path.join("sshd_config"), config).unwrap();
        let log = std::fs::File::create(path.join("log")).unwrap();
        let child = Command::new(program)
            .args(["-D", "-e", "-f"])
            .arg(path.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Sshd { dir, port, child };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "sshd does not start: {}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
    pub fn port(&self) -> u16 {
        self.port
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.dir().join("log")).unwrap_or_default()
    }
    /// Variables that reach it.
    pub fn vars(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ansible_host", "127.0.0.1".to_owned()),
            ("ansible_port", self.port.to_string()),
            ("ansible_user", user()),
            ("ansible_ssh_private_key_file", self.dir().join("key").display().to_string()),
            ("ansible_ssh_common_args", "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null".to_owned()),
        ]
    }
    /// How many clients have authenticated.
    pub fn connections(&self) -> usize {
        self.log().lines().filter(|l| l.starts_with("Accepted publickey for ")).count()
    }
    pub fn authorize(&self, public: &Path) {
        let file = self.dir().join("authorized_keys");
        let both = std::fs::read_to_string(&file).unwrap() + &std::fs::read_to_string(public).unwrap();
        std::fs::write(file, both).unwrap();
    }
    /// Stops or continues every process of the server's connections.
    pub fn signal_sessions(&self, signal: &str) {
        for child in children(self.child.id()) {
            let all: Vec<String> = std::iter::once(child).chain(children(child)).map(|pid| pid.to_string()).collect();
            let _ = Command::new("kill").arg(format!("-{signal}")).args(all).status();
        }
    }
    /// Ends every connection as a host does that loses power, as far as one process can.
    pub fn kill_sessions(&self) {
        self.signal_sessions("KILL");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_sessions();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((own, rest)) = stat.rsplit_once(") ") else { continue };
        if rest.split(' ').nth(1) == Some(&pid.to_string()) {
            found.extend(own.split(' ').next().and_then(|p| p.parse::<u32>().ok()));
        }
    }
    found
}

pub struct Agent {
    socket: PathBuf,
    child: Child,
}

impl Agent {
    pub fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        while !socket.exists() {
            assert!(Instant::now() < until, "ssh-agent does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Agent { socket, child }
    }
    pub fn socket(&self) -> String {
        self.socket.display().to_string()
    }
    pub fn add(&self, key: &Path, passphrase: &str) {
        let ask = self.socket.with_extension("askpass");
        std::fs::write(&ask, format!("#!/bin/sh\necho '{passphrase}'\n")).unwrap();
        std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o755)).unwrap();
        let status = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", &ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn keygen(args: &[&str], file: &Path) {
    let file = file.display().to_string();
    run("ssh-keygen", &[&["-q"], args, &[&file]].concat());
}

pub fn run(program: &str, args: &[&str]) {
    let status = Command::new(program).args(args).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{program} {args:?}");
}

/// The user who runs the tests.
pub fn user() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}
