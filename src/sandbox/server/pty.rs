//! Terminals of sessions: opening them as the client asks, and reading and writing without blocking.

use russh::Pty;
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize, tcgetattr, tcsetattr,
    tcsetwinsize,
};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::io::unix::AsyncFd;

/// What the client says about its terminal.
pub(super) struct Request {
    pub term: String,
    pub columns: u32,
    pub rows: u32,
    pub modes: Vec<(Pty, u32)>,
}

/// The controlling side of a terminal.
#[derive(Clone)]
pub(super) struct Terminal {
    master: Arc<AsyncFd<OwnedFd>>,
    name: Arc<str>,
}

/// A new terminal, and the side of it that is for the program.
pub(super) fn open(request: &Request) -> std::io::Result<(Terminal, File)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&master)?;
    let name = ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NOCTTY.bits().cast_signed());
    let slave = options.read(true).write(true).open(&name)?;
    let mut termios = tcgetattr(&slave)?;
    for (mode, value) in &request.modes {
        apply(&mut termios, *mode, *value);
    }
    tcsetattr(&slave, OptionalActions::Now, &termios)?;
    rustix::io::ioctl_fionbio(&master, true)?;
    // SAFETY: an owned descriptor stays open as long as it is registered.
    let master = unsafe { AsyncFd::register(master) }.map_err(std::io::Error::from)?;
    let terminal = Terminal { master: Arc::new(master), name: name.into() };
    terminal.resize(request.columns, request.rows);
    Ok((terminal, slave))
}

impl Terminal {
    /// `/dev/pts/N`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sets the size in characters; zero means that the client does not know.
    pub(super) fn resize(&self, columns: u32, rows: u32) {
        let part = |n: u32, or: u16| u16::try_from(n).ok().filter(|n| *n > 0).unwrap_or(or);
        let size = Winsize { ws_row: part(rows, 24), ws_col: part(columns, 80), ws_xpixel: 0, ws_ypixel: 0 };
        let _ = tcsetwinsize(self.master.get_ref(), size);
    }

    /// Reads what programs wrote; 0 when no program has the terminal open any more.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let mut ready = self.master.readable().await?;
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buffer)?)) {
                // The kernel's way to say that the other side is closed.
                Ok(Err(e)) if e.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => return Ok(0),
                Ok(result) => return result,
                Err(_not_ready) => {}
            }
        }
    }

    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.master.writable().await?;
            if let Ok(written) = ready.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), bytes)?)) {
                bytes = &bytes[written?..];
            }
        }
        Ok(())
    }

    /// The end of the client's input, as the program is to see it.
    pub(super) async fn end_input(&self) -> std::io::Result<()> {
        let termios = tcgetattr(self.master.get_ref())?;
        if !termios.local_modes.contains(LocalModes::ICANON) {
            return Ok(());
        }
        self.write_all(&[termios.special_codes[SpecialCodeIndex::VEOF]]).await
    }
}

/// Sets one of the modes that make a difference to programs (RFC 4254, 8).
fn apply(termios: &mut Termios, mode: Pty, value: u32) {
    let on = value != 0;
    match mode {
        Pty::ISIG => termios.local_modes.set(LocalModes::ISIG, on),
        Pty::ICANON => termios.local_modes.set(LocalModes::ICANON, on),
        Pty::ECHO => termios.local_modes.set(LocalModes::ECHO, on),
        Pty::ECHOE => termios.local_modes.set(LocalModes::ECHOE, on),
        Pty::ECHOK => termios.local_modes.set(LocalModes::ECHOK, on),
        Pty::ECHONL => termios.local_modes.set(LocalModes::ECHONL, on),
        Pty::IEXTEN => termios.local_modes.set(LocalModes::IEXTEN, on),
        Pty::ICRNL => termios.input_modes.set(InputModes::ICRNL, on),
        Pty::INLCR => termios.input_modes.set(InputModes::INLCR, on),
        Pty::IGNCR => termios.input_modes.set(InputModes::IGNCR, on),
        Pty::IXON => termios.input_modes.set(InputModes::IXON, on),
        Pty::IUTF8 => termios.input_modes.set(InputModes::IUTF8, on),
        Pty::OPOST => termios.output_modes.set(OutputModes::OPOST, on),
        Pty::ONLCR => termios.output_modes.set(OutputModes::ONLCR, on),
        Pty::VINTR => special(termios, SpecialCodeIndex::VINTR, value),
        Pty::VERASE => special(termios, SpecialCodeIndex::VERASE, value),
        Pty::VEOF => special(termios, SpecialCodeIndex::VEOF, value),
        _ => {}
    }
}

/// 255 means that the client has no such character.
fn special(termios: &mut Termios, index: SpecialCodeIndex, value: u32) {
    termios.special_codes[index] = u8::try_from(value).ok().filter(|v| *v != 255).unwrap_or(0);
}
