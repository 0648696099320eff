//! The bytes under a connection: a TCP socket, or the pipes of a `ProxyCommand`.

use super::Fault;
use super::plan::Plan;
use crate::remote::RemoteError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Anything that carries a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects by TCP: each address of the name in turn.
pub(super) async fn tcp(plan: &Plan) -> Result<TcpStream, Fault> {
    let (host, port, limit) = (plan.hostname.as_str(), plan.port, plan.connect_timeout);
    let addresses = match tokio::time::timeout(limit, lookup_host((host, port))).await {
        Ok(Ok(found)) => found.filter(|a| plan.ipv4.is_none_or(|v4| a.is_ipv4() == v4)).collect::<Vec<_>>(),
        Ok(Err(e)) => return Err(unresolved(host, &resolver_words(&e))),
        Err(_) => return Err(unresolved(host, "Connection timed out")),
    };
    let mut last = unresolved(host, "No address associated with hostname");
    let rounds = (0..plan.attempts).flat_map(|_| addresses.iter().copied());
    for address in rounds {
        match tokio::time::timeout(limit, open(plan, address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(e)) => last = refused(host, port, &e, limit),
            Err(_) => last = refused(host, port, &io::ErrorKind::TimedOut.into(), limit),
        }
    }
    Err(last)
}

async fn open(plan: &Plan, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bind) = &plan.bind_address {
        let ip: IpAddr = bind.parse().map_err(|_| io::Error::other(format!("BindAddress {bind} is not an address")))?;
        socket.bind(SocketAddr::new(ip, 0))?;
    }
    socket.connect(address).await
}

fn unresolved(host: &str, reason: &str) -> Fault {
    Fault::Temporary(
        RemoteError::ssh(format!("ssh: Could not resolve hostname {host}: {reason}"))
            .hint("set ansible_host to the address or the full name of the host, or check this machine's name service"),
    )
}

fn refused(host: &str, port: u16, error: &io::Error, limit: Duration) -> Fault {
    let reason = words(error);
    let message = RemoteError::ssh(format!("ssh: connect to host {host} port {port}: {reason}"));
    Fault::Temporary(match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            message.hint(format!("nothing listens there: is sshd running, and is {port} its port (ansible_port)?"))
        }
        io::ErrorKind::TimedOut => message.hint(format!(
            "nothing answered within {} s: is the host up, and does a firewall let port {port} through?",
            limit.as_secs().max(1)
        )),
        _ => message,
    })
}

/// The system's words without `(os error N)`.
pub(super) fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::TimedOut {
        return "Connection timed out".to_owned();
    }
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn resolver_words(error: &io::Error) -> String {
    let text = words(error);
    text.rsplit(": ").next().unwrap_or_default().to_owned()
}

/// Starts a `ProxyCommand`.
pub(super) fn proxy(command: &str) -> Result<ProxyStream, Fault> {
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("exec {command}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Fault::Final(RemoteError::ssh(format!("ProxyCommand `{command}`: {}", words(&e)))))?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok(ProxyStream { stdin, stdout, _child: child }),
        _ => Err(Fault::Final(RemoteError::ssh("ProxyCommand has no pipes"))),
    }
}

/// The pipes of a running `ProxyCommand`; it ends with them.
pub(super) struct ProxyStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    _child: Child,
}

impl AsyncRead for ProxyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for ProxyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}
