//! Commands that need no helper: the `raw` module, and whatever runs before a helper can.

use super::escalate::prompt::{Entered, enter};
use super::escalate::wrap;
use super::transport::{Ended, Exec, Piece, Transport};
use super::{RemoteError, Target};
use bytes::Bytes;

/// How a raw command runs.
#[derive(Clone, Debug, Default)]
pub struct RawOptions {
    /// The shell; the target's unless given. The command is always run through one.
    pub executable: Option<String>,
    /// Written to the command's standard input, then end of input.
    pub stdin: Vec<u8>,
    /// Whether the command gets a terminal; output and errors are one stream then.
    pub pty: bool,
    /// The command holds what nobody may read: it is not told.
    pub quiet: bool,
}

/// What a raw command said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOutput {
    /// Exit status; a signal's number + 128.
    pub rc: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Runs `command` on the host as the target's user. `id` is unique to this command.
pub(super) async fn run(
    transport: &dyn Transport,
    target: &Target,
    command: &str,
    options: &RawOptions,
    id: &str,
) -> Result<RawOutput, RemoteError> {
    let escalation = target.escalation.as_deref();
    let marker = format!("BECOME-SUCCESS-{id}");
    let script = match escalation {
        Some(_) => format!("echo {marker}; {command}"),
        None => command.to_owned(),
    };
    let shell = options.executable.as_deref().unwrap_or(&target.shell_executable);
    let wrapped = wrap(escalation, shell, &script, id).map_err(RemoteError::escalation)?;
    let mut pty = options.pty;
    loop {
        let mut process = transport.exec(Exec { command: wrapped.command.clone(), pty }).await?;
        let mut out = RawOutput::default();
        if escalation.is_some() {
            match enter(&mut process, escalation, wrapped.prompt.as_deref(), &marker, target.become_limit).await? {
                Entered::Marker(rest) => {
                    let line_end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
                    out.stdout = rest[line_end..].to_vec();
                }
                Entered::NeedsTerminal if !pty && transport.has_pty() => {
                    pty = true;
                    continue;
                }
                Entered::NeedsTerminal => {
                    return Err(RemoteError::escalation("becoming another user needs a terminal on this host"));
                }
            }
        }
        let stdin = Bytes::copy_from_slice(&options.stdin);
        let mut input = process.input;
        let feed = async move {
            if !stdin.is_empty() {
                // A command that does not read its input is no fault.
                let _ = input.write(stdin).await;
            }
            if !pty {
                input.end().await;
            }
            std::future::pending::<std::convert::Infallible>().await
        };
        let mut output = process.output;
        let read = async {
            loop {
                match output.next().await {
                    Piece::Out(bytes) => out.stdout.extend_from_slice(&bytes),
                    Piece::Err(bytes) => out.stderr.extend_from_slice(&bytes),
                    Piece::End(Ended::Code(code)) => break Ok(code),
                    Piece::End(Ended::Signal(signal)) => break Ok(128 + signal_number(&signal)),
                    Piece::End(Ended::Lost(reason)) => break Err(RemoteError::ssh(reason)),
                }
            }
        };
        let rc = tokio::select! {
            rc = read => rc?,
            never = feed => match never {},
        };
        out.rc = rc;
        return Ok(out);
    }
}

/// The number of a signal by SSH's name for it, or by its number.
fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => 1,
        "INT" => 2,
        "QUIT" => 3,
        "ILL" => 4,
        "ABRT" => 6,
        "FPE" => 8,
        "KILL" => 9,
        "USR1" => 10,
        "SEGV" => 11,
        "USR2" => 12,
        "PIPE" => 13,
        "ALRM" => 14,
        "TERM" => 15,
        other => other.parse().unwrap_or(0),
    }
}
