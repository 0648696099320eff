//! Conversations with sudo and su, as data: what the host says and does with what is written to it.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::remote::transport::scripted::Scripted;
use crate::remote::transport::{Exec, Transport};
use std::time::Duration;

const PROMPT: &str = "[sudo via tightbeam, key=1] password:";

#[derive(Clone, Copy)]
enum Say {
    Out(&'static str),
    Err(&'static str),
    Expect(&'static str),
    Exit(i32),
    Lost(&'static str),
}
use Say::*;

async fn talk(method: Option<Method>, password: Option<&str>, says: &'static [Say]) -> Result<String, String> {
    asked(method, password, &[], Limit::of(Duration::from_millis(300)), says).await
}

async fn asked(
    method: Option<Method>,
    password: Option<&str>,
    prompts: &[&str],
    limit: Limit,
    says: &'static [Say],
) -> Result<String, String> {
    let host = Scripted::new(move |mut peer| async move {
        for say in says {
            match say {
                Out(text) => peer.out(*text).await,
                Err(text) => peer.err(text).await,
                Expect(text) => assert_eq!(peer.stdin.recv().await.unwrap(), *text),
                Exit(code) => peer.end(Ended::Code(*code)).await,
                Lost(why) => peer.end(Ended::Lost((*why).to_owned())).await,
            }
        }
        std::future::pending::<()>().await;
    });
    let mut process = host.exec(Exec { command: String::new(), pty: false }).await.unwrap();
    let escalation = method.map(|method| Escalation {
        method,
        user: "root".into(),
        password: password.map(Into::into),
        exe: None,
        flags: None,
        prompts: prompts.iter().map(|p| (*p).to_owned()).collect(),
        chdir: None,
    });
    let prompt = (method == Some(Method::Sudo) && password.is_some()).then_some(PROMPT);
    let entered = enter(&mut process, escalation.as_ref(), prompt, "MARK ", limit).await;
    match entered {
        Ok(Entered::Marker(rest)) => Ok(String::from_utf8(rest).unwrap()),
        Ok(Entered::NeedsTerminal) => Ok("needs a terminal".to_owned()),
        Result::Err(e) => Result::Err(e.to_string()),
    }
}

#[tokio::test]
async fn conversations() {
    let sudo = Some(Method::Sudo);
    let su = Some(Method::Su);
    type Case = (Option<Method>, Option<&'static str>, &'static [Say], Result<&'static str, &'static str>);
    let cases: &[Case] = &[
        (None, None, &[Out("motd\nMA"), Out("RK ok\nx")], Ok("ok\nx")),
        (None, None, &[Err("noise"), Out("MARK a")], Ok("a")),
        (sudo, Some("pw"), &[Err(PROMPT), Expect("pw\n"), Out("MARK ok")], Ok("ok")),
        (sudo, Some("pw"), &[Out("MARK ok")], Ok("ok")),
        (
            sudo,
            Some("no"),
            &[Err(PROMPT), Expect("no\n"), Err("\nSorry, try again.\n"), Err(PROMPT)],
            Result::Err("Incorrect sudo password"),
        ),
        (
            sudo,
            Some("no"),
            &[Err(PROMPT), Expect("no\n"), Err("sudo: 1 incorrect password attempt\n"), Exit(1)],
            Result::Err("Incorrect sudo password"),
        ),
        (sudo, None, &[Err("sudo: a password is required\n"), Exit(1)], Result::Err("Missing sudo password")),
        (sudo, None, &[Err("[sudo] password for pw: ")], Result::Err("Missing sudo password")),
        (sudo, None, &[Err("sudo: sorry, you must have a tty to run sudo\n"), Exit(1)], Ok("needs a terminal")),
        (
            sudo,
            None,
            &[Err("sudo: unknown user root\nsudo: error initializing audit plugin\n"), Exit(1)],
            Result::Err("Failed to become root: sudo: unknown user root"),
        ),
        (sudo, None, &[Exit(127)], Result::Err("Failed to become root: sudo ended with exit status 127")),
        (su, Some("pw"), &[Err("Password: "), Expect("pw\n"), Out("\r\nMARK y")], Ok("y")),
        (su, Some("pw"), &[Out("Mot de passe : "), Expect("pw\n"), Out("\nMARK y")], Ok("y")),
        (
            su,
            Some("no"),
            &[Err("Password: "), Expect("no\n"), Err("\nsu: Authentication failure\n"), Exit(1)],
            Result::Err("Incorrect su password"),
        ),
        (su, None, &[Err("Password: ")], Result::Err("Missing su password")),
        (su, None, &[Err("su: must be run from a terminal\n"), Exit(1)], Ok("needs a terminal")),
        (sudo, None, &[Err("hm")], Result::Err("Timeout (0s) waiting for privilege escalation prompt: hm")),
        (
            None,
            None,
            &[Out("This account is currently not available.\n"), Exit(1)],
            Result::Err(
                "the host's login shell did not run a command (exit status 1): This account is currently not available.",
            ),
        ),
        (None, None, &[Lost("gone")], Result::Err("Failed to connect to the host via ssh: gone")),
    ];
    for (i, (method, password, says, want)) in cases.iter().enumerate() {
        let got = talk(*method, *password, says).await;
        assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "case {i}");
    }
}

#[tokio::test]
async fn su_asks_in_the_words_that_are_given() {
    let limit = Limit { time: Duration::from_millis(300), local: true };
    let says = &[Err("Mot de passe : "), Expect("pw\n"), Out("\nMARK y")];
    let su = Some(Method::Su);
    assert_eq!(asked(su, Some("pw"), &["Kennwort", "mot de passe"], limit, says).await, Ok("y".to_owned()));
    let told = "Timed out waiting for become success or become password prompt.\n>>> Standard Error\nMot de passe : ";
    assert_eq!(asked(su, Some("pw"), &["Kennwort"], limit, says).await, Result::Err(told.to_owned()));
}
