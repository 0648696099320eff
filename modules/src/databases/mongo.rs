//! The host's own shell of MongoDB, `mongosh` or `mongo`. Scripts, and with them passwords, reach it through a pipe, never
//! by its arguments or a file.

use crate::contract::{Arg, ArgType, Failure, Json, Literal, python_text};
use crate::facts::ini;
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, expand_path};
use crate::network::http::quote;
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// Arguments by which modules of MongoDB log in.
pub const LOGIN_ARGS: &[Arg] = &[
    Arg::str("login_user").doc("User to log in as; by default that of `~/.mongodb.cnf`."),
    Arg::str("login_password").no_log().doc("Password of that user."),
    Arg::str("login_database").default(Literal::Str("admin")).doc("The database that knows that user."),
    Arg::str("login_host").default(Literal::Str("localhost")).doc("Host of the server."),
    Arg::int("login_port").default(Literal::Int(27017)).doc("Port of the server."),
    Arg::bool("strict_compatibility")
        .default(Literal::Bool(true))
        .doc("Refuse servers before MongoDB 4; otherwise warn, and without a login make users of `admin` only."),
    Arg::bool("atlas_auth").default(Literal::Bool(false)).doc("Refused."),
    Arg::bool("ssl").aliases(&["tls"]).default(Literal::Bool(false)).doc("Go through TLS."),
    Arg::str("ssl_cert_reqs")
        .aliases(&["tlsAllowInvalidCertificates"])
        .choices(&["CERT_NONE", "CERT_OPTIONAL", "CERT_REQUIRED"])
        .default(Literal::Str("CERT_REQUIRED"))
        .doc("Whether the server needs a certificate that is valid."),
    Arg::str("ssl_ca_certs").aliases(&["tlsCAFile"]).doc("Certificates of authorities."),
    Arg::str("ssl_crlfile").doc("Certificates that are no longer valid; drivers of today do not look at it."),
    Arg::str("ssl_certfile").aliases(&["tlsCertificateKeyFile"]).doc("Certificate and key of the client."),
    Arg::str("ssl_keyfile").no_log().doc("The same, where `ssl_certfile` is not given."),
    Arg::str("ssl_pem_passphrase").no_log().aliases(&["tlsCertificateKeyFilePassword"]).doc("Password of that key."),
    Arg::str("auth_mechanism")
        .choices(&["SCRAM-SHA-256", "SCRAM-SHA-1", "MONGODB-X509", "GSSAPI", "PLAIN"])
        .doc("The way to log in, with TLS."),
    Arg::list("connection_options", ArgType::Raw).doc("Further options of the connection, with TLS: `name=value`."),
];

/// The values of [`LOGIN_ARGS`].
#[derive(Clone, Deserialize)]
pub struct Login {
    pub login_user: Option<String>,
    login_password: Option<String>,
    pub login_database: String,
    login_host: String,
    login_port: i64,
    strict_compatibility: bool,
    atlas_auth: bool,
    ssl: bool,
    ssl_cert_reqs: String,
    ssl_ca_certs: Option<String>,
    ssl_certfile: Option<String>,
    ssl_keyfile: Option<String>,
    ssl_pem_passphrase: Option<String>,
    auth_mechanism: Option<String>,
    connection_options: Option<Vec<Json>>,
}

/// A shell that knows where to log in.
pub struct Shell {
    command: Command,
    address: String,
    /// The password as it stands in the address.
    written_password: String,
    logs_in: bool,
    strict: bool,
}

/// What the server, or the shell, refused.
#[derive(Debug)]
pub struct MongoError {
    /// In a login with a password, not in what was asked.
    of_login: bool,
    message: String,
}

impl MongoError {
    pub fn failure(&self, what: &str) -> Failure {
        let what = if self.of_login { "Unable to get MongoDB server version" } else { what };
        Failure::new(format!("{what}: {}", self.message))
    }
}

/// Begins each line of an answer.
const MARK: &str = "tightbeam ";

