//! The API of a container engine (Docker's, and Podman's where it answers as Docker): where it listens, what is asked of
//! it and how its errors read.

use super::cli::CliArgs;
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal};
pub use crate::host::Hand;
use crate::host::{Change, Observe};
use crate::network::http::{self, Follow, Request, Response, quote};
use serde::Deserialize;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments by which all modules reach the engine.
pub const ENGINE_ARGS: &[Arg] = &[
    Arg::str("docker_host")
        .aliases(&["docker_url"])
        .doc("Where the engine listens; `DOCKER_HOST`, else `unix:///var/run/docker.sock`."),
    Arg::str("tls_hostname").doc("Name in the engine's certificate."),
    Arg::str("api_version")
        .aliases(&["docker_api_version"])
        .doc("Version of the API; what the engine offers where it is absent or `auto`."),
    Arg::int("timeout").doc("Seconds to wait for an answer; `DOCKER_TIMEOUT`, else 60."),
    Arg::path("ca_path").aliases(&["ca_cert", "tls_ca_cert", "cacert_path"]).doc("Certificate of the authority."),
    Arg::path("client_cert").aliases(&["tls_client_cert", "cert_path"]).doc("Certificate of the client."),
    Arg::path("client_key").aliases(&["tls_client_key", "key_path"]).doc("Key of that certificate."),
    Arg::bool("tls").doc("Go by TLS without checking the engine's certificate."),
    Arg::bool("use_ssh_client").default(Literal::Bool(false)).doc("Reach `ssh://` by the host's ssh."),
    Arg::bool("validate_certs").aliases(&["tls_verify"]).doc("Go by TLS and check the engine's certificate."),
    Arg::bool("debug").default(Literal::Bool(false)).doc("Return all that was done."),
];

/// The values of [`ENGINE_ARGS`].
#[derive(Clone, Debug, Deserialize)]
pub struct Reach {
    docker_host: Option<String>,
    tls_hostname: Option<String>,
    api_version: Option<String>,
    timeout: Option<i64>,
    ca_path: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    tls: Option<bool>,
    use_ssh_client: bool,
    validate_certs: Option<bool>,
    pub debug: bool,
}

impl Reach {
    /// The same for the engine's program.
    pub fn for_cli(&self) -> CliArgs {
        CliArgs {
            docker_cli: None,
            docker_host: self.docker_host.clone(),
            tls_hostname: self.tls_hostname.clone(),
            api_version: self.api_version.clone(),
            ca_path: self.ca_path.clone(),
            client_cert: self.client_cert.clone(),
            client_key: self.client_key.clone(),
            tls: self.tls,
            validate_certs: self.validate_certs,
            cli_context: None,
        }
    }
}

/// Programs and streams may take as long as they take.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The engine refused, or did not answer (`status` 0).
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    pub status: u16,
    /// What the engine says.
    pub explanation: String,
    /// The whole, as Docker's library for Python has it.
    pub text: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl ApiError {
    pub fn missing(&self) -> bool {
        self.status == 404
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Failure::new(match error.status {
            0 => format!(
                "An unexpected requests error occurred when trying to talk to the Docker daemon: {}",
                error.text
            ),
            _ => format!("An unexpected Docker error occurred: {}", error.text),
        })
    }
}

pub type Answer<T> = Result<T, ApiError>;

/// What goes with a request.
#[derive(Default)]
pub struct Send<'a> {
    pub query: &'a [(&'a str, &'a str)],
    pub json: Option<Json>,
    pub headers: Vec<(String, String)>,
    pub file: Option<PathBuf>,
    /// Waits this long beyond the usual.
    pub patience: Option<Duration>,
}

/// An engine that answers.
pub struct Engine<'a> {
    call: &'a Call<'a>,
    request: Request,
    /// `/v1.41`
    prefix: String,
    pub version: String,
    /// As errors show it.
    shown: String,
}

