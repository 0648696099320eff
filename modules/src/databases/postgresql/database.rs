//! `community.postgresql.postgresql_db`: databases of a PostgreSQL server, there or gone, renamed, dumped or restored.

use super::client::{Client, LOGIN_ARGS, Login, identifier, literal};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, required};
use crate::host::{Change, Command, Observe, quote_word};
use serde::Deserialize;
use std::path::PathBuf;

pub struct PostgresqlDb;

#[derive(Clone, Deserialize)]
pub struct Args {
    db: String,
    owner: String,
    template: String,
    encoding: String,
    lc_collate: String,
    lc_ctype: String,
    icu_locale: String,
    locale_provider: String,
    state: State,
    target: String,
    target_opts: String,
    maintenance_db: String,
    conn_limit: String,
    tablespace: String,
    dump_extra_args: Option<String>,
    force: bool,
    comment: Option<String>,
    #[serde(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Dump,
    Present,
    Rename,
    Restore,
}

pub enum Work {
    Statements { client: Client, statements: Vec<String>, outcome: Outcome },
    Shell { login: Login, pipe: Pipe },
}

/// A line for the shell.
pub struct Pipe {
    shell: PathBuf,
    line: String,
    /// Compresses what the line writes, by way of a named pipe, so that its own status is seen.
    compress: Option<(PathBuf, String)>,
}

const fn text(name: &'static str) -> Arg {
    Arg::str(name).default(Literal::Str(""))
}

