//! The screen: stdout for data, stderr for talk, and one line of progress where both are a terminal.

use crate::names::HostName;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// The line of progress of the process's terminal, and how many questions keep it away at the moment.
static SHOWN: Mutex<(Option<ProgressBar>, usize)> = Mutex::new((None, 0));

fn shown() -> MutexGuard<'static, (Option<ProgressBar>, usize)> {
    SHOWN.lock().unwrap_or_else(|e| e.into_inner())
}

fn target() -> ProgressDrawTarget {
    ProgressDrawTarget::stderr_with_hz(10)
}

/// No line of progress is drawn while one of these lives: somebody is asked something.
pub struct Quiet;

impl Quiet {
    #[expect(clippy::new_without_default, reason = "it acts")]
    pub fn new() -> Self {
        let mut shown = shown();
        shown.1 += 1;
        if let (Some(bar), 1) = (&shown.0, shown.1) {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            let mut err = std::io::stderr();
            drop(write!(err, "\r\x1b[2K").and_then(|()| err.flush()));
        }
        Quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut shown = shown();
        shown.1 -= 1;
        if let (Some(bar), 0) = (&shown.0, shown.1) {
            bar.set_draw_target(target());
        }
    }
}

/// Where reporters write. Tests take what was written from a buffer.
pub struct Screen {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    bar: Option<ProgressBar>,
}

impl Screen {
    /// The process's own streams; `progress` = show the line of progress.
    pub fn terminal(progress: bool) -> Self {
        let bar = progress.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), target());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {pos}/{len} hosts, {elapsed}") {
                bar.set_style(style);
            }
            shown().0 = Some(bar.clone());
            bar
        });
        Screen { out: Box::new(std::io::stdout()), err: Box::new(std::io::stderr()), bar }
    }
    pub fn to(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        Screen { out, err, bar: None }
    }
    /// Writes text and a newline to stdout.
    pub fn line(&mut self, text: &str) {
        let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
        let out = &mut self.out;
        // A closed pipe (`| head`) is the reader's choice; the run goes on.
        let mut write = || drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
    /// Writes text and a newline to stderr.
    pub fn talk(&mut self, text: &str) {
        let err = &mut self.err;
        let mut write = || drop(writeln!(err, "{}", text.trim_end_matches('\n')).and_then(|()| err.flush()));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
    pub fn task(&mut self, name: &str, hosts: usize) {
        if let Some(bar) = &self.bar {
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.reset();
            bar.set_length(hosts as u64);
            bar.set_prefix(name.to_owned());
        }
    }
    pub fn host_done(&mut self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }
    /// A line of a program that runs on a host, as a terminal would show it at its end.
    pub fn live(&mut self, host: &HostName, line: &str) {
        let last = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
        let plain = console::strip_ansi_codes(last);
        let text: String = plain.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        self.talk(&format!("{host} | {text}"));
    }
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            shown().0 = None;
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_of_programs_cannot_steer_the_terminal() {
        let err = Buffer::default();
        let mut screen = Screen::to(Box::new(std::io::sink()), Box::new(err.clone()));
        for line in ["plain\twords", "10%\r60%\r100%\r", "\x1b[31mred\x1b[0m \x1b]0;title\x07\x08end"] {
            screen.live(&HostName::new("h1"), line);
        }
        let text = String::from_utf8(err.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "h1 | plain\twords\nh1 | 100%\nh1 | red end\n");
    }
}
