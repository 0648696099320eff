//! The command line that runs a script as the wanted user.

use super::{Escalation, Method};
use crate::remote::{shell_quote, shell_split};

/// A command line for the host's login shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    pub command: String,
    /// The exact prompt that sudo was told to print.
    pub prompt: Option<String>,
}

/// Wraps `script` so that `shell` runs it as the user of `escalation`. `id` is unique to this command.
///
/// # Errors
/// Flags that cannot be split into words.
pub(crate) fn wrap(escalation: Option<&Escalation>, shell: &str, script: &str, id: &str) -> Result<Wrapped, String> {
    let inner = format!("{} -c {}", shell_quote(shell), shell_quote(script));
    let Some(escalation) = escalation else { return Ok(Wrapped { command: inner, prompt: None }) };
    let exe = escalation.exe.as_deref().unwrap_or(escalation.method.name());
    let user = shell_quote(&escalation.user);
    match escalation.method {
        Method::Sudo => {
            let asks = escalation.password.is_some();
            let flags = sudo_flags(escalation.flags.as_deref().unwrap_or("-H -S -n"), asks)?;
            let prompt = asks.then(|| format!("[sudo via tightbeam, key={id}] password:"));
            let mut words = vec![exe.to_owned()];
            words.extend(flags);
            words.extend(prompt.iter().map(|p| format!("-p {}", shell_quote(p))));
            words.push(format!("-u {user} {inner}"));
            let cd = escalation.chdir.as_ref().map(|d| format!("cd {} && ", shell_quote(d))).unwrap_or_default();
            Ok(Wrapped { command: cd + &words.join(" "), prompt })
        }
        Method::Su => {
            let flags = escalation.flags.as_deref().unwrap_or_default();
            let gap = if flags.is_empty() { "" } else { " " };
            Ok(Wrapped { command: format!("{exe}{gap}{flags} {user} -c {}", shell_quote(&inner)), prompt: None })
        }
    }
}

/// sudo's flags: without `-n` and with `-S` where a password will be written.
fn sudo_flags(flags: &str, asks: bool) -> Result<Vec<String>, String> {
    let words = shell_split(flags).map_err(|e| format!("become flags `{flags}`: {e}"))?;
    if !asks {
        return Ok(words.iter().map(|w| shell_quote(w).into_owned()).collect());
    }
    let mut stdin = false;
    let mut out = Vec::new();
    for word in words {
        if word == "--non-interactive" {
            continue;
        }
        let short = word.starts_with('-') && !word.starts_with("--");
        stdin |= word == "--stdin" || (short && word.contains('S'));
        let word = if short { word.replace('n', "") } else { word };
        if word != "-" {
            out.push(shell_quote(&word).into_owned());
        }
    }
    if !stdin {
        out.push("-S".to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let base = |method| Escalation {
            method,
            user: "root".into(),
            password: None,
            exe: None,
            flags: None,
            prompts: vec![],
            chdir: None,
        };
        let sudo = base(Method::Sudo);
        let with_password = Escalation { password: Some("x".into()), ..sudo.clone() };
        let flags = Escalation { flags: Some("-En".into()), user: "www data".into(), ..with_password.clone() };
        let su = Escalation { flags: Some("-".into()), user: "app".into(), ..base(Method::Su) };
        let cases = [
            (None, "/bin/sh -c 'echo a'"),
            (Some(&sudo), "sudo -H -S -n -u root /bin/sh -c 'echo a'"),
            (
                Some(&with_password),
                "sudo -H -S -p '[sudo via tightbeam, key=ID] password:' -u root /bin/sh -c 'echo a'",
            ),
            (Some(&flags), "sudo -E -S -p '[sudo via tightbeam, key=ID] password:' -u 'www data' /bin/sh -c 'echo a'"),
            (Some(&su), "su - app -c '/bin/sh -c '\"'\"'echo a'\"'\"''"),
        ];
        for (escalation, want) in cases {
            assert_eq!(wrap(escalation, "/bin/sh", "echo a", "ID").map(|w| w.command), Ok(want.to_owned()));
        }
    }
}
