//! The program of a container engine on the host, for what goes through it: builds, and Compose.

use crate::contract::{Arg, Failure, Json};
use crate::host::steps::{query, required};
use crate::host::{Command, Observe};
use serde::Deserialize;
use std::path::PathBuf;

/// Arguments by which modules run the program.
pub const CLI_ARGS: &[Arg] = &[
    Arg::path("docker_cli").doc("The program; `docker` in the search path."),
    Arg::str("docker_host").aliases(&["docker_url"]).doc("Where the engine listens; `DOCKER_HOST`, else its socket."),
    Arg::str("tls_hostname").doc("Name in the engine's certificate."),
    Arg::str("api_version").aliases(&["docker_api_version"]).doc("Version of the API."),
    Arg::path("ca_path").aliases(&["ca_cert", "tls_ca_cert", "cacert_path"]).doc("Certificate of the authority."),
    Arg::path("client_cert").aliases(&["tls_client_cert", "cert_path"]).doc("Certificate of the client."),
    Arg::path("client_key").aliases(&["tls_client_key", "key_path"]).doc("Key of that certificate."),
    Arg::bool("tls").doc("Go by TLS without checking the engine's certificate."),
    Arg::bool("validate_certs").aliases(&["tls_verify"]).doc("Go by TLS and check the engine's certificate."),
    Arg::str("cli_context").doc("Context of the program."),
];

/// The values of [`CLI_ARGS`].
#[derive(Clone, Debug, Deserialize)]
pub struct CliArgs {
    pub docker_cli: Option<PathBuf>,
    pub docker_host: Option<String>,
    pub tls_hostname: Option<String>,
    pub api_version: Option<String>,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    pub tls: Option<bool>,
    pub validate_certs: Option<bool>,
    pub cli_context: Option<String>,
}

/// The program with what goes before each of its commands.
#[derive(Clone, Debug)]
pub struct Cli {
    pub program: PathBuf,
    base: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Cli {
    /// Finds the program.
    ///
    /// # Errors
    /// There is none.
    pub fn of(host: &dyn Observe, args: &CliArgs) -> Result<Self, Failure> {
        let program = match &args.docker_cli {
            Some(path) => path.clone(),
            None => required(host, "docker").map_err(|_| {
                Failure::new(
                    "Cannot find docker CLI in path. Please provide it explicitly with the docker_cli parameter",
                )
            })?,
        };
        let mut base = Vec::new();
        let mut option = |name: &str, value: Option<String>| {
            base.extend(value.map(|v| [name.to_owned(), v]).into_iter().flatten());
        };
        let own = args.docker_host.clone().or_else(|| host.env("DOCKER_HOST"));
        let usual = || args.cli_context.is_none().then(|| "unix:///var/run/docker.sock".to_owned());
        option("--host", own.or_else(usual));
        let text = |path: &Option<PathBuf>| path.as_ref().map(|p| p.to_string_lossy().into_owned());
        option("--tlscacert", text(&args.ca_path));
        option("--tlscert", text(&args.client_cert));
        option("--tlskey", text(&args.client_key));
        option("--context", args.cli_context.clone());
        if args.validate_certs == Some(true) {
            base.push("--tlsverify".to_owned());
        } else if args.tls == Some(true) {
            base.push("--tls".to_owned());
        }
        let mut env = Vec::new();
        env.extend(args.tls_hostname.clone().map(|name| ("DOCKER_TLS_HOSTNAME", name)));
        env.extend(args.api_version.clone().filter(|v| v != "auto").map(|v| ("DOCKER_API_VERSION", v)));
        Ok(Cli { program, base, env })
    }

    /// A command of the program.
    pub fn command<S: Into<String>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let command = Command::new(&self.program).args(self.base.iter().cloned()).args(words);
        self.env.iter().fold(command, |command, (name, value)| command.env(name, value.clone()))
    }

    /// The version of a plugin of the program; `None` where it is not installed.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn plugin(&self, host: &dyn Observe, name: &str) -> Result<Option<String>, Failure> {
        let command = self.command(["info", "--format", "{{ json . }}"]);
        let out = query(host, &command)?;
        let info: Json = serde_json::from_slice(&out.stdout).map_err(|e| {
            Failure::new(format!(
                "Error while parsing JSON output of {}: {e}\nJSON output: {}\n\nError output:\n{}",
                command.display(),
                out.stdout_text(),
                out.stderr_text()
            ))
        })?;
        let plugins = info["ClientInfo"]["Plugins"].as_array();
        let found = plugins.into_iter().flatten().find(|p| p["Name"] == name);
        Ok(found.map(|p| p["Version"].as_str().unwrap_or_default().trim_start_matches('v').to_owned()))
    }
}
