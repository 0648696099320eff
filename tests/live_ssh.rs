//! Against real OpenSSH servers on loopback, started here: every way in, and every way it can go wrong.
#![allow(clippy::unwrap_used)]

#[path = "support/sshd.rs"]
mod sshd;

use serde_json::json;
use sshd::{Sshd, keygen, run};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tightbeam::names::HostName;
use tightbeam::remote::transport::ssh::SshOptions;
use tightbeam::remote::{ConnectionDefaults, Content, Pool, PoolOptions, RawOptions, RemoteError, Target};
use tightbeam::value::Value;
use tightbeam_modules::contract::validate;
use tightbeam_modules::contract::wire::{Job, Reply, Request};

fn target(vars: &[(&str, String)]) -> Target {
    let vars: BTreeMap<&str, String> = vars.iter().cloned().collect();
    let look_up = |name: &str| Ok(vars.get(name).map(|v| Value::from(v.as_str())));
    Target::new(&HostName::new("live"), &look_up, &ConnectionDefaults::default()).unwrap()
}

/// A pool that sees only the test's directory: no agent, no configuration of this machine's.
fn pool(dir: &Path, agent: Option<&str>) -> Pool {
    let ssh = SshOptions {
        agent: agent.map(Into::into),
        user_config: Some(dir.join("config")),
        system_config: Some(dir.join("no-system-config")),
        ..SshOptions::default()
    };
    Pool::new(PoolOptions { ssh, ..PoolOptions::default() })
}

fn request(module: &str, args: serde_json::Value) -> Request {
    let module = format!("ansible.builtin.{module}");
    let spec = tightbeam_modules::catalogue::find(&module).unwrap().spec;
    let args = validate(spec, args.as_object().unwrap().clone()).unwrap();
    Request { module, args, ..Request::default() }
}

async fn stdout(pool: &Pool, target: &Target, command: &str) -> Result<String, RemoteError> {
    let out = pool.raw(target, command, RawOptions::default()).await?;
    Ok(String::from_utf8(out.stdout).unwrap())
}

async fn error(pool: &Pool, vars: &[(&str, String)]) -> RemoteError {
    pool.connect(&target(vars)).await.unwrap_err()
}

