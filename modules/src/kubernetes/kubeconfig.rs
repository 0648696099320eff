//! kubeconfig files: clusters, users and the contexts that join them, of one file or several; and the programs that some
//! users get their tokens from.

use super::reach::Cluster;
use crate::contract::Json;
use crate::host::{Command, Observe, expand_path};
use base64::Engine as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the files say together. The first that names a thing wins.
#[derive(Default)]
struct Config {
    /// As messages name it.
    place: String,
    current: Option<String>,
    contexts: Vec<Entry>,
    clusters: Vec<Entry>,
    users: Vec<Entry>,
}

/// A named entry of a list.
#[derive(Clone)]
struct Entry {
    name: String,
    value: Json,
    /// The directory of its file: paths in it start there.
    dir: PathBuf,
}

/// The cluster and the user of a context; of the current one where none is named.
///
/// # Errors
/// There is no such file or context, or it asks for something that is not supported.
pub fn cluster(host: &dyn Observe, given: Option<&Json>, context: Option<&str>) -> Result<Cluster, String> {
    let config = read(host, given)?;
    let name = match (context, &config.current) {
        (Some(name), _) => name,
        (None, Some(name)) => name,
        (None, None) => {
            return Err(format!("Invalid kube-config file. Expected key current-context in {}", config.place));
        }
    };
    let context = config.find(&config.contexts, "contexts", name)?;
    let named = |key: &str| context.value[key].as_str().filter(|n| !n.is_empty());
    let cluster = named("cluster").ok_or_else(|| {
        format!("Invalid kube-config file. Expected key cluster in {}/contexts[name={name}]/context", config.place)
    })?;
    let mut out = server(host, config.find(&config.clusters, "clusters", cluster)?)?;
    if let Some(user) = named("user") {
        // A user that is not listed counts as none.
        if let Some(user) = config.users.iter().find(|u| u.name == user) {
            authenticate(host, user, &mut out)?;
        }
    }
    Ok(out)
}

impl Config {
    fn find<'c>(&self, list: &'c [Entry], what: &str, name: &str) -> Result<&'c Entry, String> {
        let place = &self.place;
        list.iter()
            .find(|entry| entry.name == name)
            .ok_or_else(|| format!("Invalid kube-config file. Expected object with name {name} in {place}/{what} list"))
    }

    fn add(&mut self, content: &Json, dir: &Path) {
        self.current = self.current.take().or_else(|| content["current-context"].as_str().map(str::to_owned));
        for (list, many, one) in [
            (&mut self.contexts, "contexts", "context"),
            (&mut self.clusters, "clusters", "cluster"),
            (&mut self.users, "users", "user"),
        ] {
            for item in content[many].as_array().into_iter().flatten() {
                let Some(name) = item["name"].as_str() else { continue };
                if list.iter().all(|known| known.name != name) {
                    list.push(Entry { name: name.to_owned(), value: item[one].clone(), dir: dir.to_owned() });
                }
            }
        }
    }
}

