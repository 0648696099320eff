//! The host's `helm`: how it is called, and what it tells. Tokens reach it by its environment, passwords and values by its
//! standard input.

use crate::contract::{Arg, Failure, Json, Literal};
use crate::host::steps::required;
use crate::host::{Command, Hand, Observe, Output, split_words};
use serde::Deserialize;
use std::path::PathBuf;

/// Arguments by which all modules run helm.
pub const HELM_ARGS: &[Arg] = &[
    Arg::path("binary_path").doc("The program; `helm` in the search path."),
    Arg::str("context").aliases(&["kube_context"]).doc("Context of the kubeconfig."),
    Arg::raw("kubeconfig").aliases(&["kubeconfig_path"]).no_log().doc("Path of a kubeconfig on the host."),
    Arg::str("host").doc("Address of the API."),
    Arg::path("ca_cert").aliases(&["ssl_ca_cert"]).doc("Certificates of the authority."),
    Arg::bool("validate_certs")
        .aliases(&["verify_ssl"])
        .default(Literal::Bool(true))
        .doc("Check the server's certificate."),
    Arg::str("api_key").no_log().doc("Token."),
];

/// All states that a release can be in: helm 4 has no word for them together.
pub const STATES: [&str; 6] = ["deployed", "failed", "pending", "superseded", "uninstalled", "uninstalling"];

/// The values of [`HELM_ARGS`].
#[derive(Clone, Deserialize)]
pub struct HelmArgs {
    binary_path: Option<PathBuf>,
    context: Option<String>,
    kubeconfig: Option<Json>,
    host: Option<String>,
    ca_cert: Option<String>,
    validate_certs: bool,
    api_key: Option<String>,
}

/// The program with its environment.
pub struct Helm {
    /// As commands begin.
    pub program: String,
    env: Vec<(&'static str, String)>,
}

impl Helm {
    /// Finds the program; nothing is asked of the cluster yet.
    ///
    /// # Errors
    /// There is none, or it is too old for what is asked.
    pub fn of(host: &dyn Observe, args: &HelmArgs, namespace: Option<&str>) -> Result<Self, Failure> {
        let program = match &args.binary_path {
            Some(path) => path.clone(),
            None => required(host, "helm")?,
        };
        let mut helm = Helm { program: program.to_string_lossy().into_owned(), env: Vec::new() };
        let given = |value: &Option<String>, name: &str| {
            value.clone().or_else(|| host.env(&format!("K8S_AUTH_{name}"))).filter(|v| !v.is_empty())
        };
        let kubeconfig = match &args.kubeconfig {
            Some(Json::String(path)) => Some(path.clone()),
            Some(Json::Null) | None => None,
            Some(_) => {
                return Err(Failure::new(
                    "a kubeconfig as a mapping is not supported with helm, which reads files; name one on the host",
                ));
            }
        };
        let kubeconfig = given(&kubeconfig, "KUBECONFIG").map(|path| crate::host::expand_path(host, &path));
        let authority = given(&args.ca_cert, "SSL_CA_CERT");
        let insecure = !args.validate_certs;
        let settings = [
            ("HELM_KUBECONTEXT", given(&args.context, "CONTEXT")),
            ("HELM_NAMESPACE", namespace.map(str::to_owned)),
            ("HELM_KUBETOKEN", given(&args.api_key, "API_KEY")),
            ("HELM_KUBEAPISERVER", given(&args.host, "HOST")),
            ("KUBECONFIG", kubeconfig),
            ("HELM_KUBECAFILE", authority.clone()),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", insecure.then(|| "true".to_owned())),
        ];
        helm.env = settings.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if authority.is_some() {
            helm.needs(host, "ca_cert", (3, 5, 0))?;
        }
        if insecure {
            helm.needs(host, "validate_certs", (3, 10, 0))?;
        }
        Ok(helm)
    }

    fn command(&self, line: &str, stdin: Option<&[u8]>) -> Result<Command, Failure> {
        let words = split_words(line).map_err(|e| Failure::new(format!("{line}: {e}")))?;
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default()).args(words);
        for (name, value) in &self.env {
            command = command.env(name, value.as_str());
        }
        command.stdin = stdin.map(<[u8]>::to_vec);
        Ok(command)
    }

