//! `community.mysql.mysql_user`: accounts of a MySQL or MariaDB server, their passwords and privileges.

use super::client::{Choices, Client, LOGIN_ARGS, Login, account, first, literal, not_let_in};
use super::grants::{Grants, Way, grant, turn};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;
use sha1::{Digest, Sha1};

pub struct MysqlUser;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    password: Option<String>,
    encrypted: bool,
    host: String,
    host_all: bool,
    state: State,
    #[serde(rename = "priv")]
    privileges: Option<Json>,
    tls_requires: Option<JsonMap>,
    append_privs: bool,
    subtract_privs: bool,
    attributes: Option<Json>,
    check_implicit_admin: bool,
    update_password: UpdatePassword,
    sql_log_bin: bool,
    plugin: Option<String>,
    plugin_hash_string: Option<String>,
    plugin_auth_string: Option<String>,
    salt: Option<String>,
    resource_limits: Option<JsonMap>,
    force_context: bool,
    session_vars: Option<JsonMap>,
    column_case_sensitive: Option<bool>,
    password_expire: Option<String>,
    password_expire_interval: Option<i64>,
    locked: Option<bool>,
    #[serde(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UpdatePassword {
    Always,
    OnCreate,
    OnNewUsername,
}

pub struct Work {
    name: String,
    client: Client,
    statements: Vec<String>,
    /// Accounts whose privileges decide, once the statements are done, whether anything changed.
    undecided: Vec<(String, Grants)>,
    outcome: Outcome,
}