fn read(host: &dyn Observe, given: Option<&Json>) -> Result<Config, String> {
    let mut config = Config::default();
    let paths = match given {
        Some(content @ Json::Object(_)) => {
            config.place = "kubeconfig".to_owned();
            config.add(content, Path::new("/"));
            return Ok(config);
        }
        Some(Json::String(paths)) => paths.clone(),
        Some(_) => return Err("kubeconfig is neither a path nor a mapping".to_owned()),
        None => host.env("KUBECONFIG").filter(|p| !p.is_empty()).unwrap_or_else(|| "~/.kube/config".to_owned()),
    };
    for path in paths.split(':').filter(|p| !p.is_empty()) {
        let path = PathBuf::from(expand_path(host, path));
        if !host.exists(&path) {
            continue;
        }
        let text = host.read_text(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let content: Json = serde_yaml::from_str(&text)
            .map_err(|e| format!("Invalid kube-config file. {} is no YAML: {e}", path.display()))?;
        if config.place.is_empty() {
            config.place = path.display().to_string();
        }
        config.add(&content, path.parent().unwrap_or(Path::new("/")));
    }
    if config.place.is_empty() {
        return Err("Invalid kube-config file. No configuration found.".to_owned());
    }
    Ok(config)
}

fn server(host: &dyn Observe, entry: &Entry) -> Result<Cluster, String> {
    let text = |key: &str| entry.value[key].as_str().filter(|t| !t.is_empty());
    if let Some(name) = text("tls-server-name") {
        return Err(format!("tls-server-name ({name}) in a kubeconfig is not supported"));
    }
    let server = text("server").ok_or("Invalid kube-config file. Expected key server")?;
    Ok(Cluster {
        server: server.trim_end_matches('/').to_owned(),
        authority: content(host, entry, "certificate-authority")?,
        insecure: entry.value["insecure-skip-tls-verify"] == true,
        proxy: text("proxy-url").map(str::to_owned),
        ..Cluster::default()
    })
}

/// What a key holds: bytes in base64 (`KEY-data`), or a file's name.
fn content(host: &dyn Observe, entry: &Entry, key: &str) -> Result<Option<Vec<u8>>, String> {
    if let Some(data) = entry.value[format!("{key}-data")].as_str().filter(|d| !d.is_empty()) {
        let compact: String = data.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(compact);
        return bytes.map(Some).map_err(|e| format!("{key}-data in a kubeconfig is no base64: {e}"));
    }
    let Some(path) = entry.value[key].as_str().filter(|p| !p.is_empty()) else { return Ok(None) };
    let path = entry.dir.join(path);
    host.read(&path).map(Some).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

fn authenticate(host: &dyn Observe, user: &Entry, out: &mut Cluster) -> Result<(), String> {
    let text = |key: &str| user.value[key].as_str().filter(|t| !t.is_empty());
    if let (Some(certificate), Some(key)) =
        (content(host, user, "client-certificate")?, content(host, user, "client-key")?)
    {
        out.identity = Some((certificate, key));
    }
    for key in ["as", "as-groups", "as-uid", "as-user-extra"] {
        if !user.value[key].is_null() {
            return Err(format!("`{key}` in a kubeconfig is not supported; use impersonate_user"));
        }
    }
    if let Some(provider) = user.value["auth-provider"]["name"].as_str() {
        return Err(format!("auth-provider {provider} in a kubeconfig is not supported; use a token or `exec`"));
    }
    if let Some(token) = text("token") {
        out.authorization = Some(Cluster::bearer(token));
    } else if let Some(path) = text("tokenFile") {
        let path = user.dir.join(path);
        let token = host.read_text(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        out.authorization = Some(Cluster::bearer(&token));
    } else if let (Some(name), Some(password)) = (text("username"), text("password")) {
        out.authorization = Some(Cluster::basic(name, password));
    } else if user.value["exec"].is_object() {
        from_program(host, &user.value["exec"], &user.dir, out)?;
    }
    Ok(())
}

/// Asks the program that the user's entry names, as kubectl does.
fn from_program(host: &dyn Observe, exec: &Json, dir: &Path, out: &mut Cluster) -> Result<(), String> {
    let program = exec["command"].as_str().ok_or("Invalid kube-config file. exec: there is no command")?;
    let path = if program.contains('/') { dir.join(program) } else { PathBuf::from(program) };
    let version = exec["apiVersion"].as_str().unwrap_or("client.authentication.k8s.io/v1");
    let info = serde_json::json!({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": false}});
    let args = exec["args"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let mut command = Command::new(path).args(args).env("KUBERNETES_EXEC_INFO", info.to_string());
    for pair in exec["env"].as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (pair["name"].as_str(), pair["value"].as_str()) {
            command = command.env(name, value);
        }
    }
    let failed = |why: &str| format!("exec: {program}: {}", why.trim());
    let said = host.query(&command.timeout(Duration::from_secs(60))).map_err(|e| failed(&e.to_string()))?;
    if !said.ok() {
        return Err(failed(&format!("process returned {}. {}", said.rc, said.stderr_text())));
    }
    let answer: Json = serde_json::from_slice(&said.stdout).map_err(|_| failed("its answer is no JSON"))?;
    let status = &answer["status"];
    if let Some(token) = status["token"].as_str() {
        out.authorization = Some(Cluster::bearer(token));
    }
    if let (Some(certificate), Some(key)) = (status["clientCertificateData"].as_str(), status["clientKeyData"].as_str())
    {
        out.identity = Some((certificate.into(), key.into()));
    }
    if out.authorization.is_none() && out.identity.is_none() {
        return Err(failed("its answer has neither a token nor a certificate"));
    }
    Ok(())
}
