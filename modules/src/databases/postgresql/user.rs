//! `community.postgresql.postgresql_user`: roles of a PostgreSQL server, their passwords and attributes.

use super::client::{Client, LOGIN_ARGS, Login, identifier, literal};
use super::scram::{fits, is_md5, is_scram, md5_hash};
use crate::contract::{
    Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, python_text,
};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct PostgresqlUser;

#[derive(Clone, Deserialize)]
pub struct Args {
    user: String,
    password: Option<String>,
    state: String,
    login_db: String,
    fail_on_user: bool,
    role_attr_flags: String,
    encrypted: bool,
    no_password_changes: bool,
    expires: Option<String>,
    conn_limit: Option<i64>,
    comment: Option<String>,
    configuration: JsonMap,
    reset_unspecified_configuration: bool,
    quote_configuration_values: bool,
    #[serde(flatten)]
    login: Login,
}

const ATTRIBUTES: &[(&str, &str)] = &[
    ("SUPERUSER", "rolsuper"),
    ("CREATEROLE", "rolcreaterole"),
    ("CREATEDB", "rolcreatedb"),
    ("INHERIT", "rolinherit"),
    ("LOGIN", "rolcanlogin"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

pub struct Work {
    client: Client,
    statements: Vec<String>,
    /// A removal that fails is told, not failed.
    may_fail: bool,
    absent: bool,
    outcome: Outcome,
}

impl Module for PostgresqlUser {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        examples: "- name: A user for the application\n  community.postgresql.postgresql_user:\n    name: app\n    password: secret\n    role_attr_flags: CREATEDB,NOSUPERUSER\n",
        returns: &[
            Return { name: "user", when: "always", doc: "The name." },
            Return { name: "queries", when: "always", doc: "Statements, with placeholders for secrets." },
            Return { name: "user_removed", when: "state=absent", doc: "Whether it was removed." },
        ],
        differs: "Goes through the host's `psql` instead of a library of Python. `priv` is no argument any more, as in the collection; `connect_params` is refused. Passwords are compared as they are written, without SASLprep.",
        ..ModuleSpec::new(
            "community.postgresql.postgresql_user",
            "Manages users of PostgreSQL.",
            &[
                Arg::str("user").required().aliases(&["name"]).doc("Name of the user."),
                Arg::str("password").no_log().doc("Password or its hash; empty: none."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the user is there."),
                Arg::str("login_db").aliases(&["db"]).default(Literal::Str("")).doc("Database to connect to."),
                Arg::bool("fail_on_user")
                    .aliases(&["fail_on_role"])
                    .default(Literal::Bool(true))
                    .doc("Fail where the user cannot be removed."),
                Arg::str("role_attr_flags").default(Literal::Str("")).doc("Attributes, with commas between."),
                Arg::bool("encrypted").default(Literal::Bool(true)).doc("The server keeps a hash."),
                Arg::bool("no_password_changes").default(Literal::Bool(false)).doc("Leave the password as it is."),
                Arg::str("expires").doc("Until when the password is good."),
                Arg::int("conn_limit").doc("How many connections at a time."),
                Arg::str("comment").doc("Comment."),
                Arg::dict("configuration").default(Literal::EmptyDict).doc("Settings of its sessions."),
                Arg::bool("reset_unspecified_configuration")
                    .default(Literal::Bool(false))
                    .doc("Take other settings away."),
                Arg::bool("quote_configuration_values").default(Literal::Bool(true)).doc("Quote values of settings."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let own = [&args.expires, &args.comment].map(Option::as_deref);
        let texts = [Some(args.user.as_str()), args.password.as_deref(), Some(&args.role_attr_flags)];
        args.login.check(own.into_iter().chain(texts))?;
        let client = Client::connect(host, &args.login, &args.login_db)?;
        let flags = flags(&args.role_attr_flags, client.version)?;
        let mut steps = Steps { args: &args, host, client: &client, flags, statements: Vec::new(), shown: Vec::new() };
        let there = args.user == "PUBLIC" || steps.row("SELECT rolname FROM pg_roles")?.is_some();
        let mut outcome = Outcome::unchanged().with("user", args.user.clone());
        match (args.state.as_str(), there) {
            ("absent", true) => {
                outcome.set("user_removed", true);
                let drop = format!("DROP USER {}", steps.role());
                steps.say(drop.clone(), drop);
                if call.check {
                    // The collection tells of nothing that it did not try.
                    steps.shown.clear();
                }
            }
            ("absent", false) => {}
            (_, there) => {
                if there {
                    steps.alter()?
                } else {
                    steps.create()
                }
                steps.comment(there)?;
                steps.configure(there)?;
            }
        }
        let Steps { statements, shown, .. } = steps;
        outcome.changed = !statements.is_empty();
        outcome.set("queries", shown);
        if statements.is_empty() {
            return Ok(Plan::Done(outcome));
        }
        let (may_fail, absent) = (!args.fail_on_user, args.state == "absent");
        Ok(Plan::Work(Work { client, statements, may_fail, absent, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let mut outcome = work.outcome;
        match work.client.run(host, &work.statements, true)? {
            Ok(()) => {}
            Err(_) if work.absent && work.may_fail => {
                outcome.changed = false;
                outcome.set("user_removed", false);
            }
            Err(e) if work.absent => return Err(Failure::new(format!("Unable to remove user: {e}"))),
            Err(e) => return Err(Failure::new(e.0)),
        }
        Ok(outcome)
    }
}

/// Attributes, each with whether it is wanted.
fn flags(text: &str, version: i64) -> Result<Vec<(&'static str, bool)>, Failure> {
    let mut flags = Vec::new();
    for word in text.split(',').filter(|w| !w.is_empty()) {
        let upper = word.to_uppercase();
        let known = |name: &str| {
            let found = ATTRIBUTES.iter().find(|(n, _)| *n == name).map(|(n, _)| *n);
            found.filter(|n| *n != "BYPASSRLS" || version >= 90500)
        };
        let flag = match known(&upper) {
            Some(name) => Some((name, true)),
            None => upper.strip_prefix("NO").and_then(known).map(|name| (name, false)),
        };
        let flag = flag.ok_or_else(|| Failure::new(format!("Invalid role_attr_flags specified: {upper}")))?;
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    Ok(flags)
}

/// Collects the statements.
struct Steps<'a> {
    args: &'a Args,
    host: &'a dyn Observe,
    client: &'a Client,
    flags: Vec<(&'static str, bool)>,
    statements: Vec<String>,
    /// The same with placeholders.
    shown: Vec<String>,
}

impl Steps<'_> {
    fn say(&mut self, shown: String, statement: String) {
        self.shown.push(shown);
        self.statements.push(statement);
    }

    fn role(&self) -> String {
        let name = &self.args.user;
        let bare = name.strip_prefix('"').and_then(|n| n.strip_suffix('"')).unwrap_or(name);
        identifier(bare)
    }

    /// The first row about the user.
    fn row(&self, select: &str) -> Result<Option<JsonMap>, Failure> {
        let sql = format!("{select} WHERE rolname = {}", literal(&self.args.user));
        Ok(self.client.rows(self.host, &sql)?.into_iter().next())
    }

    fn flag_words(&self) -> String {
        let word = |(name, wanted): &(&str, bool)| if *wanted { (*name).to_owned() } else { format!("NO{name}") };
        self.flags.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    /// What follows the name of the user, with and without secrets.
    fn parts(&mut self, verb: &str, parts: &[(String, String)]) {
        let shown: Vec<&str> = parts.iter().map(|(s, _)| s.as_str()).collect();
        let real: Vec<&str> = parts.iter().map(|(_, r)| r.as_str()).collect();
        let role = self.role();
        let line = |parts: Vec<&str>| format!("{verb} USER {role} {}", parts.join(" "));
        self.say(line(shown), line(real));
    }

    fn password(&self) -> Option<(String, String)> {
        let password = self.args.password.as_deref()?;
        let word = if self.args.encrypted { "ENCRYPTED" } else { "UNENCRYPTED" };
        // Servers since version 10 know but the one word.
        let real = if self.client.version >= 100_000 { "" } else { word };
        let (shown, real) = (format!("WITH {word}"), format!("WITH {real}"));
        Some((format!("{shown} PASSWORD %(password)s"), format!("{real} PASSWORD {}", literal(password))))
    }

    fn limits(&self) -> Vec<(String, String)> {
        let mut parts = Vec::new();
        if let Some(expires) = &self.args.expires {
            parts.push(("VALID UNTIL %(expires)s".to_owned(), format!("VALID UNTIL {}", literal(expires))));
        }
        if let Some(limit) = self.args.conn_limit {
            let text = format!("CONNECTION LIMIT {limit}");
            parts.push((text.clone(), text));
        }
        parts
    }

    fn create(&mut self) {
        let password = self.password().filter(|_| self.args.password.as_deref() != Some(""));
        let mut parts: Vec<(String, String)> = password.into_iter().collect();
        parts.extend(self.limits());
        let flags = self.flag_words();
        parts.push((flags.clone(), flags));
        self.parts("CREATE", &parts);
    }

    fn alter(&mut self) -> Result<(), Failure> {
        let args = self.args;
        let changes_password = args.password.is_some() && !args.no_password_changes;
        if args.user == "PUBLIC" {
            return match (args.password.is_some(), self.flags.is_empty()) {
                (true, _) => Err(Failure::new("cannot change the password for PUBLIC user")),
                (_, false) => Err(Failure::new("cannot change the role_attr_flags for PUBLIC user")),
                _ => Ok(()),
            };
        }
        let limits = !args.no_password_changes && (args.expires.is_some() || args.conn_limit.is_some());
        if !changes_password && !limits && self.flags.is_empty() {
            return Ok(());
        }
        let current = match self
            .client
            .ask(self.host, &format!("SELECT * FROM pg_authid WHERE rolname = {}", literal(&args.user)))?
        {
            Ok(rows) => rows.into_iter().next(),
            // Who may not see passwords takes them for others.
            Err(_) => self.row("SELECT *, '********' AS rolpassword FROM pg_roles")?,
        };
        let current = Json::from(current.unwrap_or_default());
        let other_password = changes_password && self.password_differs(&current["rolpassword"])?;
        let column = |name: &str| ATTRIBUTES.iter().find(|(n, _)| *n == name).map_or("", |(_, column)| *column);
        let other_flags = self.flags.iter().any(|(name, wanted)| current[column(name)] != *wanted);
        let other_limits = limits && self.limits_differ(&current)?;
        if !other_password && !other_flags && !other_limits {
            return Ok(());
        }
        let mut parts = Vec::new();
        let flags = self.flag_words();
        if other_password {
            let none = args.password.as_deref() == Some("");
            let null = || ("WITH PASSWORD NULL".to_owned(), "WITH PASSWORD NULL".to_owned());
            parts.extend(if none { Some(null()) } else { self.password() });
            parts.push((flags.clone(), flags));
        } else if !flags.is_empty() {
            let text = format!("WITH {flags}");
            parts.push((text.clone(), text));
        }
        if !args.no_password_changes {
            parts.extend(self.limits());
        }
        self.parts("ALTER", &parts);
        Ok(())
    }

    fn password_differs(&self, current: &Json) -> Result<bool, Failure> {
        let Some(password) = self.args.password.as_deref() else { return Ok(false) };
        let current = current.as_str();
        Ok(match current {
            _ if password.is_empty() => current.is_some(),
            _ if is_scram(password) => current != Some(password),
            Some(hash) if is_scram(hash) => !fits(password, hash),
            _ if is_md5(password) || !self.args.encrypted => current != Some(password),
            _ => {
                let way = self.client.rows(self.host, "SELECT current_setting('password_encryption') AS way")?;
                let way = way.first().and_then(|r| r.get("way")).and_then(Json::as_str).unwrap_or_default();
                match way {
                    "md5" | "on" => current != Some(md5_hash(password, &self.args.user).as_str()),
                    _ => true,
                }
            }
        })
    }

    fn limits_differ(&self, current: &Json) -> Result<bool, Failure> {
        if self.args.conn_limit.is_some_and(|limit| current["rolconnlimit"] != limit) {
            return Ok(true);
        }
        let Some(expires) = &self.args.expires else { return Ok(false) };
        let select = format!(
            "SELECT rolvaliduntil IS NOT DISTINCT FROM {}::timestamptz AS same FROM pg_roles",
            literal(expires)
        );
        Ok(self.row(&select)?.is_none_or(|row| row.get("same") != Some(&Json::Bool(true))))
    }

    fn comment(&mut self, there: bool) -> Result<(), Failure> {
        let Some(comment) = &self.args.comment else { return Ok(()) };
        let current = match there {
            true => self.row("SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles")?,
            false => None,
        };
        let current = current.and_then(|r| r.get("comment").and_then(Json::as_str).map(str::to_owned));
        if current.unwrap_or_default() != *comment {
            let text = format!("COMMENT ON ROLE {} IS {}", self.role(), literal(comment));
            self.say(text.clone(), text);
        }
        Ok(())
    }

    fn configure(&mut self, there: bool) -> Result<(), Failure> {
        let args = self.args;
        if self.args.user == "PUBLIC" || (args.configuration.is_empty() && !args.reset_unspecified_configuration) {
            return Ok(());
        }
        let row = if there { self.row("SELECT rolconfig FROM pg_roles")? } else { None };
        let list = row.and_then(|r| r.get("rolconfig").and_then(Json::as_array).cloned()).unwrap_or_default();
        let current: Vec<(&str, &str)> = list.iter().filter_map(|e| e.as_str()?.split_once('=')).collect();
        let role = self.role();
        if args.reset_unspecified_configuration {
            for (name, _) in current.iter().filter(|(name, _)| !args.configuration.contains_key(*name)) {
                let text = format!("ALTER ROLE {role} RESET {};", identifier(name));
                self.say(text.clone(), text.trim_end_matches(';').to_owned());
            }
        }
        for (name, value) in &args.configuration {
            let value = python_text(value);
            if args.quote_configuration_values && name.contains(['"', '\'']) {
                return Err(Failure::new("The key of a configuration may not contain single or double quotes"));
            }
            if current.iter().any(|(n, v)| n == name && *v == value) {
                continue;
            }
            let value = if args.quote_configuration_values { literal(&value) } else { value };
            let text = format!("ALTER ROLE {role} SET {} TO {value};", identifier(name));
            self.say(text.clone(), text.trim_end_matches(';').to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        assert_eq!(flags("createdb,NOSUPERUSER,", 150_000).unwrap(), [("CREATEDB", true), ("SUPERUSER", false)]);
        assert_eq!(flags("BYPASSRLS", 90_400).unwrap_err().msg, "Invalid role_attr_flags specified: BYPASSRLS");
        assert!(flags("NOTHING", 150_000).is_err());
    }
}
