//! The host's own client program for MySQL and MariaDB. Passwords, and statements that may hold
//! some, reach it through a pipe, never by its arguments or a file.

use crate::contract::{Arg, Failure, Literal};
use crate::host::steps::{execute, query, required};
use crate::host::{Change, Command, Observe, Output, quote_word};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Arguments by which all modules of databases log in.
pub const LOGIN_ARGS: &[Arg] = &[
    Arg::str("login_user").doc("User to log in as."),
    Arg::str("login_password").no_log().doc("Password of that user."),
    Arg::str("login_host").default(Literal::Str("localhost")).doc("Host of the server."),
    Arg::int("login_port").default(Literal::Int(3306)).doc("Port of the server, for hosts other than `localhost`."),
    Arg::str("login_unix_socket").doc("Socket of the server."),
    Arg::path("config_file").default(Literal::Str("~/.my.cnf")).doc("File with options of the client."),
    Arg::int("connect_timeout").default(Literal::Int(30)).doc("Seconds to wait for a connection."),
    Arg::path("client_cert").aliases(&["ssl_cert"]).doc("Certificate of the client."),
    Arg::path("client_key").aliases(&["ssl_key"]).doc("Key of that certificate."),
    Arg::path("ca_cert").aliases(&["ssl_ca"]).doc("Certificate of the authority."),
    Arg::bool("check_hostname").doc("Compare the server's name with its certificate."),
];

/// The values of [`LOGIN_ARGS`].
#[derive(Clone, Debug, Deserialize)]
pub struct Login {
    login_user: Option<String>,
    login_password: Option<String>,
    login_host: String,
    login_port: i64,
    login_unix_socket: Option<String>,
    pub config_file: PathBuf,
    connect_timeout: i64,
    client_cert: Option<String>,
    client_key: Option<String>,
    ca_cert: Option<String>,
    check_hostname: Option<bool>,
}

/// What the modules choose beside the login.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choices {
    /// Try root without a password first.
    pub implicit_admin: bool,
    /// Host and port of the configuration file win over the arguments.
    pub file_wins: bool,
    /// Work in the database `mysql`.
    pub in_mysql: bool,
}

/// A client that can log in.
#[derive(Clone, Debug)]
pub struct Client {
    program: PathBuf,
    /// Content of the file of options.
    options: String,
    /// As the server tells it: `10.11.6-MariaDB-0+deb12u1`.
    pub version: String,
    in_mysql: bool,
}

/// An error of the server or of the client, in the words of Python's drivers: `(1045, "Access denied …")`.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlError(pub String);

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Failure::new(error.0)
    }
}

/// Where a shell's line finds the client's options.
pub const OPTIONS: &str = "/dev/fd/3";

pub type Rows = Vec<Vec<Option<String>>>;

impl Client {
    /// Logs in once, to see that it works and who answers. `Err(Ok(…))`: the server does not let us in.
    ///
    /// # Errors
    /// There is no client, or it cannot log in.
    pub fn connect(host: &dyn Observe, login: &Login, choices: Choices) -> Result<Result<Self, SqlError>, Failure> {
        if login.check_hostname.is_some() {
            return Err(Failure::new("check_hostname is not supported: set it in config_file, in the client's words"));
        }
        let program = match host.which("mariadb") {
            Some(program) => program,
            None => required(host, "mysql")?,
        };
        let given = (login.login_user.as_deref(), login.login_password.as_deref());
        let root = choices.implicit_admin.then_some((Some("root"), Some("")));
        let mut refused = SqlError(String::new());
        for (user, password) in root.into_iter().chain([given]) {
            let options = options(host, login, choices, user, password)?;
            let client =
                Client { program: program.clone(), options, version: String::new(), in_mysql: choices.in_mysql };
            match client.ask(host, "SELECT VERSION()")? {
                Ok(rows) => return Ok(Ok(Client { version: first(&rows), ..client })),
                Err(error) => refused = error,
            }
        }
        Ok(Err(refused))
    }

    pub fn is_mariadb(&self) -> bool {
        self.version.to_lowercase().contains("mariadb")
    }

    /// Whether the server is at least of this version.
    pub fn at_least(&self, wanted: (u32, u32, u32)) -> bool {
        let mut numbers = self.version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        (next(), next(), next()) >= wanted
    }

    fn command(&self, options_file: &str) -> Command {
        let command = Command::new(&self.program).arg(format!("--defaults-file={options_file}")).args([
            "--batch",
            "--skip-column-names",
            "--default-character-set=utf8mb4",
        ]);
        let command = crate::host::steps::plain_english(command);
        if self.in_mysql { command.arg("--database=mysql") } else { command }
    }

    /// Statements that only read and hold no secret.
    ///
    /// # Errors
    /// The client cannot be started. What the server refuses is the inner error.
    pub fn ask(&self, host: &dyn Observe, sql: &str) -> Result<Result<Rows, SqlError>, Failure> {
        let command = self.command("/dev/stdin").arg(format!("--execute={sql}")).stdin(self.options.clone());
        Ok(answer(&query(host, &command)?))
    }

    /// As [`Client::ask`], where a refusal fails the task.
    ///
    /// # Errors
    /// The client cannot be started, or the server refuses.
    pub fn rows(&self, host: &dyn Observe, sql: &str) -> Result<Rows, Failure> {
        Ok(self.ask(host, sql)??)
    }

    /// A line for a shell, that names [`OPTIONS`] as its program's file of options. They come through a pipe: they hold a
    /// password, which belongs neither in a file nor on a command line.
    pub fn in_shell(&self, shell: &Path, line: &str) -> Command {
        Command::new(shell).arg("-c").arg(format!("exec 3<&0; {line}")).stdin(self.options.clone())
    }

