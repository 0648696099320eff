//! The host's own `psql`. Statements go by its standard input; a password goes by its environment, which on Linux only its
//! own user can read: libpq takes one from a pipe nowhere where statements can come by another.

use crate::contract::{Arg, Failure, Json, JsonMap, Literal};
use crate::host::steps::{execute, plain_english, query, required};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::path::PathBuf;

/// Arguments by which all modules log in.
pub const LOGIN_ARGS: &[Arg] = &[
    Arg::str("login_user").aliases(&["login"]).doc("User to log in as; `PGUSER`, else postgres."),
    Arg::str("login_password").no_log().default(Literal::Str("")).doc("Password of that user."),
    Arg::str("login_host").aliases(&["host"]).default(Literal::Str("")).doc("Host of the server."),
    Arg::str("login_unix_socket").aliases(&["unix_socket"]).default(Literal::Str("")).doc("Directory of the socket."),
    Arg::int("login_port").aliases(&["port"]).doc("Port of the server; `PGPORT`, else 5432."),
    Arg::str("ssl_mode")
        .choices(&["allow", "disable", "prefer", "require", "verify-ca", "verify-full"])
        .default(Literal::Str("prefer"))
        .doc("How much TLS is wanted."),
    Arg::str("ca_cert").aliases(&["ssl_rootcert"]).doc("Certificate of the authority."),
    Arg::path("ssl_cert").doc("Certificate of the client."),
    Arg::path("ssl_key").doc("Key of that certificate."),
    Arg::str("session_role").doc("Role to take after the login."),
    Arg::bool("trust_input").default(Literal::Bool(true)).doc("Do not look for injections."),
];

/// The values of [`LOGIN_ARGS`].
#[derive(Clone, Deserialize)]
pub struct Login {
    login_user: Option<String>,
    login_password: String,
    login_host: String,
    login_unix_socket: String,
    login_port: Option<i64>,
    ssl_mode: String,
    ca_cert: Option<String>,
    ssl_cert: Option<PathBuf>,
    ssl_key: Option<PathBuf>,
    pub session_role: Option<String>,
    trust_input: bool,
}

impl Login {
    /// Whether something among the inputs looks like an injection, where inputs are not trusted.
    ///
    /// # Errors
    /// It does.
    pub fn check<'a>(&'a self, inputs: impl IntoIterator<Item = Option<&'a str>>) -> Result<(), Failure> {
        if self.trust_input {
            return Ok(());
        }
        let role = self.session_role.as_deref();
        let bad: Vec<&str> = inputs.into_iter().chain([role]).flatten().filter(|text| is_dangerous(text)).collect();
        if bad.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("Passed input '{}' is potentially dangerous", bad.join(", "))))
    }

    /// `-h`, `-p` and `-U`, as long options.
    pub fn options(&self, host: &dyn Observe) -> Vec<String> {
        let mut options = Vec::new();
        let local = matches!(self.login_host.as_str(), "" | "localhost");
        let place =
            if local && !self.login_unix_socket.is_empty() { &self.login_unix_socket } else { &self.login_host };
        if !place.is_empty() {
            options.push(format!("--host={place}"));
        }
        let port = self.login_port.or_else(|| host.env("PGPORT").and_then(|p| p.parse().ok()));
        options.push(format!("--port={}", port.unwrap_or(5432)));
        let user = self.login_user.clone().or_else(|| host.env("PGUSER").filter(|u| !u.is_empty()));
        options.push(format!("--username={}", user.unwrap_or_else(|| "postgres".to_owned())));
        options
    }

    /// A program of PostgreSQL's with what it is told by its environment.
    pub fn environment(&self, command: Command) -> Command {
        let mut command = command.env("PGSSLMODE", self.ssl_mode.clone());
        let path = |p: &PathBuf| p.to_string_lossy().into_owned();
        for (name, value) in [
            ("PGPASSWORD", Some(self.login_password.clone()).filter(|p| !p.is_empty())),
            ("PGSSLROOTCERT", self.ca_cert.clone()),
            ("PGSSLCERT", self.ssl_cert.as_ref().map(path)),
            ("PGSSLKEY", self.ssl_key.as_ref().map(path)),
        ] {
            if let Some(value) = value {
                command = command.env(name, value);
            }
        }
        command
    }
}

