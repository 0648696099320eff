//! Where the clients of an engine keep what registries want to know of them: `config.json` and credential helpers.

use crate::contract::{Failure, Json, JsonMap};
use crate::host::steps::execute;
use crate::host::{Change, Command, Observe, expand_path};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::path::{Path, PathBuf};

/// The name of Docker's own registry as the file has it.
pub const INDEX_URL: &str = "https://index.docker.io/v1/";

/// The host of a registry's address.
pub fn index_name(address: &str) -> String {
    let host = address.replace("http://", "").replace("https://", "");
    let host = host.split('/').next().unwrap_or_default();
    if host == "index.docker.io" { "docker.io".to_owned() } else { host.to_owned() }
}

/// A name with its password.
#[derive(Clone, PartialEq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

/// The file, as far as it can be read.
pub struct Logins {
    pub content: JsonMap,
}

impl Logins {
    /// The file at this place; empty where there is none or it holds no JSON.
    pub fn read(host: &dyn Observe, path: &Path) -> Self {
        let text = host.read_text(path).unwrap_or_default();
        let content = serde_json::from_str::<Json>(&text).ok().and_then(|json| json.as_object().cloned());
        Logins { content: content.unwrap_or_default() }
    }

    /// The helper program that keeps the passwords for this registry.
    pub fn helper(&self, registry: &str) -> Option<String> {
        let registry = if registry.is_empty() || registry == "docker.io" { INDEX_URL } else { registry };
        let own = self.content.get("credHelpers").and_then(|h| h[registry].as_str());
        let name = own.or_else(|| self.content.get("credsStore").and_then(Json::as_str));
        name.filter(|n| !n.is_empty()).map(|n| format!("docker-credential-{n}"))
    }

    fn auths(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.content.get("auths").and_then(Json::as_object).into_iter().flatten()
    }

    /// The login kept under exactly this address.
    pub fn kept(&self, address: &str) -> Option<Login> {
        self.auths().find(|(key, _)| *key == address).and_then(|(_, entry)| decoded(entry))
    }

    /// The entry that counts for a registry.
    fn entry(&self, registry: &str) -> Option<(&String, &Json)> {
        let name = index_name(registry);
        self.auths().find(|(key, _)| **key == name).or_else(|| self.auths().find(|(key, _)| index_name(key) == name))
    }

    /// The login that counts for a registry.
    pub fn login(&self, registry: &str) -> Option<Login> {
        self.entry(registry).and_then(|(_, entry)| decoded(entry))
    }
}

fn decoded(entry: &Json) -> Option<Login> {
    let text = STANDARD.decode(entry["auth"].as_str()?).ok()?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Login { user: user.to_owned(), password: password.to_owned() })
}

/// The entry of a login.
pub fn encoded(login: &Login) -> Json {
    serde_json::json!({"auth": STANDARD.encode(format!("{}:{}", login.user, login.password))})
}

/// Where the file is for who runs the module.
pub fn default_path(host: &dyn Observe) -> PathBuf {
    match host.env("DOCKER_CONFIG") {
        Some(dir) => Path::new(&dir).join("config.json"),
        None => PathBuf::from(expand_path(host, "~/.docker/config.json")),
    }
}

/// What a request that goes to a registry carries.
///
/// # Errors
/// A helper program fails.
pub fn header(host: &dyn Observe, registry: &str) -> Result<Vec<(String, String)>, Failure> {
    let logins = Logins::read(host, &default_path(host));
    let told = |value: Json| vec![("X-Registry-Auth".to_owned(), URL_SAFE.encode(value.to_string()))];
    if let Some(program) = logins.helper(registry) {
        let address = if registry == "docker.io" { INDEX_URL } else { registry };
        if let Some(login) = from_helper(host, &program, address)? {
            return Ok(told(if login.user == "<token>" {
                serde_json::json!({"ServerAddress": address, "IdentityToken": login.password})
            } else {
                serde_json::json!({"ServerAddress": address, "Username": login.user, "Password": login.password})
            }));
        }
    }
    let Some((address, entry)) = logins.entry(registry) else { return Ok(Vec::new()) };
    if let Some(token) = entry["identitytoken"].as_str() {
        return Ok(told(serde_json::json!({"IdentityToken": token})));
    }
    let Some(login) = decoded(entry) else { return Ok(Vec::new()) };
    Ok(told(serde_json::json!({
        "username": login.user, "password": login.password, "email": entry["email"], "serveraddress": address,
    })))
}

/// Asks a helper program for a login; the address goes by its standard input.
///
/// # Errors
/// It fails for another reason than that it has none.
pub fn from_helper(host: &dyn Observe, program: &str, address: &str) -> Result<Option<Login>, Failure> {
    let command = Command::new(program).arg("get").stdin(address);
    let failed = |why: &str| Failure::new(format!("Credentials store error: {program}: {}", why.trim()));
    let out = host.query(&command).map_err(|e| failed(&e.to_string()))?;
    if !out.ok() {
        let said = out.stdout_text();
        return if said.contains("credentials not found") { Ok(None) } else { Err(failed(&said)) };
    }
    let json: Json = serde_json::from_slice(&out.stdout).map_err(|e| failed(&e.to_string()))?;
    let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
    Ok(Some(Login { user: text("Username"), password: text("Secret") }).filter(|l| !l.user.is_empty()))
}

/// Tells a helper program to keep a login, or to forget it; all by its standard input.
///
/// # Errors
/// It fails.
pub fn tell_helper(host: &mut dyn Change, program: &str, address: &str, login: Option<&Login>) -> Result<(), Failure> {
    let command = Command::new(program);
    let command = match login {
        Some(login) => {
            let entry = serde_json::json!({"ServerURL": address, "Username": login.user, "Secret": login.password});
            command.arg("store").stdin(entry.to_string())
        }
        None => command.arg("erase").stdin(address),
    };
    let out = execute(host, &command)?;
    if out.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("Credentials store error: {program}: {}", out.stdout_text().trim())))
}