impl Module for PostgresqlDb {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        examples: "- name: A database\n  community.postgresql.postgresql_db:\n    name: app\n    owner: app\n    encoding: UTF8\n\n- name: Keep a copy of it\n  community.postgresql.postgresql_db:\n    name: app\n    state: dump\n    target: /var/backups/app.sql.gz\n",
        returns: &[
            Return { name: "db", when: "unless dumped or restored", doc: "The name." },
            Return { name: "executed_commands", when: "success", doc: "What was run, without passwords." },
        ],
        differs: "Goes through the host's `psql` and `pg_dump` instead of a library of Python. Dumps and restores want a `target`; `connect_params` is refused.",
        ..ModuleSpec::new(
            "community.postgresql.postgresql_db",
            "Manages databases of PostgreSQL.",
            &[
                Arg::str("db").required().aliases(&["name"]).doc("Name of the database."),
                text("owner").doc("Its owner."),
                text("template").doc("Template of a new one."),
                text("encoding").doc("Encoding."),
                text("lc_collate").doc("Order of texts."),
                text("lc_ctype").doc("Classes of characters."),
                text("icu_locale").doc("Locale of ICU."),
                text("locale_provider").doc("Provider of locales."),
                Arg::str("state")
                    .choices(&["absent", "dump", "present", "rename", "restore"])
                    .default(Literal::Str("present"))
                    .doc("What is wanted of it."),
                Arg::path("target").default(Literal::Str("")).doc("File of a dump, or the new name."),
                text("target_opts").doc("Further words for pg_dump, pg_restore or psql."),
                Arg::str("maintenance_db").default(Literal::Str("postgres")).doc("Database to connect to."),
                text("conn_limit").doc("How many connections at a time."),
                Arg::path("tablespace").default(Literal::Str("")).doc("Tablespace."),
                Arg::str("dump_extra_args").doc("Further words for pg_dump."),
                Arg::bool("force").default(Literal::Bool(false)).doc("End its connections before it is removed."),
                Arg::str("comment").doc("Comment."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let texts = [&args.owner, &args.conn_limit, &args.encoding, &args.db, &args.template, &args.tablespace];
        args.login.check(texts.map(|t| Some(t.as_str())).into_iter().chain([args.comment.as_deref()]))?;
        if matches!(args.state, State::Dump | State::Restore) {
            return copy(args, host, call);
        }
        let mut outcome = Outcome::unchanged();
        if args.state == State::Rename {
            outcome.warnings.push("The rename choice of the state option is deprecated and will be removed in version 5.0.0. Use the community.postgresql.postgresql_query module instead.".to_owned());
            check_rename(&args)?;
        }
        let client = Client::connect(host, &args.login, &args.maintenance_db)?;
        let statements = match args.state {
            State::Rename => rename(&args, host, &client)?,
            _ => statements(&args, host, &client, call.check)?,
        };
        outcome.changed = !statements.is_empty();
        outcome.set("db", args.db.clone());
        let shown = if call.check { Vec::new() } else { statements.clone() };
        outcome.set("executed_commands", shown);
        if statements.is_empty() {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work::Statements { client, statements, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        match work {
            Work::Statements { outcome, .. } => outcome.clone(),
            Work::Shell { .. } => Outcome::unchanged(),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {
            Work::Statements { client, statements, outcome } => {
                client.run(host, &statements, false)??;
                Ok(outcome)
            }
            Work::Shell { login, pipe } => shell(&login, &pipe, host),
        }
    }
}

fn check_rename(args: &Args) -> Result<(), Failure> {
    let refuse = |msg: &str| Err(Failure::new(msg));
    match () {
        () if args.target.is_empty() => {
            refuse("The \"target\" option must be defined when the \"rename\" option is used.")
        }
        () if args.db == args.target => refuse("The \"name/db\" option and the \"target\" option cannot be the same."),
        () if args.maintenance_db == args.db => {
            refuse("The \"maintenance_db\" option and the \"name/db\" option cannot be the same.")
        }
        () => Ok(()),
    }
}

fn is_there(host: &dyn Observe, client: &Client, name: &str) -> Result<bool, Failure> {
    let sql = format!("SELECT datname FROM pg_database WHERE datname = {}", literal(name));
    Ok(!client.rows(host, &sql)?.is_empty())
}

fn rename(args: &Args, host: &dyn Observe, client: &Client) -> Result<Vec<String>, Failure> {
    match (is_there(host, client, &args.db)?, is_there(host, client, &args.target)?) {
        (true, true) => Err(Failure::new("Both the source and the target databases exist.")),
        (false, false) => Err(Failure::new("The source and the target databases do not exist.")),
        (false, true) => Ok(Vec::new()),
        (true, false) => {
            let (from, to) = (identifier(&args.db), identifier(&args.target));
            Ok(vec![format!("ALTER DATABASE {from} RENAME TO {to}")])
        }
    }
}

fn info(args: &Args, host: &dyn Observe, client: &Client) -> Result<Option<JsonMap>, Failure> {
    let icu = match client.version {
        170_000.. => "datlocale",
        150_000.. => "daticulocale",
        _ => "NULL::text",
    };
    let provider = if client.version >= 150_000 {
        "CASE datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END"
    } else {
        "NULL::text"
    };
    let sql = format!(
        "SELECT rolname AS owner, pg_encoding_to_char(encoding) AS encoding, encoding AS encoding_id, \
         datcollate AS lc_collate, datctype AS lc_ctype, {icu} AS icu_locale, {provider} AS locale_provider, \
         datconnlimit::text AS conn_limit, spcname AS tablespace, \
         shobj_description(pg_database.oid, 'pg_database') AS comment, \
         pg_char_to_encoding({}) AS wanted_encoding_id \
         FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba \
         JOIN pg_tablespace ON pg_tablespace.oid = dattablespace WHERE datname = {}",
        literal(&args.encoding),
        literal(&args.db)
    );
    Ok(client.rows(host, &sql)?.into_iter().next())
}

fn statements(args: &Args, host: &dyn Observe, client: &Client, check: bool) -> Result<Vec<String>, Failure> {
    let name = identifier(&args.db);
    let there = info(args, host, client)?;
    if args.state == State::Absent {
        let force = match (args.force, client.version) {
            (true, 130_000..) => " WITH (FORCE)",
            (true, _) => return absent_by_force(args, there.is_some()),
            _ => "",
        };
        return Ok(there.map(|_| format!("DROP DATABASE {name}{force}")).into_iter().collect());
    }
    let Some(there) = there else { return Ok(create(args, client)) };
    let now = Json::from(there);
    let differs = |wanted: &str, key: &str| !wanted.is_empty() && now[key] != wanted;
    let other_encoding = !args.encoding.is_empty() && now["encoding_id"] != now["wanted_encoding_id"];
    for (other, what, key) in [
        (other_encoding, "Changing database encoding is not supported. Current encoding: ", "encoding"),
        (
            differs(&args.lc_collate, "lc_collate"),
            "Changing LC_COLLATE is not supported. Current LC_COLLATE: ",
            "lc_collate",
        ),
        (differs(&args.lc_ctype, "lc_ctype"), "Changing LC_CTYPE is not supported.Current LC_CTYPE: ", "lc_ctype"),
        (
            differs(&args.icu_locale, "icu_locale"),
            "Changing ICU_LOCALE is not supported.Current ICU_LOCALE: ",
            "icu_locale",
        ),
        (
            differs(&args.locale_provider, "locale_provider"),
            "Changing LOCALE_PROVIDER is not supported.Current LOCALE_PROVIDER: ",
            "locale_provider",
        ),
    ] {
        if other && !check {
            return Err(Failure::new(format!("{what}{}", now[key].as_str().unwrap_or("None"))));
        }
    }
    let mut statements = Vec::new();
    if differs(&args.owner, "owner") {
        statements.push(format!("ALTER DATABASE {name} OWNER TO {}", identifier(&args.owner)));
    }
    if differs(&args.conn_limit, "conn_limit") {
        statements.push(format!("ALTER DATABASE {name} CONNECTION LIMIT {}", whole(&args.conn_limit)?));
    }
    if differs(&args.tablespace, "tablespace") {
        statements.push(format!("ALTER DATABASE {name} SET TABLESPACE {}", identifier(&args.tablespace)));
    }
    if let Some(comment) = args.comment.as_ref().filter(|c| now["comment"].as_str().unwrap_or_default() != **c) {
        statements.push(format!("COMMENT ON DATABASE {name} IS {}", literal(comment)));
    }
    Ok(statements)
}

/// Servers before version 13 are told to end the connections first.
fn absent_by_force(args: &Args, there: bool) -> Result<Vec<String>, Failure> {
    if !there {
        return Ok(Vec::new());
    }
    let name = literal(&args.db);
    Ok(vec![
        format!("UPDATE pg_database SET datallowconn = false WHERE datname = {name}"),
        format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {name} AND pid <> pg_backend_pid()"
        ),
        format!("DROP DATABASE {}", identifier(&args.db)),
    ])
}

fn whole(text: &str) -> Result<i64, Failure> {
    text.trim().parse().map_err(|_| Failure::new(format!("conn_limit is no number: {text}")))
}

fn create(args: &Args, client: &Client) -> Vec<String> {
    let mut words = vec![format!("CREATE DATABASE {}", identifier(&args.db))];
    let icu = client.version >= 150_000;
    let name = |text: &str| identifier(text);
    for (key, value, quote, known) in [
        ("OWNER", &args.owner, name as fn(&str) -> String, true),
        ("TEMPLATE", &args.template, name, true),
        ("ENCODING", &args.encoding, literal, true),
        ("LC_COLLATE", &args.lc_collate, literal, true),
        ("LC_CTYPE", &args.lc_ctype, literal, true),
        ("ICU_LOCALE", &args.icu_locale, literal, icu),
        ("LOCALE_PROVIDER", &args.locale_provider, literal, icu),
        ("TABLESPACE", &args.tablespace, name, true),
    ] {
        if !value.is_empty() && known {
            words.push(format!("{key} {}", quote(value)));
        }
    }
    if let Ok(limit) = whole(&args.conn_limit) {
        words.push(format!("CONNECTION LIMIT {limit}"));
    }
    let mut statements = vec![words.join(" ")];
    if let Some(comment) = args.comment.as_ref().filter(|c| !c.is_empty()) {
        statements.push(format!("COMMENT ON DATABASE {} IS {}", identifier(&args.db), literal(comment)));
    }
    statements
}

/// Plans a dump or a restore, as a line for the shell.
fn copy(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
    if args.target.is_empty() {
        return Err(Failure::new("state=dump and state=restore want a target"));
    }
    if call.check {
        let outcome = Outcome::unchanged().with("db", args.db).with("executed_commands", Vec::<String>::new());
        return Ok(Plan::Done(outcome));
    }
    let shell = required(host, "sh")?;
    let found = |name: &str| required(host, name).map(|p| p.to_string_lossy().into_owned());
    let ending = args.target.rsplit('/').next().and_then(|f| f.rsplit_once('.')).map_or("", |(_, e)| e);
    let options: Vec<String> = args.login.options(host).iter().map(|o| quote_word(o)).collect();
    let (options, target) = (options.join(" "), quote_word(&args.target));
    let role = args.login.session_role.as_ref().map(|r| format!(" --role={}", quote_word(r))).unwrap_or_default();
    let more = |text: &str| if text.is_empty() { String::new() } else { format!(" {text}") };
    let further = more(&args.target_opts);
    let mut compress = None;
    let line = if args.state == State::Dump {
        let format = match ending {
            "tar" => " --format=t",
            "pgc" => " --format=c",
            "dir" => " --format=d",
            _ => "",
        };
        let program = match ending {
            "gz" => Some(host.which("pigz").map_or_else(|| required(host, "gzip"), Ok)?),
            "bz2" => Some(required(host, "bzip2")?),
            "xz" => Some(required(host, "xz")?),
            _ => None,
        };
        let extra = more(args.dump_extra_args.as_deref().unwrap_or_default());
        let name = quote_word(&args.db);
        let line = format!("{} {name} {options} --no-password{format}{role}{extra}{further}", found("pg_dump")?);
        compress = program.map(|p| (p, target.clone()));
        match ending {
            _ if compress.is_some() => line,
            "dir" => format!("{line} -f {target}"),
            _ => format!("{line} > {target}"),
        }
    } else {
        let name = format!("--dbname={}", quote_word(&args.db));
        let psql = || Ok::<_, Failure>(format!("{} {name} {options} --no-password{further}", found("psql")?));
        let restore = |format: &str| {
            let program = found("pg_restore")?;
            Ok::<_, Failure>(format!(
                "{program} {name} {options} --no-password --format={format}{role}{further} {target}"
            ))
        };
        let unpacked = |program: &str| Ok::<_, Failure>(format!("{} {target} | {}", found(program)?, psql()?));
        match ending {
            "sql" => format!("{} --file={target}", psql()?),
            "tar" => restore("Tar")?,
            "pgc" => restore("Custom")?,
            "dir" => restore("Directory")?,
            "gz" => unpacked("zcat")?,
            "bz2" => unpacked("bzcat")?,
            "xz" => unpacked("xzcat")?,
            _ => format!("{} < {target}", psql()?),
        }
    };
    Ok(Plan::Work(Work::Shell { login: args.login, pipe: Pipe { shell, line, compress } }))
}

fn shell(login: &Login, pipe: &Pipe, host: &mut dyn Change) -> Result<Outcome, Failure> {
    let line = match &pipe.compress {
        None => pipe.line.clone(),
        Some((program, target)) => {
            let dir = host.temp_dir(None, "dump-").map_err(|e| Failure::io("no temporary directory", &e))?;
            let (program, fifo) = (program.display(), quote_word(&dir.join("fifo").to_string_lossy()));
            format!(
                "mkfifo {fifo} && {{ {program} <{fifo} > {target} & {} >{fifo}; rc=$?; wait; exit $rc; }}",
                pipe.line
            )
        }
    };
    let command = login.environment(Command::new(&pipe.shell).args(["-c", &line]));
    let out = execute(host, &command)?;
    if !out.ok() {
        return Err(Failure::new(out.stderr_text())
            .with("stdout", out.stdout_text())
            .with("rc", out.rc)
            .with("cmd", line));
    }
    Ok(Outcome::changed(true)
        .with("msg", out.stdout_text())
        .with("stderr", out.stderr_text())
        .with("rc", out.rc)
        .with("cmd", line.clone())
        .with("executed_commands", vec![line]))
}