/// A client that can log in.
pub struct Client {
    command: Command,
    role: Option<String>,
    /// As `server_version_num`: 150008.
    pub version: i64,
}

/// An error of the server, in its words.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlError(pub String);

impl std::fmt::Display for SqlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Failure::new(format!("Database query failed: {error}"))
    }
}

impl Client {
    /// Logs in once, to see that it works and who answers.
    ///
    /// # Errors
    /// There is no client, or it cannot log in.
    pub fn connect(host: &dyn Observe, login: &Login, database: &str) -> Result<Self, Failure> {
        let program = required(host, "psql")?;
        let command = Command::new(program)
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password", "--set=ON_ERROR_STOP=1"])
            .args(login.options(host))
            .args((!database.is_empty()).then(|| format!("--dbname={database}")));
        let command = plain_english(login.environment(command));
        let mut client = Client { command, role: None, version: 0 };
        let told = client
            .output(&query(host, &client.with("SHOW server_version_num"))?)
            .map_err(|e| Failure::new(format!("unable to connect to database: {e}")))?;
        client.version = told.trim().parse().unwrap_or(0);
        if let Some(role) = &login.session_role {
            client.role = Some(role.clone());
            client
                .output(&query(host, &client.with("SELECT 1"))?)
                .map_err(|e| Failure::new(format!("Could not switch role: {e}")))?;
        }
        Ok(client)
    }

    /// A client that asks nobody, for tests of what is said to a server of this version.
    #[cfg(test)]
    pub fn offline(version: i64) -> Self {
        Client { command: Command::new("psql"), role: None, version }
    }

    fn with(&self, sql: &str) -> Command {
        let role = self.role.as_ref().map(|role| format!("SET ROLE {};\n", identifier(role))).unwrap_or_default();
        self.command.clone().stdin(format!("{role}{sql};\n"))
    }

    fn output(&self, out: &Output) -> Result<String, SqlError> {
        if out.ok() { Ok(out.stdout_text()) } else { Err(said(&out.stderr_text())) }
    }

    /// A query that only reads.
    ///
    /// # Errors
    /// The client cannot be started. What the server refuses is the inner error.
    pub fn ask(&self, host: &dyn Observe, sql: &str) -> Result<Result<Vec<JsonMap>, SqlError>, Failure> {
        let out = query(host, &self.with(&as_json(sql)))?;
        Ok(self.output(&out).map(|text| parsed(&text)))
    }

    /// As [`Client::ask`], where a refusal fails the task.
    ///
    /// # Errors
    /// The client cannot be started, or the server refuses.
    pub fn rows(&self, host: &dyn Observe, sql: &str) -> Result<Vec<JsonMap>, Failure> {
        Ok(self.ask(host, sql)??)
    }

    /// What a query would show before and after statements that are taken back: nothing stays changed.
    ///
    /// # Errors
    /// The client cannot be started. What the server refuses is the inner error.
    pub fn trial(
        &self,
        host: &dyn Observe,
        statements: &str,
        state: &str,
    ) -> Result<Result<(Vec<JsonMap>, Vec<JsonMap>), SqlError>, Failure> {
        let look = as_json(state);
        let sql = format!("BEGIN;\n{look};\n{statements}\n;\n{look};\nROLLBACK");
        let out = query(host, &self.with(&sql))?;
        Ok(self.output(&out).map(|text| {
            let lines: Vec<&str> = text.lines().filter(|l| l.starts_with('[')).collect();
            let at = |line: Option<&&str>| line.map(|l| parsed(l)).unwrap_or_default();
            (at(lines.first()), at(lines.last()))
        }))
    }