impl Module for MysqlUser {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        rules: &[Rule::MutuallyExclusive(&["append_privs", "subtract_privs"])],
        examples: "- name: A user for the application\n  community.mysql.mysql_user:\n    name: app\n    password: secret\n    priv: 'app.*:ALL'\n    column_case_sensitive: true\n",
        returns: &[
            Return { name: "user", when: "always", doc: "The name." },
            Return { name: "msg", when: "success", doc: "What was done last." },
            Return { name: "password_changed", when: "success", doc: "Whether the password is another." },
        ],
        differs: "Goes through the host's `mariadb` or `mysql` instead of a library of Python. `attributes`, `salt`, `password_expire` and `check_hostname` are refused, and so are servers before MySQL 5.7 and MariaDB 10.2.",
        ..ModuleSpec::new(
            "community.mysql.mysql_user",
            "Manages accounts of MySQL and MariaDB.",
            &[
                Arg::str("name").required().aliases(&["user"]).doc("Name of the account."),
                Arg::str("password").no_log().doc("Its password."),
                Arg::bool("encrypted").default(Literal::Bool(false)).doc("`password` is a hash."),
                Arg::str("host").default(Literal::Str("localhost")).doc("From where the account logs in."),
                Arg::bool("host_all").default(Literal::Bool(false)).doc("All accounts of that name."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the account is there."),
                Arg::raw("priv").doc("Privileges: `db.table:PRIV1,PRIV2/…`, or a mapping."),
                Arg::dict("tls_requires").doc("What the connection must have: SSL, X509, or CIPHER, ISSUER, SUBJECT."),
                Arg::bool("append_privs").default(Literal::Bool(false)).doc("Add the privileges."),
                Arg::bool("subtract_privs").default(Literal::Bool(false)).doc("Take the privileges away."),
                Arg::dict("attributes").doc("Attributes of the account."),
                Arg::bool("check_implicit_admin")
                    .default(Literal::Bool(false))
                    .doc("Try root without a password first."),
                Arg::str("update_password")
                    .choices(&["always", "on_create", "on_new_username"])
                    .default(Literal::Str("always"))
                    .doc("When the password is set."),
                Arg::bool("sql_log_bin").default(Literal::Bool(true)).doc("Log the change in the binary log."),
                Arg::str("plugin").doc("Plugin that checks the login."),
                Arg::str("plugin_hash_string").doc("Hash for the plugin."),
                Arg::str("plugin_auth_string").doc("Password for the plugin."),
                Arg::str("salt").doc("Salt of the plugin's hash."),
                Arg::dict("resource_limits").doc("Limits, such as MAX_USER_CONNECTIONS."),
                Arg::bool("force_context").default(Literal::Bool(false)).doc("Work in the database `mysql`."),
                Arg::dict("session_vars").doc("Variables of the session."),
                Arg::bool("column_case_sensitive").doc("Names of columns in privileges keep their case."),
                Arg::str("password_expire")
                    .choices(&["now", "never", "default", "interval"])
                    .no_log()
                    .doc("When the password expires."),
                Arg::int("password_expire_interval").no_log().doc("Days until it expires."),
                Arg::bool("locked").doc("Whether the account is locked."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        args.host = args.host.to_lowercase();
        refuse(&args)?;
        let written = privileges_text(args.privileges.as_ref())?;
        let choices =
            Choices { implicit_admin: args.check_implicit_admin, file_wins: false, in_mysql: args.force_context };
        let client = Client::connect(host, &args.login, choices)?
            .map_err(|e| not_let_in(host, &args.login.config_file, &e, false))?;
        if !client.at_least(if client.is_mariadb() { (10, 2, 0) } else { (5, 7, 0) }) {
            return Err(Failure::new(format!("the server is too old for this module: {}", client.version)));
        }
        let mut plan = Planner::new(&args, host, &client, call.check);
        if args.column_case_sensitive.is_none() {
            plan.outcome.warnings.push("Option column_case_sensitive is not provided. The default is now false, so the column's name will be uppercased. The default will be changed to true in community.mysql 4.0.0.".to_owned());
        }
        let wanted = match written {
            None => None,
            Some(text) => {
                let ansi = first(&client.rows(host, "SELECT @@sql_mode")?).contains("ANSI");
                let quote = if ansi { '"' } else { '`' };
                let keep_case = args.column_case_sensitive == Some(true);
                Some(Grants::wanted(&text, quote, keep_case, !args.subtract_privs)?)
            }
        };
        let there = plan.hosts()?;
        let (changed, msg) = match (args.state, there.is_empty()) {
            (State::Absent, true) => (false, "User doesn't exist".to_owned()),
            (State::Absent, false) => {
                let drop = |h: &String| format!("DROP USER IF EXISTS {}", account(&args.name, h));
                plan.statements.extend(there.iter().map(drop));
                (true, "User deleted".to_owned())
            }
            (State::Present, true) => plan.add(wanted)?,
            (State::Present, false) => plan.modify(&there, wanted)?,
        };
        let Planner { mut outcome, mut statements, undecided, .. } = plan;
        outcome.changed = changed;
        outcome.set("user", args.name.clone());
        outcome.set("msg", msg);
        if statements.is_empty() {
            return Ok(Plan::Done(outcome));
        }
        statements.splice(0..0, session(&args)?);
        Ok(Plan::Work(Work { name: args.name, client, statements, undecided, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        let mut outcome = work.outcome.clone();
        outcome.changed |= !work.undecided.is_empty();
        outcome
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { name, client, statements, undecided, mut outcome } = work;
        client.run(host, &statements)??;
        for (on, before) in undecided {
            outcome.changed |= grants_of(host.observe(), &client, &name, &on)? != before;
        }
        Ok(outcome)
    }
}

fn refuse(args: &Args) -> Result<(), Failure> {
    for (given, name) in [
        (args.attributes.as_ref().is_some_and(|a| a.as_object().is_some_and(|m| !m.is_empty())), "attributes"),
        (args.salt.is_some(), "salt"),
        (args.password_expire.is_some() || args.password_expire_interval.is_some(), "password_expire"),
    ] {
        if given {
            return Err(Failure::new(format!("{name} is not supported")));
        }
    }
    Ok(())
}

/// A mapping becomes `place:privileges/…`.
fn privileges_text(given: Option<&Json>) -> Result<Option<String>, Failure> {
    match given {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(Json::Object(map)) => {
            let item = |(place, list): (&String, &Json)| {
                format!("{place}:{}", list.as_str().map_or_else(|| list.to_string(), str::to_owned))
            };
            Ok(Some(map.iter().map(item).collect::<Vec<_>>().join("/")))
        }
        Some(other) => Err(Failure::new(format!("priv parameter must be str or dict but {other} was passed"))),
    }
}

/// What the session begins with.
fn session(args: &Args) -> Result<Vec<String>, Failure> {
    let mut statements = Vec::new();
    if !args.sql_log_bin {
        statements.push("SET SQL_LOG_BIN=0".to_owned());
    }
    for (name, value) in args.session_vars.iter().flatten() {
        let value = match value {
            Json::String(text) => literal(text),
            Json::Bool(on) => u8::from(*on).to_string(),
            Json::Number(number) => number.to_string(),
            other => return Err(Failure::new(format!("session_vars: {name} cannot be {other}"))),
        };
        statements.push(format!("SET SESSION `{}` = {value}", name.replace('`', "``")));
    }
    Ok(statements)
}

/// What a connection must have.
#[derive(Clone, Debug, PartialEq)]
enum Tls {
    Word(&'static str),
    All(Vec<(String, String)>),
}

fn tls_wanted(given: Option<&JsonMap>) -> Option<Tls> {
    let given = given.filter(|m| !m.is_empty())?;
    let text = |v: &Json| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut all: Vec<(String, String)> = given.iter().map(|(k, v)| (k.to_uppercase(), text(v))).collect();
    all.sort();
    if all.iter().any(|(k, _)| matches!(k.as_str(), "CIPHER" | "ISSUER" | "SUBJECT")) {
        all.retain(|(k, _)| k != "SSL" && k != "X509");
        return Some(Tls::All(all));
    }
    Some(Tls::Word(if all.iter().any(|(k, _)| k == "X509") { "X509" } else { "SSL" }))
}

fn require(tls: &Tls) -> String {
    match tls {
        Tls::Word(word) => format!(" REQUIRE {word}"),
        Tls::All(all) => {
            let parts: Vec<String> = all.iter().map(|(k, v)| format!("{k} {}", literal(v))).collect();
            format!(" REQUIRE {}", parts.join(" AND "))
        }
    }
}

/// The hash of `mysql_native_password`.
fn native_hash(password: &str) -> String {
    let digest = Sha1::digest(Sha1::digest(password.as_bytes()));
    digest.iter().fold("*".to_owned(), |text, byte| format!("{text}{byte:02X}"))
}

fn is_hash(text: &str) -> bool {
    text.len() == 41 && text.strip_prefix('*').is_some_and(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn grants_of(host: &dyn Observe, client: &Client, user: &str, on: &str) -> Result<Grants, Failure> {
    let rows = client.rows(host, &format!("SHOW GRANTS FOR {}", account(user, on)))?;
    Grants::shown(rows.iter().filter_map(|r| r.first().and_then(Option::as_deref)))
}

/// Collects what is to be done.
struct Planner<'a> {
    args: &'a Args,
    host: &'a dyn Observe,
    client: &'a Client,
    check: bool,
    statements: Vec<String>,
    undecided: Vec<(String, Grants)>,
    outcome: Outcome,
}

impl<'a> Planner<'a> {
    fn new(args: &'a Args, host: &'a dyn Observe, client: &'a Client, check: bool) -> Self {
        let outcome = Outcome::unchanged().with("password_changed", false).with("attributes", Json::Null);
        Planner { args, host, client, check, statements: Vec::new(), undecided: Vec::new(), outcome }
    }

    /// From where the accounts log in that are meant and there.
    fn hosts(&self) -> Result<Vec<String>, Failure> {
        let Args { name, host, host_all, .. } = self.args;
        let mut sql = format!("SELECT Host FROM mysql.user WHERE User = {}", literal(name));
        if !host_all {
            sql.push_str(&format!(" AND Host = {}", literal(host)));
        }
        Ok(self.client.rows(self.host, &sql)?.into_iter().filter_map(|r| r.into_iter().next().flatten()).collect())
    }

    /// ` IDENTIFIED …`, empty where nothing is asked for.
    fn identified(&self, hash: Option<String>) -> String {
        let Args { plugin, plugin_hash_string, plugin_auth_string, .. } = self.args;
        if let Some(hash) = hash {
            return format!(" IDENTIFIED WITH mysql_native_password AS {}", literal(&hash));
        }
        let Some(plugin) = plugin else { return String::new() };
        let with = format!(" IDENTIFIED WITH {}", literal(plugin));
        match (plugin_hash_string, plugin_auth_string) {
            (Some(hash), _) => format!("{with} AS {}", literal(hash)),
            (None, None) => with,
            (None, Some(text)) => match plugin.as_str() {
                "pam" => format!("{with} USING {}", literal(text)),
                "ed25519" => format!("{with} USING PASSWORD({})", literal(text)),
                _ => format!("{with} BY {}", literal(text)),
            },
        }
    }

    fn wanted_hash(&self) -> Result<Option<String>, Failure> {
        let Some(password) = self.args.password.as_deref().filter(|p| !p.is_empty()) else { return Ok(None) };
        if !self.args.encrypted {
            return Ok(Some(native_hash(password)));
        }
        Ok(Some(password.to_owned()))
    }

    fn add(&mut self, wanted: Option<Grants>) -> Result<(bool, String), Failure> {
        let args = self.args;
        if args.host_all {
            return Err(Failure::new("host_all parameter cannot be used when adding a user"));
        }
        let account = account(&args.name, &args.host);
        let mut identified = self.identified(self.wanted_hash()?);
        let mut password_changed = true;
        if args.update_password == UpdatePassword::OnNewUsername {
            let sql = format!(
                "SELECT plugin, authentication_string FROM mysql.user WHERE User = {} GROUP BY plugin, authentication_string",
                literal(&args.name)
            );
            let rows = self.client.rows(self.host, &sql)?;
            if let [row] = rows.as_slice() {
                let cell = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
                identified = format!(" IDENTIFIED WITH {} AS {}", literal(&cell(0)), literal(&cell(1)));
                password_changed = false;
            } else if !rows.is_empty() {
                self.outcome.warnings.push(format!("An account with the username {} has a different password than the others existing accounts. Thus on_new_username can't decide which password to reuse so it will use your provided password instead. If no password is provided, the account will have an empty password!", args.name));
            }
        }
        let tls = tls_wanted(args.tls_requires.as_ref());
        let required = tls.as_ref().map(require).unwrap_or_default();
        self.statements.push(format!("CREATE USER {account}{identified}{required}"));
        if !args.subtract_privs {
            for (place, list) in wanted.iter().flat_map(|w| &w.0) {
                self.statements.push(grant(list, place, &args.name, &args.host));
            }
        }
        if args.locked == Some(true) {
            self.statements.push(format!("ALTER USER {account} ACCOUNT LOCK"));
        }
        self.limit(&args.host, true)?;
        let told = if self.check { Json::Null } else { password_changed.into() };
        self.outcome.set("password_changed", told);
        Ok((true, "User added".to_owned()))
    }

    fn modify(&mut self, there: &[String], wanted: Option<Grants>) -> Result<(bool, String), Failure> {
        let args = self.args;
        let (mut changed, mut msg, mut password_changed) = (false, "User unchanged".to_owned(), false);
        let way = match (args.append_privs, args.subtract_privs) {
            (true, _) => Way::Append,
            (_, true) => Way::Subtract,
            _ => Way::Replace,
        };
        for on in there {
            let account = account(&args.name, on);
            let wish = format!("WHERE User = {} AND Host = {}", literal(&args.name), literal(on));
            if args.update_password == UpdatePassword::Always {
                let told = self.password(&account, &wish)?;
                if let Some(told) = told {
                    (changed, password_changed) = (true, true);
                    if !told.is_empty() {
                        msg = told;
                    }
                }
            }
            if let Some(wanted) = &wanted {
                let now = grants_of(self.host, self.client, &args.name, on)?;
                let turn = turn(&now, wanted, way, &args.name, on);
                if let Some(told) = turn.msg {
                    msg = told;
                    changed |= turn.certain;
                    self.statements.extend(turn.statements);
                    self.undecided.push((on.clone(), now));
                }
            }
            if let Some(locked) = args.locked {
                let shown = first(&self.client.rows(self.host, &format!("SHOW CREATE USER {account}"))?);
                if shown.contains("ACCOUNT LOCK") != locked {
                    let (word, done) = if locked { ("LOCK", "locked") } else { ("UNLOCK", "unlocked") };
                    self.statements.push(format!("ALTER USER {account} ACCOUNT {word}"));
                    msg = if self.check { format!("User will be {done}") } else { format!("User {done}") };
                    changed = true;
                }
            }
            let tls = tls_wanted(args.tls_requires.as_ref());
            if self.tls_now(&wish)? != tls {
                let required = tls.as_ref().map_or_else(|| " REQUIRE NONE".to_owned(), require);
                self.statements.push(format!("ALTER USER {account}{required}"));
                msg = "TLS requires updated".to_owned();
                changed = true;
            }
        }
        changed |= self.limit(&args.host, false)?;
        self.outcome.set("password_changed", password_changed);
        let attributes = if self.client.is_mariadb() { Json::Object(JsonMap::new()) } else { Json::Null };
        self.outcome.set("attributes", attributes);
        Ok((changed, msg))
    }

    /// Plans another password or plugin; what is told of it (empty: nothing), `None` where all is as wished.
    fn password(&mut self, account: &str, wish: &str) -> Result<Option<String>, Failure> {
        let args = self.args;
        let mut told = None;
        if let Some(hash) = self.wanted_hash()? {
            if args.encrypted && !is_hash(&hash) {
                return Err(Failure::new(
                    "encrypted was specified however it does not appear to be a valid hash expecting: *SHA1(SHA1(your_password))",
                ));
            }
            let mut found = self.client.ask(
                self.host,
                &format!(
                    "SELECT COALESCE(NULLIF(Password, ''), NULLIF(authentication_string, '')) FROM mysql.user {wish}"
                ),
            )?;
            if found.is_err() {
                // MySQL has no column of that name.
                let sql = format!("SELECT NULLIF(authentication_string, '') FROM mysql.user {wish}");
                found = self.client.ask(self.host, &sql)?;
            }
            if first(&found?) != hash {
                self.statements.push(format!("ALTER USER {account}{}", self.identified(Some(hash))));
                told = Some(if self.check { "Password updated" } else { "Password updated (new style)" }.to_owned());
            }
        }
        if let Some(plugin) = &args.plugin {
            let sql = format!("SELECT plugin, authentication_string FROM mysql.user {wish}");
            let rows = self.client.rows(self.host, &sql)?;
            let cell = |i: usize| rows.first().and_then(|r| r.get(i)).cloned().flatten().unwrap_or_default();
            let differs = |wished: &Option<String>| wished.as_ref().is_some_and(|w| !w.is_empty() && *w != cell(1));
            if cell(0) != *plugin || differs(&args.plugin_hash_string) || differs(&args.plugin_auth_string) {
                self.statements.push(format!("ALTER USER {account}{}", self.identified(None)));
                told = told.or_else(|| Some(String::new()));
            }
        }
        Ok(told)
    }

    fn tls_now(&self, wish: &str) -> Result<Option<Tls>, Failure> {
        let sql = format!("SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject FROM mysql.user {wish}");
        let rows = self.client.rows(self.host, &sql)?;
        let cell = |i: usize| rows.first().and_then(|r| r.get(i)).cloned().flatten().unwrap_or_default();
        let mut map = JsonMap::new();
        for (i, name) in [(1, "CIPHER"), (2, "ISSUER"), (3, "SUBJECT")] {
            if !cell(i).is_empty() {
                map.insert(name.to_owned(), cell(i).into());
            }
        }
        if matches!(cell(0).as_str(), "ANY" | "X509") {
            map.insert(if cell(0) == "ANY" { "SSL" } else { "X509" }.to_owned(), Json::Null);
        }
        Ok(tls_wanted(Some(&map)))
    }

    /// Plans other limits; whether there are any to change.
    fn limit(&mut self, on: &str, new: bool) -> Result<bool, Failure> {
        const COLUMNS: [(&str, &str); 5] = [
            ("MAX_QUERIES_PER_HOUR", "max_questions"),
            ("MAX_UPDATES_PER_HOUR", "max_updates"),
            ("MAX_CONNECTIONS_PER_HOUR", "max_connections"),
            ("MAX_USER_CONNECTIONS", "max_user_connections"),
            ("MAX_STATEMENT_TIME", "max_statement_time"),
        ];
        let Some(limits) = self.args.resource_limits.as_ref().filter(|l| !l.is_empty()) else { return Ok(false) };
        let mut parts = Vec::new();
        for (name, value) in limits {
            let Some((_, column)) = COLUMNS.iter().find(|(n, _)| n == name) else {
                return Err(Failure::new(format!("resource_limits: key '{name}' is unsupported.")));
            };
            if name == "MAX_STATEMENT_TIME" && !self.client.is_mariadb() {
                return Err(Failure::new("MAX_STATEMENT_TIME resource limit is only supported by MariaDB."));
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let wanted: i64 =
                text.trim().parse().map_err(|_| Failure::new(format!("Can't convert value '{text}' to integer.")))?;
            let wish = format!("WHERE User = {} AND Host = {}", literal(&self.args.name), literal(on));
            let now = if new {
                None
            } else {
                let rows = self.client.rows(self.host, &format!("SELECT {column} FROM mysql.user {wish}"))?;
                first(&rows).parse::<f64>().ok()
            };
            if now.is_none_or(|n| n != wanted as f64) {
                parts.push(format!("{name} {wanted}"));
            }
        }
        if parts.is_empty() {
            return Ok(false);
        }
        self.statements.push(format!("ALTER USER {} WITH {}", account(&self.args.name, on), parts.join(" ")));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const USER: Entry = Entry::of::<MysqlUser>();
    const HASH: &str = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";

    /// A server without and with the account `ann`, whose password is `password`.
    fn serve(host: &mut Fake, there: bool) {
        let at = "WHERE User = 'ann' AND Host = 'localhost'";
        let hash =
            format!("SELECT COALESCE(NULLIF(Password, ''), NULLIF(authentication_string, '')) FROM mysql.user {at}");
        let tls = format!("SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject FROM mysql.user {at}");
        for (sql, answer) in [
            ("SELECT VERSION()", "10.11.6-MariaDB\n".to_owned()),
            ("SELECT @@sql_mode", "STRICT_TRANS_TABLES\n".to_owned()),
            (&format!("SELECT Host FROM mysql.user {at}"), if there { "localhost\n" } else { "" }.to_owned()),
            (&hash, format!("{HASH}\n")),
            (&tls, "\t\t\t\n".to_owned()),
            (
                "SHOW GRANTS FOR 'ann'@'localhost'",
                "GRANT USAGE ON *.* TO `ann`@`localhost` IDENTIFIED BY PASSWORD '*A'\nGRANT ALL PRIVILEGES ON `app`.* TO `ann`@`localhost`\n".to_owned(),
            ),
        ] {
            let sql = format!("--execute={sql}");
            let argv = ["/usr/bin/mariadb", "--defaults-file=/dev/stdin", "--batch", "--skip-column-names", "--default-character-set=utf8mb4", &sql];
            *host = host.clone().answer_argv(&argv, 0, &answer);
        }
    }

    fn host(there: bool) -> Fake {
        let mut host = Fake::new()
            .file_mode("/usr/bin/mariadb", "", 0o755)
            .effect("/bin/sh -c *", 0, "", move |h| serve(h, !there));
        serve(&mut host, there);
        host
    }

    fn ran(host: &Fake) -> String {
        let log = host.log();
        let stdin = String::from_utf8(log.executed.last().and_then(|c| c.stdin.clone()).unwrap_or_default()).unwrap();
        // The options come first.
        stdin.rsplit_once("connect-timeout=30\n").unwrap().1.to_owned()
    }

    #[test]
    fn adds_an_account_with_privileges() {
        let mut host = host(false);
        let args =
            json!({"name": "ann", "password": "password", "priv": {"app.*": "ALL"}, "column_case_sensitive": true});
        let out = case(&USER, args, &mut host).unwrap();
        assert_eq!((&out.values["msg"], &out.values["password_changed"]), (&json!("User added"), &json!(true)));
        assert_eq!(
            ran(&host),
            format!(
                "CREATE USER 'ann'@'localhost' IDENTIFIED WITH mysql_native_password AS '{HASH}';\nGRANT ALL ON `app`.* TO 'ann'@'localhost';\nGRANT USAGE ON *.* TO 'ann'@'localhost';\n"
            )
        );
    }

    #[test]
    fn an_account_as_wished_is_left_alone() {
        let args = json!({"name": "ann", "password": "password", "priv": "app.*:ALL", "column_case_sensitive": false});
        let out = case(&USER, args, &mut host(true)).unwrap();
        assert!(!out.changed && out.warnings.is_empty());
        assert_eq!((&out.values["msg"], &out.values["attributes"]), (&json!("User unchanged"), &json!({})));
        let args = json!({"name": "ann", "password": HASH, "encrypted": true});
        assert!(!run(&USER, args, &mut host(true), false).unwrap().changed);
    }

    #[test]
    fn drops_an_account() {
        let mut host = host(true);
        let out = case(&USER, json!({"name": "ann", "state": "absent"}), &mut host).unwrap();
        assert_eq!(
            (&out.values["msg"], ran(&host).as_str()),
            (&json!("User deleted"), "DROP USER IF EXISTS 'ann'@'localhost';\n")
        );
    }

    #[test]
    fn another_password_and_refusals() {
        let args = json!({"name": "ann", "password": "other", "column_case_sensitive": true});
        let out = run(&USER, args, &mut host(true), true).unwrap();
        assert!(out.changed);
        assert_eq!(out.values["msg"], "Password updated");
        let failure = run(&USER, json!({"name": "ann", "salt": "x"}), &mut host(true), true).unwrap_err();
        assert_eq!(failure.msg, "salt is not supported");
    }
}