    /// Statements that change something, one session for all; the first that is refused ends it.
    ///
    /// # Errors
    /// The client cannot be started. What the server refuses is the inner error.
    pub fn run(&self, host: &mut dyn Change, statements: &[String]) -> Result<Result<Rows, SqlError>, Failure> {
        let sql: String = statements.iter().map(|s| format!("{s};\n")).collect();
        // Both come through one pipe, for both may hold passwords: first the options, of known length, then the statements.
        let client = self.command(OPTIONS);
        let program = client.program.to_string_lossy();
        let words: Vec<String> =
            std::iter::once(&*program).chain(client.args.iter().map(String::as_str)).map(quote_word).collect();
        let (length, words) = (self.options.len(), words.join(" "));
        let script = format!("exec 4<&0; head -c {length} <&4 | {{ exec 3<&0; exec {words} <&4; }}");
        let whole = Command::new("/bin/sh").arg("-c").arg(script).stdin(format!("{}{sql}", self.options));
        Ok(answer(&execute(host, &crate::host::steps::plain_english(whole))?))
    }
}

/// The file of options: what the user's own file says, then the arguments, which win.
fn options(
    host: &dyn Observe,
    login: &Login,
    choices: Choices,
    user: Option<&str>,
    password: Option<&str>,
) -> Result<String, Failure> {
    let mut place = String::from("[client]\n");
    let mut ours = String::from("[client]\n");
    let entry = |to: &mut String, name: &str, value: Option<&str>| {
        if let Some(value) = value {
            to.push_str(&format!("{name}=\"{}\"\n", quoted(value)));
        }
    };
    let port = login.login_port.to_string();
    match &login.login_unix_socket {
        Some(socket) => entry(&mut ours, "socket", Some(socket)),
        None => {
            entry(&mut place, "host", Some(&login.login_host));
            // The client would take a port for a wish to go by TCP.
            entry(&mut place, "port", Some(port.as_str()).filter(|_| login.login_host != "localhost"));
        }
    }
    for (name, value) in [("user", user), ("password", password)] {
        entry(&mut ours, name, value);
    }
    for (name, value) in [("ssl-cert", &login.client_cert), ("ssl-key", &login.client_key), ("ssl-ca", &login.ca_cert)]
    {
        entry(&mut ours, name, value.as_deref());
    }
    let file = match host.read_text(&login.config_file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(Failure::io(format!("cannot read {}", login.config_file.display()), &e)),
    };
    let (first, second) = if choices.file_wins { (place, file) } else { (file, place) };
    Ok(format!("{first}\n{second}\n{ours}[mysql]\nconnect-timeout={}\n", login.connect_timeout))
}

/// A value between double quotes of a file of options.
fn quoted(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out
}

fn answer(out: &Output) -> Result<Rows, SqlError> {
    if !out.ok() {
        return Err(said(&out.stderr_text()));
    }
    Ok(out.stdout_text().lines().map(|line| line.split('\t').map(cell).collect()).collect())
}

fn cell(text: &str) -> Option<String> {
    if text == "NULL" {
        return None;
    }
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('0') => out.push('\0'),
                Some(c) => out.push(c),
                None => out.push('\\'),
            },
            (c, _) => out.push(c),
        }
    }
    Some(out)
}

/// `ERROR 1045 (28000) at line 1: …`, as Python's drivers have it.
fn said(stderr: &str) -> SqlError {
    let parsed = stderr.lines().find_map(|line| {
        let (number, rest) = line.strip_prefix("ERROR ")?.split_once(' ')?;
        let (_, message) = rest.split_once(": ")?;
        Some(format!("({}, {})", number.parse::<u32>().ok()?, python_text(message)))
    });
    SqlError(parsed.unwrap_or_else(|| stderr.trim().to_owned()))
}

/// A text as Python writes it in a list.
pub fn python_text(text: &str) -> String {
    if text.contains('\'') && !text.contains('"') {
        format!("\"{}\"", text.replace('\\', "\\\\"))
    } else {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

/// The first cell of the first row.
pub fn first(rows: &Rows) -> String {
    rows.first().and_then(|r| r.first()).cloned().flatten().unwrap_or_default()
}

/// A text as a literal of SQL, right with and without backslashes as escapes as far as quotes go.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// An account as statements have it.
pub fn account(user: &str, host: &str) -> String {
    format!("{}@{}", literal(user), literal(host))
}

/// The failure of a login that the server refused.
pub fn not_let_in(host: &dyn Observe, file: &Path, error: &SqlError, told_of_missing: bool) -> Failure {
    let file_name = file.display();
    Failure::new(if told_of_missing && !host.exists(file) {
        format!("unable to find {file_name}. Exception message: {}", error.0)
    } else {
        format!(
            "unable to connect to database, check login_user and login_password are correct or {file_name} has the credentials. Exception message: {}",
            error.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cells_and_quotes() {
        let stderr = "ERROR 1045 (28000): Access denied for user 'x'@'localhost' (using password: NO)\n";
        assert_eq!(said(stderr).0, "(1045, \"Access denied for user 'x'@'localhost' (using password: NO)\")");
        assert_eq!(said("ERROR 1007 (HY000) at line 2: Can't create: a\"b").0, "(1007, 'Can\\'t create: a\"b')");
        assert_eq!(cell("a\\tb\\\\c"), Some("a\tb\\c".to_owned()));
        assert_eq!(cell("NULL"), None);
        assert_eq!(literal("it's \\"), "'it''s \\\\'");
        assert_eq!(quoted("p\"w\\d"), "p\\\"w\\\\d");
    }
}
