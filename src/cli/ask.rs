//! Questions at the terminal: passwords, `vars_prompt`, `pause`, `--step`.

use crate::actions::Ask;
use crate::report::Quiet;
use async_trait::async_trait;
use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

/// The terminal of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

#[async_trait]
impl Ask for Terminal {
    async fn line(&self, prompt: &str, echo: bool, limit: Option<Duration>) -> Option<String> {
        if !std::io::stdin().is_terminal() {
            return None;
        }
        let prompt = prompt.to_owned();
        let read = tokio::task::spawn_blocking(move || question(&prompt, echo));
        match limit {
            None => read.await.ok().flatten(),
            Some(limit) => tokio::time::timeout(limit, read).await.ok().and_then(Result::ok).flatten(),
        }
    }
    fn say(&self, text: &str) {
        let _quiet = Quiet::new();
        crate::cli::out::outln!("{text}");
    }
    async fn command(&self, prompt: &str) -> Option<String> {
        let prompt = prompt.to_owned();
        tokio::task::spawn_blocking(move || question(&prompt, true)).await.ok().flatten()
    }
}

fn question(prompt: &str, echo: bool) -> Option<String> {
    let _quiet = Quiet::new();
    if !echo && std::io::stdin().is_terminal() {
        return rpassword::prompt_password(prompt).ok();
    }
    let mut out = std::io::stderr();
    let _ = write!(out, "{prompt}").and_then(|()| out.flush());
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// A line of text.
pub fn line(prompt: &str) -> Option<String> {
    question(prompt, true)
}

/// A password, never echoed on a terminal; from standard input where that is none.
pub fn password(prompt: &str) -> Option<String> {
    question(prompt, false)
}
