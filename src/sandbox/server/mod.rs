//! The SSH server of a host. This folder and `remote/transport/ssh*` are the only places that may name russh.

pub(super) mod keys;
mod process;
mod pty;
mod session;

use super::SandboxError;
use super::host::{tell, words};
use process::{Environment, Program};
use pty::Request;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Where programs are looked for, as sshd sets it for root.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where systems keep the server side of SFTP.
const SFTP: [&str; 4] = [
    "/usr/lib/openssh/sftp-server",
    "/usr/libexec/openssh/sftp-server",
    "/usr/lib/ssh/sftp-server",
    "/usr/libexec/sftp-server",
];

/// Serves on a port of 127.0.0.1 that the kernel chooses, and tells it, until the host ends.
pub(super) fn run(name: &str) -> Result<ExitCode, SandboxError> {
    let failed = |e: std::io::Error| SandboxError::new(format!("the SSH server of {name} does not start: {e}"), "");
    let host_key = keys::read_private("/etc/ssh/ssh_host_ed25519_key")?;
    let client = keys::read_public("/root/.ssh/authorized_keys")?;
    let _ = std::env::set_current_dir("/");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        tell(words::READY, &port.to_string());
        // The starting process reads until the end of our output.
        let null = std::fs::OpenOptions::new().write(true).open("/dev/null").map_err(failed)?;
        rustix::stdio::dup2_stdout(&null).map_err(|e| failed(e.into()))?;
        serve(listener, Arc::new(config(host_key)), Arc::new(client)).await
    })
}

fn config(host_key: PrivateKey) -> Config {
    Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        auth_rejection_time: Duration::from_millis(200),
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![host_key],
        inactivity_timeout: None,
        nodelay: true,
        channel_buffer_size: 256,
        ..Config::default()
    }
}

async fn serve(listener: TcpListener, config: Arc<Config>, client: Arc<PublicKey>) -> ! {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors: those of ended sessions come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().unwrap_or(peer);
        let visitor = Visitor { client: Arc::clone(&client), peer, local, channels: HashMap::new() };
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            if let Ok(session) = russh::server::run_stream(config, stream, visitor).await {
                let _ = session.await;
            }
        });
    }
}

/// One connection.
struct Visitor {
    /// The only key that opens the host.
    client: Arc<PublicKey>,
    peer: SocketAddr,
    local: SocketAddr,
    /// Channels on which nothing runs yet.
    channels: HashMap<ChannelId, Waiting>,
}

/// A session channel before its program starts.
struct Waiting {
    channel: Channel<Msg>,
    environment: Environment,
    pty: Option<Request>,
}

impl Visitor {
    fn judge(&self, user: &str, key: &PublicKey) -> Auth {
        if user == "root" && key.key_data() == self.client.key_data() { Auth::Accept } else { Auth::reject() }
    }

    /// Starts a program on a channel and answers the request for it.
    fn start(&mut self, id: ChannelId, program: &Program, session: &mut Session) -> Result<(), russh::Error> {
        let Some(waiting) = self.channels.remove(&id) else { return session.channel_failure(id) };
        let mut environment = waiting.environment;
        environment.connection(self.peer, self.local);
        match process::start(program, environment, waiting.pty) {
            Ok(process) => {
                session.channel_success(id)?;
                tokio::spawn(session::run(process, waiting.channel, session.handle()));
                Ok(())
            }
            Err(error) => {
                session.extended_data(id, 1, format!("sandbox: {error}\n").into_bytes())?;
                session.channel_failure(id)?;
                session.close(id)
            }
        }
    }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, russh::Error> {
        Ok(self.judge(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        Ok(self.judge(user, key.public_key))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        let waiting = Waiting { environment: Environment::of_root(), pty: None, channel };
        self.channels.insert(waiting.channel.id(), waiting);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        let address = (host.to_owned(), u16::try_from(port).unwrap_or_default());
        tokio::spawn(async move {
            // Dropping the reply refuses.
            if let Ok(mut there) = TcpStream::connect(address).await {
                reply.accept().await;
                let _ = tokio::io::copy_bidirectional(&mut channel.into_stream(), &mut there).await;
            }
        });
        Ok(())
    }

    async fn channel_close(&mut self, id: ChannelId, _session: &mut Session) -> Result<(), russh::Error> {
        self.channels.remove(&id);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(waiting) = self.channels.get_mut(&id) else { return session.channel_failure(id) };
        waiting.pty = Some(Request { term: term.to_owned(), columns, rows, modes: modes.to_vec() });
        session.channel_success(id)
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.channels.get_mut(&id).map(|w| w.environment.offered(name, value)) {
            Some(true) => session.channel_success(id),
            _ => session.channel_failure(id),
        }
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.start(id, &Program::Shell, session)
    }

    async fn exec_request(&mut self, id: ChannelId, data: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        self.start(id, &Program::Command(data.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let server = SFTP.iter().find(|p| name == "sftp" && std::path::Path::new(p).exists());
        match server {
            Some(path) => self.start(id, &Program::Command(path.as_bytes().to_vec()), session),
            None => session.channel_failure(id),
        }
    }

    // Signals and window changes of running programs reach them through their channel (`session::run`).
    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if let Some(pty) = self.channels.get_mut(&id).and_then(|w| w.pty.as_mut()) {
            (pty.columns, pty.rows) = (columns, rows);
        }
        Ok(())
    }
}

/// Tells the client that a program was ended by a signal.
async fn tell_signal(handle: &Handle, id: ChannelId, number: i32, core: bool) {
    let name = process::signal_name(number);
    let _ = handle.exit_signal_request(id, name, core, String::new(), String::new()).await;
}