    /// Statements that change something, in one transaction or each by itself.
    ///
    /// # Errors
    /// The client cannot be started. What the server refuses is the inner error.
    pub fn run(
        &self,
        host: &mut dyn Change,
        statements: &[String],
        together: bool,
    ) -> Result<Result<(), SqlError>, Failure> {
        let mut command = self.with(&statements.join(";\n"));
        if together {
            command = command.arg("--single-transaction");
        }
        let out = execute(host, &command)?;
        Ok(self.output(&out).map(drop))
    }
}

/// A query whose rows come as one line of JSON.
fn as_json(sql: &str) -> String {
    format!("SELECT coalesce(json_agg(row_to_json(t))::text, '[]') FROM ({sql}) AS t")
}

fn parsed(text: &str) -> Vec<JsonMap> {
    // Within one value of JSON, rows are on lines of their own.
    let rows: Vec<Json> = serde_json::from_str(text).unwrap_or_default();
    rows.into_iter().filter_map(|row| row.as_object().cloned()).collect()
}

/// `psql:<stdin>:1: ERROR:  role "x" does not exist` without what psql puts before it, ended by a newline as by Python's
/// drivers.
fn said(stderr: &str) -> SqlError {
    let text = stderr.trim();
    let marks = ["ERROR:  ", "psql: error: "];
    let rest = marks.iter().find_map(|mark| text.split_once(mark)).map_or(text, |(_, rest)| rest);
    SqlError(format!("{rest}\n"))
}

/// A text as a literal.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Texts as an array.
pub fn array<S: AsRef<str>>(texts: &[S]) -> String {
    let all: Vec<String> = texts.iter().map(|t| literal(t.as_ref())).collect();
    format!("ARRAY[{}]::text[]", all.join(", "))
}

/// A name as an identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a text looks like an injection: a quote before a comment, a second query, a second statement.
fn is_dangerous(text: &str) -> bool {
    let upper = text.to_uppercase();
    let then = |first: &str, second: &str| upper.find(first).is_some_and(|at| upper[at..].contains(second));
    then("'", "--")
        || then("\"", "--")
        || ["UNION", "INTERSECT", "EXCEPT"].iter().any(|word| then(word, "SELECT"))
        || ["SELECT", "UPDATE", "INSERT", "DELETE", "DROP", "TRUNCATE", "ALTER"].iter().any(|word| then(";", word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use serde_json::json;

    #[test]
    fn words_of_the_server() {
        assert_eq!(said("psql:<stdin>:2: ERROR:  role \"x\" does not exist\n").0, "role \"x\" does not exist\n");
        assert_eq!(said("psql: error: connection failed: FATAL:  no\n").0, "connection failed: FATAL:  no\n");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert!(is_dangerous("x'; --") && is_dangerous("a; drop table b") && is_dangerous("union select"));
        assert!(!is_dangerous("plain-name--x") && !is_dangerous("selected"));
    }

    #[test]
    fn secrets_are_no_words_of_the_program() {
        let args = json!({"login_password": "top", "login_host": "db", "login_port": 6000, "login_unix_socket": "",
            "login_user": "me", "ssl_mode": "prefer", "trust_input": true});
        let login: Login = serde_json::from_value(args).unwrap();
        let mut host = Fake::new().answer("psql ...", 0, "150000\n");
        let client = Client::connect(&host, &login, "app").unwrap();
        client.run(&mut host, &["ALTER USER u PASSWORD 'x'".to_owned()], true).unwrap().unwrap();
        assert_eq!(
            host.executed(),
            [
                "/usr/bin/psql --no-psqlrc --quiet --no-align --tuples-only --no-password --set=ON_ERROR_STOP=1 --host=db --port=6000 --username=me --dbname=app --single-transaction"
            ]
        );
        assert_eq!(client.version, 150_000);
    }
}