impl<'a> Engine<'a> {
    /// Asks for the engine's version.
    ///
    /// # Errors
    /// The address is not supported, or nobody answers there.
    pub fn connect(host: &dyn Observe, call: &'a Call<'a>, reach: &Reach) -> Result<Self, Failure> {
        let (url, socket, request_tls) = address(host, reach)?;
        let timeout = match reach.timeout {
            Some(seconds) => seconds,
            None => host.env("DOCKER_TIMEOUT").and_then(|t| t.parse().ok()).unwrap_or(60),
        };
        let mut request = Request::get(&url);
        request.socket = socket;
        request.timeout = Duration::from_secs(u64::try_from(timeout).unwrap_or(60));
        request.follow = Follow::None;
        request.use_proxy = request.socket.is_none();
        request.validate_certs = request_tls.unwrap_or(true);
        if request_tls == Some(true) {
            request.ca_path.clone_from(&reach.ca_path);
        }
        request.client_cert.clone_from(&reach.client_cert);
        request.client_key.clone_from(&reach.client_key);
        request.agent = "docker-sdk-python".to_owned();
        let shown = if request.socket.is_some() { "http+docker://localhost".to_owned() } else { url };
        let mut engine = Engine { call, request, prefix: String::new(), version: String::new(), shown };
        let wanted = reach.api_version.clone().or_else(|| host.env("DOCKER_API_VERSION")).filter(|v| v != "auto");
        engine.version = match wanted {
            Some(version) => version,
            None => engine.ask_version(host)?,
        };
        engine.prefix = format!("/v{}", engine.version);
        if !engine.at_least("1.25") {
            let msg = format!("Docker API version is {}. Minimum version required is 1.25.", engine.version);
            return Err(Failure::new(msg));
        }
        Ok(engine)
    }

    fn ask_version(&self, host: &dyn Observe) -> Result<String, Failure> {
        let said = self.get(host, "/version", &[]).map_err(|e| {
            Failure::new(match e.status {
                0 => format!("Error connecting: Error while fetching server API version: {e}"),
                _ => format!("Docker API error: {e}"),
            })
        })?;
        let told = |msg: &str| Failure::new(format!("Error connecting: {msg}"));
        said["ApiVersion"].as_str().map(str::to_owned).ok_or_else(|| told("the server tells no version of its API"))
    }