/// Around a script, which gets the question `q`, the database `db` and `run`, and leaves its `answer`.
const BEFORE: &str = r#"
    var out = {}, stage = "login";
    function run(database, command) {
        var told = database.runCommand(command);
        if (!told.ok) {
            throw {code: told.code, message: told.errmsg};
        }
        return told;
    }
    try {
        var db = new Mongo(address).getDB(q.database);
        if (logs_in) {
            out.version = run(db.getSiblingDB("admin"), {buildInfo: 1}).version;
        }
        stage = "script";
        var answer = null;
"#;
const AFTER: &str = r#"
        out.answer = answer;
    } catch (e) {
        out.error = String(e.message || e.errmsg || e);
        out.stage = stage;
    }
    print("tightbeam " + JSON.stringify(out));
"#;

impl Shell {
    /// # Errors
    /// There is no shell, or the arguments cannot be.
    pub fn new(
        host: &dyn Observe,
        login: &Login,
        replica_set: Option<&str>,
        first_user: bool,
        database: &str,
    ) -> Result<Self, Failure> {
        if login.atlas_auth {
            return Err(Failure::new("atlas_auth is not supported"));
        }
        let (mut user, mut password) = (login.login_user.clone(), login.login_password.clone());
        if user.is_none() && password.is_none() {
            (user, password) = credentials(host)?;
        } else if [&user, &password].iter().any(|v| v.as_ref().is_none_or(String::is_empty)) && !login.ssl {
            return Err(Failure::new(
                "When supplying login arguments, both 'login_user' and 'login_password' must be provided",
            ));
        }
        let logs_in = user.is_some() && password.is_some();
        if first_user && !logs_in && !login.strict_compatibility && !["admin", "$external"].contains(&database) {
            return Err(Failure::new(
                "The localhost login exception only allows the first admin account to be created",
            ));
        }
        // The one waits for answers by itself and loads scripts; the other runs them one after the other.
        let (program, script) = match host.which("mongosh") {
            Some(program) => (program, "load('/dev/stdin')"),
            None if login.ssl => return Err(Failure::new("Options of TLS are only supported with mongosh")),
            None => (required(host, "mongo")?, "eval(cat('/dev/stdin'))"),
        };
        let command = Command::new(program).args(["--quiet", "--norc", "--nodb", "--eval", script]);
        let written_password = password.as_deref().map(|p| quote(p, "")).unwrap_or_default();
        let address = address(login, user.filter(|_| logs_in).as_deref(), &written_password, replica_set)?;
        Ok(Shell { command, address, written_password, logs_in, strict: login.strict_compatibility })
    }

    pub fn logs_in(&self) -> bool {
        self.logs_in
    }

    /// Sees whether the login works.
    ///
    /// # Errors
    /// It does not.
    pub fn check(&self, host: &dyn Observe) -> Result<(), Failure> {
        let question = json!({"database": "admin"});
        self.ask(host, "", &question)?.map_err(|e| e.failure("Unable to connect to database")).map(drop)
    }

    /// A script that only reads.
    ///
    /// # Errors
    /// The shell cannot be run, or the server is too old. What the server refuses is the inner error.
    pub fn ask(&self, host: &dyn Observe, script: &str, question: &Json) -> Result<Result<Json, MongoError>, Failure> {
        self.answer(&query(host, &self.script(script, question))?)
    }

    /// A script that changes something.
    ///
    /// # Errors
    /// As [`Shell::ask`].
    pub fn tell(
        &self,
        host: &mut dyn Change,
        script: &str,
        question: &Json,
    ) -> Result<Result<Json, MongoError>, Failure> {
        self.answer(&execute(host, &self.script(script, question))?)
    }

    fn script(&self, script: &str, question: &Json) -> Command {
        let begin = format!("var address = {}, logs_in = {}, q = {question};", json!(self.address), self.logs_in);
        self.command.clone().stdin(format!("(function () {{ {begin}{BEFORE}{script}{AFTER} }})();\n"))
    }