    /// Asks for something.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn ask(&self, host: &dyn Observe, line: &str, stdin: Option<&[u8]>) -> Result<Output, Failure> {
        let command = self.command(line, stdin)?;
        host.query(&command).map_err(|e| Failure::io(format!("could not run {}", self.program), &e))
    }

    /// As [`Helm::ask`], where it must end well.
    ///
    /// # Errors
    /// It does not.
    pub fn told(&self, host: &dyn Observe, line: &str, stdin: Option<&[u8]>) -> Result<String, Failure> {
        let out = self.ask(host, line, stdin)?;
        if out.ok() { Ok(out.stdout_text()) } else { Err(failed(line, &out)) }
    }

    /// Changes something; with a hand that only looks, nothing is done.
    ///
    /// # Errors
    /// It does not end well.
    pub fn act(&self, hand: &mut Hand<'_>, line: &str, stdin: Option<&[u8]>) -> Result<Output, Failure> {
        let command = self.command(line, stdin)?;
        let Some(host) = hand.change() else { return Ok(Output::default()) };
        let out = host.execute(&command).map_err(|e| Failure::io(format!("could not run {}", self.program), &e))?;
        if out.ok() { Ok(out) } else { Err(failed(line, &out)) }
    }

    /// Its version: `3.14.0`.
    fn version(&self, host: &dyn Observe) -> Result<String, Failure> {
        let out = self.ask(host, &format!("{} version", self.program), None)?.stdout_text();
        let found = ["Version:\"v", "SemVer:\"v"].iter().find_map(|mark| out.split_once(mark));
        Ok(found.and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default().to_owned())
    }

    /// Refuses an option that the program is too old for.
    ///
    /// # Errors
    /// It is.
    pub fn needs(&self, host: &dyn Observe, option: &str, wanted: (u64, u64, u64)) -> Result<(), Failure> {
        let version = self.version(host)?;
        if at_least(&version, wanted) {
            return Ok(());
        }
        let (a, b, c) = wanted;
        Err(Failure::new(format!("{option} requires helm >= {a}.{b}.{c}, current version is {version}")))
    }

    /// The values that a release was given.
    ///
    /// # Errors
    /// The program does not end well, or tells no JSON.
    pub fn values(&self, host: &dyn Observe, release: &str, all: bool) -> Result<Json, Failure> {
        let all = if all { " -a" } else { "" };
        let line = format!("{} get values --output=json {release}{all}", self.program);
        let values = json(&self.told(host, &line, None)?)?;
        Ok(if values.is_null() { serde_json::json!({}) } else { values })
    }

    /// What `helm list` tells of a release, and its values; `None` where there is none.
    ///
    /// # Errors
    /// The program does not end well, or tells no JSON.
    pub fn release(&self, host: &dyn Observe, name: &str, states: &[&str], all: bool) -> Result<Option<Json>, Failure> {
        let states: String = states.iter().map(|state| format!(" --{state}")).collect();
        let line = format!("{} list --output=json --filter {name}{states}", self.program);
        let list = json(&self.told(host, &line, None)?)?;
        let found = list.as_array().into_iter().flatten().find(|release| release["name"] == name);
        let Some(mut release) = found.cloned() else { return Ok(None) };
        release["values"] = self.values(host, name, all)?;
        Ok(Some(release))
    }

    /// The version of one of its plugins.
    ///
    /// # Errors
    /// The program does not tell.
    pub fn plugin(&self, host: &dyn Observe, name: &str) -> Result<Option<String>, Failure> {
        let line = format!("{} plugin list", self.program);
        let out = self.ask(host, &line, None)?;
        let (text, errors) = (out.stdout_text(), out.stderr_text());
        if !out.ok() || text.is_empty() && errors.is_empty() {
            return Err(Failure::new("Failed to get Helm plugin info")
                .with("command", line)
                .with("stdout", text)
                .with("stderr", errors)
                .with("rc", out.rc));
        }
        let mut rows = text.lines().map(|line| line.split('\t').map(str::trim).collect::<Vec<_>>());
        Ok(rows.find(|row| row.first() == Some(&name)).and_then(|row| row.get(1).map(|v| (*v).to_owned())))
    }
}

/// Whether a version is this one or a later one.
pub fn at_least(version: &str, (a, b, c): (u64, u64, u64)) -> bool {
    let numbers: Vec<u64> =
        version.split(['.', '-', '+']).take(3).map(|part| part.trim_start_matches('v').parse().unwrap_or(0)).collect();
    numbers >= vec![a, b, c]
}

/// The documents of a text.
///
/// # Errors
/// It is no YAML.
pub fn documents(text: &str) -> Result<Vec<Json>, Failure> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_yaml::Deserializer::from_str(text)
        .map(Json::deserialize)
        .collect::<Result<_, _>>()
        .map_err(|e| Failure::new(format!("Error parsing YAML content: {e}")))
}

fn json(text: &str) -> Result<Json, Failure> {
    serde_json::from_str(text).map_err(|e| Failure::new(format!("what helm tells is no JSON: {e}")))
}

fn failed(line: &str, out: &Output) -> Failure {
    let (stdout, stderr) = (out.stdout_text(), out.stderr_text());
    let msg = format!("Failure when executing Helm command. Exited {}.\nstdout: {stdout}\nstderr: {stderr}", out.rc);
    Failure::new(msg).with("stdout", stdout).with("stderr", stderr).with("command", line)
}