    /// Whether the API is of this version or a later one.
    pub fn at_least(&self, wanted: &str) -> bool {
        let numbers = |v: &str| v.split('.').map(|n| n.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
        numbers(&self.version) >= numbers(wanted)
    }

    /// Refuses an option that the engine is too old for.
    ///
    /// # Errors
    /// It is.
    pub fn needs(&self, wanted: &str, option: &str) -> Result<(), Failure> {
        if self.at_least(wanted) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "Docker API version is {}. Minimum version required is {wanted} to set {option} option.",
            self.version
        )))
    }

    fn raw(&self, host: &dyn Observe, method: &str, path: &str, send: Send<'_>) -> Answer<Response> {
        let mut place = format!("{}{path}", self.prefix);
        for (i, (name, value)) in send.query.iter().enumerate() {
            let mark = if i == 0 { '?' } else { '&' };
            place.push_str(&format!("{mark}{name}={}", quote(value, "")));
        }
        let mut request = self.request.clone();
        method.clone_into(&mut request.method);
        request.url = format!("{}{place}", request.url);
        request.headers = send.headers;
        request.body_file = send.file;
        if let Some(json) = &send.json {
            request.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            request.body = Some(json.to_string().into_bytes());
        }
        if request.body.is_none() && request.body_file.is_none() && method != "GET" {
            // Engines take a body of unknown length for one that is not empty.
            request.body = Some(Vec::new());
        }
        request.timeout = send.patience.map_or(request.timeout, |more| request.timeout.saturating_add(more));
        let mut response = http::send(host, self.call, &request).map_err(|e| ApiError {
            status: 0,
            text: reason(&e),
            explanation: e,
        })?;
        if response.status < 400 {
            return Ok(response);
        }
        let mut bytes = Vec::new();
        // A body that breaks off tells less, but the error stands.
        let _ = response.body.read_to_end(&mut bytes);
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let explanation = match serde_json::from_str::<Json>(&said) {
            Ok(json) => json["message"].as_str().map_or_else(|| said.trim().to_owned(), str::to_owned),
            Err(_) => said.trim().to_owned(),
        };
        let whose = if response.status < 500 { "Client" } else { "Server" };
        let mut text = format!("{} {whose} Error for {}{place}: {}", response.status, self.shown, response.reason);
        if !explanation.is_empty() {
            text.push_str(&format!(" (\"{explanation}\")"));
        }
        Err(ApiError { status: response.status, explanation, text })
    }

    fn whole(&self, host: &dyn Observe, method: &str, path: &str, send: Send<'_>) -> Answer<Vec<u8>> {
        let mut response = self.raw(host, method, path, send)?;
        let mut bytes = Vec::new();
        match response.body.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(e) => Err(ApiError { status: 0, explanation: e.to_string(), text: e.to_string() }),
        }
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// The engine refuses, or does not answer.
    pub fn get(&self, host: &dyn Observe, path: &str, query: &[(&str, &str)]) -> Answer<Json> {
        let bytes = self.whole(host, "GET", path, Send { query, ..Send::default() })?;
        serde_json::from_slice(&bytes).map_err(|e| {
            let text = format!("the engine's answer is no JSON: {e}");
            ApiError { status: 0, explanation: text.clone(), text }
        })
    }

    /// As [`Engine::get`]; `None` where there is no such thing.
    ///
    /// # Errors
    /// The engine refuses otherwise, or does not answer.
    pub fn find(&self, host: &dyn Observe, path: &str) -> Answer<Option<Json>> {
        match self.get(host, path, &[]) {
            Ok(json) => Ok(Some(json)),
            Err(e) if e.missing() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// The engine refuses, or does not answer.
    pub fn bytes(&self, host: &dyn Observe, path: &str, query: &[(&str, &str)]) -> Answer<Vec<u8>> {
        self.whole(host, "GET", path, Send { query, ..Send::default() })
    }

    /// Has the engine ask a registry whether it knows a login; nothing changes.
    ///
    /// # Errors
    /// The registry or the engine refuses, or does not answer.
    pub fn check_login(&self, host: &dyn Observe, send: Send<'_>) -> Answer<Json> {
        let bytes = self.whole(host, "POST", "/auth", send)?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Changes something; the answer is JSON, or null where the engine says nothing.
    ///
    /// # Errors
    /// The engine refuses, or does not answer.
    pub fn act(&self, host: &mut dyn Change, method: &str, path: &str, send: Send<'_>) -> Answer<Json> {
        let bytes = self.act_bytes(host, method, path, send)?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Changes something; the answer is bytes.
    ///
    /// # Errors
    /// The engine refuses, or does not answer.
    pub fn act_bytes(&self, host: &mut dyn Change, method: &str, path: &str, send: Send<'_>) -> Answer<Vec<u8>> {
        self.whole(host.observe(), method, path, send)
    }

    /// Changes something that is told line by line; waits as long as it takes.
    ///
    /// # Errors
    /// The engine refuses, or does not answer. What goes wrong on the way is among the lines.
    pub fn lines(&self, host: &mut dyn Change, path: &str, send: Send<'_>) -> Answer<Vec<JsonMap>> {
        let send = Send { patience: Some(NO_LIMIT), ..send };
        let bytes = self.whole(host.observe(), "POST", path, send)?;
        let stream = serde_json::Deserializer::from_slice(&bytes).into_iter::<Json>();
        Ok(stream.map_while(Result::ok).filter_map(|line| line.as_object().cloned()).collect())
    }
}

/// The URL, the socket if it is one, and for TLS whether certificates are checked.
fn address(host: &dyn Observe, reach: &Reach) -> Result<(String, Option<PathBuf>, Option<bool>), Failure> {
    if reach.use_ssh_client {
        return Err(Failure::new("use_ssh_client is not supported"));
    }
    let flag = |given: Option<bool>, name: &str| {
        let word =
            || host.env(name).map(|v| matches!(v.to_lowercase().as_str(), "1" | "yes" | "true" | "on" | "y" | "t"));
        given.or_else(word).unwrap_or(false)
    };
    let verify = flag(reach.validate_certs, "DOCKER_TLS_VERIFY");
    let tls = verify || flag(reach.tls, "DOCKER_TLS");
    let place = reach.docker_host.clone().or_else(|| host.env("DOCKER_HOST"));
    let place = place.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    if let Some(path) = place.strip_prefix("unix://").or_else(|| place.strip_prefix("http+unix://")) {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        return Ok(("http://localhost".to_owned(), Some(PathBuf::from(path)), None));
    }
    let rest = ["tcp://", "http://", "https://"].iter().find_map(|scheme| place.strip_prefix(scheme));
    let Some(rest) = rest.map(|r| r.trim_end_matches('/')).filter(|r| !r.is_empty()) else {
        return Err(Failure::new(format!("docker_host {place} is not supported: unix://, tcp:// and https:// are")));
    };
    if let Some(name) = &reach.tls_hostname
        && tls
        && rest.rsplit_once(':').map_or(rest, |(name, _)| name) != name
    {
        return Err(Failure::new("a tls_hostname other than the name in docker_host is not supported"));
    }
    let secure = tls || place.starts_with("https://");
    let rest = if rest.rsplit_once(':').is_some() { rest.to_owned() } else { format!("{rest}:2375") };
    Ok((format!("{}://{rest}", if secure { "https" } else { "http" }), None, secure.then_some(verify)))
}

/// Why there is no answer, as Python's requests tells of it.
fn reason(error: &str) -> String {
    let Some((_, rest)) = error.split_once("[Errno ") else { return error.to_owned() };
    let Some((number, text)) = rest.split_once("] ") else { return error.to_owned() };
    let class = match number {
        "2" => "FileNotFoundError",
        "13" => "PermissionError",
        "111" => "ConnectionRefusedError",
        _ => "OSError",
    };
    format!("('Connection aborted.', {class}({number}, '{}'))", text.trim_end_matches('>'))
}

/// A name or an id as part of a path.
pub fn named(kind: &str, name: &str, rest: &str) -> String {
    format!("/{kind}/{}{rest}", quote(name, "/:"))
}

/// A filter of a list, as the API wants it.
pub fn filter(name: &str, value: &str) -> String {
    serde_json::json!({name: [value]}).to_string()
}

/// The warnings of an answer, in Ansible's words.
pub fn warnings(answer: &Json, key: &str) -> Vec<String> {
    let told = |text: &str| format!("Docker warning: {text}");
    match &answer[key] {
        Json::Array(list) => list.iter().filter_map(Json::as_str).map(told).collect(),
        Json::String(text) if !text.is_empty() => vec![told(text)],
        _ => Vec::new(),
    }
}

/// The standard output and error of a container without a terminal, from the one stream in which they come.
pub fn separated(stream: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut rest = stream;
    while let [kind, _, _, _, a, b, c, d, tail @ ..] = rest {
        let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (frame, next) = tail.split_at(size.min(tail.len()));
        if *kind == 2 {
            err.extend_from_slice(frame)
        } else {
            out.extend_from_slice(frame)
        }
        rest = next;
    }
    (out, err)
}

/// Finds a container by its name, its id or the beginning of its id.
///
/// # Errors
/// The engine refuses, or does not answer.
pub fn container(engine: &Engine<'_>, host: &dyn Observe, name: &str) -> Result<Option<Json>, Failure> {
    let query = [("limit", "-1"), ("all", "1"), ("size", "0"), ("trunc_cmd", "0")];
    let list = engine
        .get(host, "/containers/json", &query)
        .map_err(|e| Failure::new(format!("Error retrieving container list: {e}")))?;
    let wanted = if name.starts_with('/') { name.to_owned() } else { format!("/{name}") };
    let fits = |c: &&Json| {
        c["Names"].as_array().is_some_and(|names| names.iter().any(|n| n == wanted.as_str()))
            || c["Id"].as_str().is_some_and(|id| id.starts_with(name))
    };
    let Some(id) = list.as_array().into_iter().flatten().find(fits).and_then(|c| c["Id"].as_str()) else {
        return Ok(None);
    };
    container_by_id(engine, host, id)
}

/// What the engine tells of a container.
///
/// # Errors
/// The engine refuses, or does not answer.
pub fn container_by_id(engine: &Engine<'_>, host: &dyn Observe, id: &str) -> Result<Option<Json>, Failure> {
    engine
        .find(host, &named("containers", id, "/json"))
        .map_err(|e| Failure::new(format!("Error inspecting container: {e}")))
}

/// Finds a network by its name or the beginning of its id.
///
/// # Errors
/// The engine refuses, or does not answer.
pub fn network(engine: &Engine<'_>, host: &dyn Observe, name: &str) -> Result<Option<Json>, Failure> {
    let list =
        engine.get(host, "/networks", &[]).map_err(|e| Failure::new(format!("Error retrieving network list: {e}")))?;
    let fits = |n: &&Json| n["Name"] == name || n["Id"].as_str().is_some_and(|id| id.starts_with(name));
    let Some(id) = list.as_array().into_iter().flatten().find(fits).and_then(|n| n["Id"].as_str()) else {
        return Ok(None);
    };
    engine.find(host, &named("networks", id, "")).map_err(|e| Failure::new(format!("Error inspecting network: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_streams() {
        assert_eq!(
            reason("Request failed: <urlopen error [Errno 2] No such file or directory>"),
            "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))"
        );
        assert_eq!(named("images", "a/b:c d", "/json"), "/images/a/b:c%20d/json");
        let stream = [&[1, 0, 0, 0, 0, 0, 0, 2][..], b"ab", &[2, 0, 0, 0, 0, 0, 0, 1], b"c"].concat();
        assert_eq!(separated(&stream), (b"ab".to_vec(), b"c".to_vec()));
    }
}