    fn answer(&self, out: &Output) -> Result<Result<Json, MongoError>, Failure> {
        let text = out.stdout_text();
        let told = text
            .lines()
            .rev()
            .find_map(|line| serde_json::from_str::<Json>(&line[line.find(MARK)? + MARK.len()..]).ok());
        let Some(mut told) = told else {
            let said = if out.stderr.is_empty() { text } else { out.stderr_text() };
            return Err(Failure::new(format!("Unable to connect to database: {}", self.without_password(said.trim()))));
        };
        if let Some(message) = told["error"].as_str() {
            let of_login = self.logs_in && told["stage"] == "login";
            return Ok(Err(MongoError { of_login, message: self.without_password(message) }));
        }
        if self.strict
            && told["version"].as_str().and_then(|v| v.chars().next()).is_some_and(|c| ('0'..'4').contains(&c))
        {
            return Err(Failure::new(
                "This version of MongoDB is pretty old and these modules are no longer tested against this version.",
            ));
        }
        Ok(Ok(told["answer"].take()))
    }

    fn without_password(&self, text: &str) -> String {
        if self.written_password.is_empty() {
            text.to_owned()
        } else {
            text.replace(&self.written_password, "********")
        }
    }
}

/// User and password of the user's own file.
fn credentials(host: &dyn Observe) -> Result<(Option<String>, Option<String>), Failure> {
    let file = expand_path(host, "~/.mongodb.cnf");
    let Ok(text) = host.read_text(Path::new(&file)) else { return Ok((None, None)) };
    let sections = ini::parse_raw(&text)
        .map_err(|_| Failure::new(format!("Unable to connect to database: {file} cannot be read")))?;
    let value = |name: &str| sections.get("client").and_then(|s| s.get(name)).and_then(Json::as_str).map(str::to_owned);
    match (value("user"), value("pass")) {
        (Some(user), Some(pass)) => Ok((Some(user), Some(pass))),
        _ => Err(Failure::new(format!("Unable to connect to database: {file} lacks user or pass in [client]"))),
    }
}

fn address(login: &Login, user: Option<&str>, password: &str, replica_set: Option<&str>) -> Result<String, Failure> {
    let mut options: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| options.push((name.to_owned(), quote(value, "")));
    match replica_set {
        Some(name) => add("replicaSet", name),
        None => add("directConnection", "true"),
    }
    if user.is_some() {
        add("authSource", &login.login_database);
    }
    if login.ssl {
        add("tls", "true");
        let file = login.ssl_certfile.as_ref().or(login.ssl_keyfile.as_ref());
        for (name, value) in [
            ("tlsCAFile", login.ssl_ca_certs.as_ref()),
            ("tlsCertificateKeyFile", file),
            ("tlsCertificateKeyFilePassword", login.ssl_pem_passphrase.as_ref()),
            ("authMechanism", login.auth_mechanism.as_ref()),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        if login.ssl_cert_reqs == "CERT_NONE" {
            add("tlsAllowInvalidCertificates", "true");
        }
        for option in login.connection_options.iter().flatten() {
            match option {
                Json::Object(map) => map.iter().for_each(|(name, value)| add(name, &python_text(value).to_lowercase())),
                Json::String(text) if text.contains('=') => {
                    let mut parts = text.split('=');
                    add(parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                }
                other => {
                    return Err(Failure::new(format!(
                        "Unable to connect to database: Invalid value supplied in connection_options: {} .",
                        python_text(other)
                    )));
                }
            }
        }
    }
    let who = user.map(|user| format!("{}:{password}@", quote(user, ""))).unwrap_or_default();
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let host = if login.login_host.contains(':') && !login.login_host.starts_with('[') {
        format!("[{}]", login.login_host)
    } else {
        login.login_host.clone()
    };
    Ok(format!("mongodb://{who}{host}:{}/?{}", login.login_port, options.join("&")))
}
