//! `kubernetes.core.helm_repository`: repositories of charts that helm knows.

use super::client::{HELM_ARGS, Helm, HelmArgs, documents};
use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Hand, Observe};
use serde::Deserialize;

pub struct HelmRepository;

#[derive(Clone, Deserialize)]
pub struct Args {
    repo_name: String,
    repo_url: Option<String>,
    repo_username: Option<String>,
    repo_password: Option<String>,
    repo_state: String,
    pass_credentials: bool,
    force_update: bool,
    insecure_skip_tls_verify: bool,
    #[serde(flatten)]
    helm: HelmArgs,
}

/// What is to be done, as one line.
pub struct Work {
    helm: Helm,
    line: String,
    password: Option<String>,
}

impl Module for HelmRepository {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[HELM_ARGS],
        rules: &[
            Rule::RequiredTogether(&["repo_username", "repo_password"]),
            Rule::RequiredIf { arg: "repo_state", value: Literal::Str("present"), required: &["repo_url"], any: false },
            Rule::MutuallyExclusive(&["context", "ca_cert"]),
            Rule::MutuallyExclusive(&["context", "validate_certs"]),
        ],
        examples: "- name: Charts of the ingress\n  kubernetes.core.helm_repository:\n    name: ingress-nginx\n    repo_url: https://kubernetes.github.io/ingress-nginx\n",
        returns: &[
            Return { name: "stdout", when: "changed", doc: "What helm told." },
            Return { name: "stderr", when: "changed", doc: "What else it told." },
            Return { name: "command", when: "changed", doc: "The command, without a password." },
        ],
        differs: "The password goes to helm by its standard input. A kubeconfig as a mapping is refused.",
        ..ModuleSpec::new(
            "kubernetes.core.helm_repository",
            "Manages repositories of charts of helm.",
            &[
                Arg::str("repo_name").required().aliases(&["name"]).doc("Name of the repository."),
                Arg::str("repo_url").aliases(&["url"]).doc("Its address."),
                Arg::str("repo_username").aliases(&["username"]).doc("Name there."),
                Arg::str("repo_password").aliases(&["password"]).no_log().doc("Password there."),
                Arg::str("repo_state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .aliases(&["state"])
                    .doc("Whether helm knows it."),
                Arg::bool("pass_credentials")
                    .default(Literal::Bool(false))
                    .doc("Send name and password to all addresses that charts name."),
                Arg::bool("force_update")
                    .default(Literal::Bool(false))
                    .aliases(&["force"])
                    .doc("Add it even if it is known."),
                Arg::bool("insecure_skip_tls_verify")
                    .default(Literal::Bool(false))
                    .aliases(&["skip_tls_certs_check"])
                    .doc("Do not check its certificate."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let helm = Helm::of(host, &args.helm, None)?;
        let known = known(&helm, host, &args.repo_name)?;
        let program = &helm.program;
        let name = &args.repo_name;
        let line = match (args.repo_state.as_str(), known) {
            ("absent", Some(_)) => format!("{program} repo rm {name}"),
            ("present", Some(known)) if !args.force_update => {
                if known["url"].as_str() != args.repo_url.as_deref() {
                    return Err(Failure::new(format!("Repository already have a repository named {name}")));
                }
                String::new()
            }
            ("present", _) => added(program, &args),
            _ => String::new(),
        };
        if line.is_empty() {
            let outcome = Outcome::unchanged();
            let told = || outcome.clone().with("repo_name", name.as_str()).with("repo_url", args.repo_url.clone());
            return Ok(Plan::Done(if call.check { outcome.clone() } else { told() }));
        }
        let password = args.repo_password.filter(|_| args.repo_state == "present");
        Ok(Plan::Work(Work { helm, line, password }))
    }

    fn preview(_: &Work, _: &Call) -> Outcome {
        Outcome::changed(true)
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { helm, line, password } = work;
        let shown = line.replace("--password-stdin", "--password=******");
        let stdin = password.as_ref().map(String::as_bytes);
        let out = helm.act(&mut Hand::Change(host), &line, stdin).map_err(|mut failure| {
            failure.values.insert("command".to_owned(), shown.as_str().into());
            failure
        })?;
        Ok(Outcome::changed(true)
            .with("stdout", out.stdout_text())
            .with("stderr", out.stderr_text())
            .with("command", shown))
    }
}

/// What helm knows of the repository.
fn known(helm: &Helm, host: &dyn Observe, name: &str) -> Result<Option<Json>, Failure> {
    let line = format!("{} repo list --output=json", helm.program);
    let out = helm.ask(host, &line, None)?;
    if !out.ok() {
        let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
        if out.rc == 1 && stderr.contains("no repositories to show") {
            return Ok(None);
        }
        let msg =
            format!("Failure when executing Helm command. Exited {}.\nstdout: {stdout}\nstderr: {stderr}", out.rc);
        return Err(Failure::new(msg).with("command", line));
    }
    let list = documents(&out.stdout_text())?;
    let all = list.first().and_then(Json::as_array).into_iter().flatten();
    Ok(all.clone().find(|repository| repository["name"] == name).cloned())
}

fn added(program: &str, args: &Args) -> String {
    let mut line = format!("{program} repo add {} {}", args.repo_name, args.repo_url.as_deref().unwrap_or_default());
    if let (Some(user), Some(_)) = (&args.repo_username, &args.repo_password) {
        line.push_str(&format!(" --username={user} --password-stdin"));
    }
    for (given, option) in [
        (args.pass_credentials, " --pass-credentials"),
        (args.force_update, " --force-update"),
        (args.insecure_skip_tls_verify, " --insecure-skip-tls-verify"),
    ] {
        if given {
            line.push_str(option);
        }
    }
    line
}