fn values(reply: Reply) -> serde_json::Map<String, serde_json::Value> {
    match reply {
        Reply::Outcome(outcome) => outcome.values,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_run_over_one_session() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let pong = pool.call(&target, request("ping", json!({"data": "pong"})), Content::none()).await.unwrap();
    assert_eq!(values(pong)["ping"], "pong");
    let started = Instant::now();
    let calls = (0..200).map(|i| pool.call(&target, request("ping", json!({"data": format!("{i}")})), Content::none()));
    for (i, reply) in futures::future::join_all(calls).await.into_iter().enumerate() {
        assert_eq!(values(reply.unwrap())["ping"], i.to_string());
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(server.connections(), 1);
    pool.close().await;
}

/// Starts background work over a connection of its own, which is closed then; gives the job's name.
async fn begin(server: &Sshd, command: &str, dir: &Path, limit: u64) -> String {
    let pool = pool(server.dir(), None);
    let job = Job { id: "j1".into(), dir: dir.display().to_string(), limit, printed: false };
    let request = Request { job: Some(job), ..request("shell", json!({"_raw_params": command})) };
    let begun = values(pool.call(&target(&server.vars()), request, Content::none()).await.unwrap());
    pool.close().await;
    assert_eq!((&begun["started"], &begun["finished"]), (&json!(true), &json!(false)));
    begun["ansible_job_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn background_work_outlives_its_connection_and_ends_in_time() {
    let Some(server) = Sshd::start() else { return };
    let (dir, open) = (server.dir().join("jobs/of/it"), server.dir().join("open"));
    let wait = format!("until [ -e {0} ]; do sleep 0.05; done; echo $0 $$", open.display());
    let (patient, hasty) = (begin(&server, &wait, &dir, 60).await, begin(&server, "sleep 61.5", &dir, 1).await);
    let (pool, target) = (pool(server.dir(), None), target(&server.vars()));
    let ask = async |job: &str, mode: &str| {
        let args = json!({"jid": job, "mode": mode, "_async_dir": dir.display().to_string()});
        pool.call(&target, request("async_status", args), Content::none()).await.unwrap()
    };
    assert_eq!(values(ask(&patient, "status").await)["job"]["finished"], false);
    std::fs::write(&open, "").unwrap();
    let ended = async |job: &str| {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let data = values(ask(job, "status").await)["job"].clone();
            if data["finished"] == true || Instant::now() > until {
                return data;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (first, second) = (ended(&patient).await, ended(&hasty).await);
    assert_eq!((&first["rc"], &first["changed"], &first["failed"]), (&json!(0), &json!(true), &json!(null)));
    assert_eq!((&second["msg"], &second["failed"]), (&json!("Timeout exceeded"), &json!(true)));
    let left = stdout(&pool, &target, "pgrep -fx 'sleep 61.5' || echo none").await.unwrap();
    assert_eq!(left.trim(), "none", "what the job started goes with it");
    let private = std::fs::metadata(dir.join(&patient)).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&private.permissions()) & 0o777, 0o600);
    assert_eq!(values(ask(&patient, "cleanup").await)["erased"], dir.join(&patient).display().to_string());
    let Reply::Failure(gone) = ask(&patient, "status").await else { panic!("it is still there") };
    assert_eq!(gone.msg, "could not find job");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_tells_status_output_and_errors_apart() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let options = RawOptions { stdin: b"in".to_vec(), ..RawOptions::default() };
    let out = pool.raw(&target, "cat; echo \"it's\" >&2; exit 3", options).await.unwrap();
    assert_eq!((out.rc, out.stdout.as_slice(), out.stderr.as_slice()), (3, &b"in"[..], &b"it's\n"[..]));
    let out = pool.raw(&target, "kill -TERM $$", RawOptions::default()).await.unwrap();
    assert_eq!(out.rc, 143);
    let pty = RawOptions { pty: true, ..RawOptions::default() };
    let out = pool.raw(&target, "test -t 0 && echo terminal", pty).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "terminal");
}

/// sshd allows ten sessions on a connection unless told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn more_sessions_than_a_connection_carries_go_over_another() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let helper = stdout(&pool, &target, "echo first").await.unwrap();
    let each = (0..15).map(|i| {
        let (pool, target) = (&pool, &target);
        let command = format!("sleep 1; echo {i}");
        async move { pool.raw(target, &command, RawOptions::default()).await.unwrap().stdout }
    });
    let out = futures::future::join_all(each).await;
    let text: Vec<_> = out.iter().map(|o| String::from_utf8_lossy(o).trim().to_owned()).collect();
    assert_eq!(text, (0..15).map(|i| i.to_string()).collect::<Vec<_>>());
    assert_eq!((helper.as_str(), server.connections()), ("first\n", 2));
    // What began on the first one goes on there.
    assert_eq!(stdout(&pool, &target, "echo again").await.unwrap(), "again\n");
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_content_arrives_whole_both_ways() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let bytes: Vec<u8> = (0..30_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let source = server.dir().join("source");
    std::fs::write(&source, &bytes).unwrap();
    let mut content = Content::none();
    let blob = content.file(&source).unwrap();
    let dest = server.dir().join("dest");
    let args = json!({"dest": dest, "_content": blob});
    values(pool.call(&target, request("copy", args), content).await.unwrap());
    assert_eq!(std::fs::read(&dest).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_in_words() {
    let Some(server) = Sshd::start() else { return };
    let other = server.dir().join("other");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &other);
    let pool = pool(server.dir(), None);
    let mut vars = server.vars();
    vars.push(("ansible_ssh_private_key_file", other.display().to_string()));
    let e = error(&pool, &vars).await;
    let user = sshd::user();
    let want = format!("Failed to connect to the host via ssh: {user}@127.0.0.1: Permission denied (publickey).");
    assert_eq!(e.to_string(), want);
    assert!(e.hints()[0].starts_with("tried ssh-ed25519 SHA256:"), "{:?}", e.hints());
    vars.push(("ansible_ssh_private_key_file", "/nonexistent/key".to_owned()));
    let e = error(&pool, &vars).await;
    assert_eq!(e.hints()[0], "tried /nonexistent/key No such file or directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn host_keys_are_verified() {
    let Some(server) = Sshd::start() else { return };
    let known = server.dir().join("kh");
    let checked = |mode: &str| {
        let mut vars = server.vars();
        let args = format!("-o StrictHostKeyChecking={mode} -o UserKnownHostsFile={}", known.display());
        vars.push(("ansible_ssh_common_args", args));
        vars
    };
    let e = error(&pool(server.dir(), None), &checked("ask")).await;
    let name = format!("[127.0.0.1]:{}", server.port());
    let unknown = format!("Host key verification failed: no ED25519 host key is known for {name} (it sends SHA256:");
    assert!(e.to_string().contains(&unknown), "{e}");
    assert!(e.hints()[0].contains(&format!("ssh-keyscan -p {} 127.0.0.1 >> {}", server.port(), known.display())));
    assert!(!known.exists());

    pool(server.dir(), None).connect(&target(&checked("accept-new"))).await.unwrap();
    let line = std::fs::read_to_string(&known).unwrap();
    assert!(line.starts_with(&name) && line.lines().count() == 1, "{line}");
    pool(server.dir(), None).connect(&target(&checked("yes"))).await.unwrap();
    assert_eq!(std::fs::read_to_string(&known).unwrap(), line);

    let other = server.dir().join("other_host_key");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &other);
    let public = std::fs::read_to_string(other.with_extension("pub")).unwrap();
    std::fs::write(&known, format!("# old\n{name} {public}")).unwrap();
    let e = error(&pool(server.dir(), None), &checked("accept-new")).await;
    let text = e.to_string();
    let changed = format!("Host key verification failed: the ED25519 host key of {name} has changed: it sends SHA256:");
    assert!(text.contains(&changed), "{text}");
    assert!(text.contains(&format!("but {}:2 has SHA256:", known.display())), "{text}");
    assert!(e.hints()[1].ends_with(&format!("ssh-keygen -f {} -R '{name}'", known.display())), "{:?}", e.hints());

    // A key of another type is no change, and the known type is asked for first.
    let rsa = std::fs::read_to_string(server.dir().join("host_ecdsa.pub")).unwrap();
    std::fs::write(&known, format!("{name} {rsa}")).unwrap();
    pool(server.dir(), None).connect(&target(&checked("yes"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn host_certificates_of_a_known_authority() {
    let Some(server) = Sshd::start() else { return };
    let known = server.dir().join("kh");
    let authority = std::fs::read_to_string(server.dir().join("ca.pub")).unwrap();
    let mut vars = server.vars();
    let args = format!("-o StrictHostKeyChecking=yes -o UserKnownHostsFile={}", known.display());
    vars.push(("ansible_ssh_common_args", args));
    std::fs::write(&known, format!("@cert-authority [127.0.0.1]:* {authority}")).unwrap();
    pool(server.dir(), None).connect(&target(&vars)).await.unwrap();
    vars.push(("ansible_host", "localhost".to_owned()));
    std::fs::write(&known, format!("@cert-authority [localhost]:* {authority}")).unwrap();
    let e = error(&pool(server.dir(), None), &vars).await;
    assert!(e.to_string().ends_with("is for 127.0.0.1, not for localhost"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_agents_and_passphrases() {
    let Some(server) = Sshd::start() else { return };
    let dir = server.dir();
    // A certificate of an authority that the server trusts; the key itself is not authorised.
    let key = dir.join("certified");
    keygen(&["-t", "ecdsa", "-N", "", "-f"], &key);
    let ca = dir.join("ca").display().to_string();
    run("ssh-keygen", &["-q", "-s", &ca, "-I", "me", "-n", &sshd::user(), &format!("{}.pub", key.display())]);
    let mut vars = server.vars();
    vars.push(("ansible_ssh_private_key_file", key.display().to_string()));
    pool(dir, None).connect(&target(&vars)).await.unwrap();

    // An RSA key with a passphrase.
    let locked = dir.join("locked");
    keygen(&["-t", "rsa", "-b", "2048", "-N", "open sesame", "-f"], &locked);
    server.authorize(&locked.with_extension("pub"));
    vars.push(("ansible_ssh_private_key_file", locked.display().to_string()));
    let e = error(&pool(dir, None), &vars).await;
    let want = format!("tried {} needs a passphrase: add it to an agent (ssh-add)", locked.display());
    assert_eq!(e.hints()[0], want);
    vars.push(("ansible_ssh_private_key_passphrase", "open sesame".to_owned()));
    pool(dir, None).connect(&target(&vars)).await.unwrap();
    vars.pop();

    // The same key from an agent; the file's public half says which.
    let agent = sshd::Agent::start(dir);
    agent.add(&locked, "open sesame");
    let sock = agent.socket();
    pool(dir, Some(&sock)).connect(&target(&vars)).await.unwrap();
    vars.retain(|(name, _)| *name != "ansible_ssh_private_key_file");
    pool(dir, Some(&sock)).connect(&target(&vars)).await.unwrap();

    // A key that others can read.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir.join("key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let e = error(&pool(dir, None), &server.vars()).await;
    assert!(e.hints()[0].contains("its permissions 0644 are too open"), "{:?}", e.hints());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let vars = |host: &str, port: u16| {
        vec![
            ("ansible_host", host.to_owned()),
            ("ansible_port", port.to_string()),
            ("ansible_ssh_timeout", "1".to_owned()),
            ("ansible_host_key_checking", "false".to_owned()),
        ]
    };
    let cases = [
        ("127.0.0.1", free, format!("ssh: connect to host 127.0.0.1 port {free}: Connection refused")),
        (
            "127.0.0.1",
            silent_port,
            format!("Connection timed out during banner exchange with 127.0.0.1 port {silent_port}"),
        ),
        ("no-such-host.invalid", 22, "ssh: Could not resolve hostname no-such-host.invalid: ".to_owned()),
    ];
    for (host, port, want) in cases {
        let started = Instant::now();
        let e = error(&pool(dir.path(), None), &vars(host, port)).await;
        assert!(e.to_string().starts_with(&format!("Failed to connect to the host via ssh: {want}")), "{e}");
        assert!(e.is_unreachable() && !e.hints().is_empty());
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jumps_and_proxies_lead_on() {
    let (Some(inner), Some(outer)) = (Sshd::start(), Sshd::start()) else { return };
    let dir = inner.dir();
    let config = format!(
        "Host bastion\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\nHost *\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n",
        outer.port(),
        outer.dir().join("key").display()
    );
    std::fs::write(dir.join("config"), config).unwrap();
    let pool = pool(dir, None);
    let via = |args: &str| {
        let mut vars = inner.vars();
        vars.push(("ansible_ssh_common_args", args.to_owned()));
        target(&vars)
    };
    let jump = via("-J bastion");
    let said = stdout(&pool, &jump, "echo $SSH_CONNECTION").await.unwrap();
    assert!(said.trim().ends_with(&format!("127.0.0.1 {}", inner.port())), "{said}");
    assert_eq!((inner.connections(), outer.connections()), (1, 1));
    // Another host behind the same jump host shares its connection.
    let twice = via(&format!("-J bastion,{}@127.0.0.1:{}", sshd::user(), outer.port()));
    let _ = pool.connect(&twice).await;
    pool.connect(&via("-J bastion -o ServerAliveInterval=9")).await.unwrap();
    assert_eq!(outer.connections(), 1);
    let command = format!("ssh -F {} -o IdentitiesOnly=yes -W %h:%p bastion", dir.join("config").display());
    let proxied = via(&format!("-o ProxyCommand='{command}'"));
    assert_eq!(stdout(&pool, &proxied, "echo there").await.unwrap(), "there\n");
    let e = pool.connect(&via("-o ProxyCommand=false")).await.unwrap_err();
    assert!(e.hints()[0].contains("the ProxyCommand was `false`"), "{e:?}");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_in_the_middle_is_unreachable_and_may_come_back() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let started = Instant::now();
    let mark = server.dir().join("started");
    let slow = request("shell", json!({"_raw_params": format!("touch {}; sleep 60", mark.display())}));
    let call = pool.call(&target, slow, Content::none());
    let kill = async {
        while !mark.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.kill_sessions();
    };
    let (reply, ()) = tokio::join!(call, kill);
    let e = reply.unwrap_err();
    assert!(e.is_unreachable(), "{e:?}");
    assert_eq!(e.to_string(), "Failed to connect to the host via ssh: Connection closed by the remote host");
    assert!(started.elapsed() < Duration::from_secs(30));
    let pong = pool.call(&target, request("ping", json!({"data": "pong"})), Content::none()).await.unwrap();
    assert_eq!(values(pong)["ping"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn become_waits_for_its_prompt_and_passes_bytes_through() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let sudo = server.dir().join("sudo");
    // A sudo that asks on stderr, reads one line of its input, and hands the rest on.
    std::fs::write(
        &sudo,
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in -p) prompt=$2; shift 2;; -u) shift 2;; -*) shift;; *) break;; esac; done\n\
         n=0; while [ $n -lt 3 ]; do printf %s \"$prompt\" >&2; read -r line || exit 1\n\
         [ \"$line\" = right ] && exec \"$@\"; echo 'Sorry, try again.' >&2; n=$((n+1)); done; exit 1\n",
    )
    .unwrap();
    run("chmod", &["755", &sudo.display().to_string()]);
    let with = |password: &str| {
        let mut vars = server.vars();
        vars.push(("ansible_become", "true".to_owned()));
        vars.push(("ansible_become_user", "nobody".to_owned()));
        vars.push(("ansible_become_exe", sudo.display().to_string()));
        vars.push(("ansible_become_password", password.to_owned()));
        target(&vars)
    };
    assert_eq!(stdout(&pool, &with("right"), "echo '  done'").await.unwrap(), "  done\n");
    let pong = pool.call(&with("right"), request("ping", json!({"data": "pong"})), Content::none()).await.unwrap();
    assert_eq!(values(pong)["ping"], "pong");
    let e = stdout(&pool, &with("wrong"), "id").await.unwrap_err();
    assert_eq!(e.to_string(), "Incorrect sudo password");
    let e = pool.call(&with("wrong"), request("ping", json!({})), Content::none()).await.unwrap_err();
    assert_eq!(e.to_string(), "Incorrect sudo password");
    assert!(!e.is_unreachable());
}

#[tokio::test(flavor = "multi_thread")]
async fn live_output_and_cancelling() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let target = target(&server.vars());
    let mark = server.dir().join("still-running");
    let script = format!("echo one; echo two; sleep 20; touch {}", mark.display());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let heard = lines.clone();
    let mut content = Content::none();
    content.on_progress(Arc::new(move |line| heard.lock().unwrap().push(line.to_owned())));
    let args = json!({"_raw_params": script});
    let call = pool.call(&target, request("shell", args), content);
    assert!(tokio::time::timeout(Duration::from_secs(3), call).await.is_err(), "the call was to be cancelled");
    let pong = pool.call(&target, request("ping", json!({"data": "pong"})), Content::none()).await.unwrap();
    assert_eq!(values(pong)["ping"], "pong");
    let left = stdout(&pool, &target, "sleep 1; pgrep -f 'sleep 2[0]; touch' || true").await.unwrap();
    assert_eq!(left, "", "the processes of a cancelled call end");
    assert!(!mark.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn su_that_insists_on_a_terminal_gets_one() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let su = server.dir().join("su");
    std::fs::write(
        &su,
        "#!/bin/sh\n[ -t 0 ] || { echo 'su: must be run from a terminal' >&2; exit 1; }\n\
         stty -echo; printf 'Passwort: '; read -r line; stty echo; echo\n\
         [ \"$line\" = right ] && exec sh -c \"$3\"\necho 'su: Authentication failure'; exit 1\n",
    )
    .unwrap();
    run("chmod", &["755", &su.display().to_string()]);
    let with = |password: &str| {
        let mut vars = server.vars();
        vars.push(("ansible_become", "true".to_owned()));
        vars.push(("ansible_become_user", "nobody".to_owned()));
        vars.push(("ansible_become_method", "su".to_owned()));
        vars.push(("ansible_become_exe", su.display().to_string()));
        vars.push(("ansible_become_password", password.to_owned()));
        target(&vars)
    };
    // Every byte has to get through the terminal unchanged.
    let bytes: Vec<u8> = (0..300_000u32).map(|i| (i % 256) as u8).collect();
    let mut content = Content::none();
    let blob = content.bytes(bytes.clone());
    let dest = server.dir().join("through");
    let args = json!({"dest": dest, "_content": blob});
    values(pool.call(&with("right"), request("copy", args), content).await.unwrap());
    assert_eq!(std::fs::read(&dest).unwrap(), bytes);
    let e = pool.call(&with("wrong"), request("ping", json!({})), Content::none()).await.unwrap_err();
    assert_eq!(e.to_string(), "Incorrect su password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_falls_silent_is_given_up() {
    let Some(server) = Sshd::start() else { return };
    let pool = pool(server.dir(), None);
    let mut vars = server.vars();
    let alive =
        "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ServerAliveInterval=1 -o ServerAliveCountMax=1";
    vars.push(("ansible_ssh_common_args", alive.to_owned()));
    let target = target(&vars);
    pool.call(&target, request("ping", json!({})), Content::none()).await.unwrap();
    server.signal_sessions("STOP");
    // More than the window holds, so that the writer is stuck as well.
    let mut content = Content::none();
    let blob = content.bytes(vec![1u8; 20_000_000]);
    let args = json!({"dest": server.dir().join("x"), "_content": blob});
    let started = Instant::now();
    let e = pool.call(&target, request("copy", args), content).await.unwrap_err();
    assert!(e.is_unreachable() && e.to_string().contains("does not answer any more"), "{e}");
    assert!(started.elapsed() < Duration::from_secs(10));
    server.signal_sessions("CONT");
    pool.call(&target, request("ping", json!({})), Content::none()).await.unwrap();
}
