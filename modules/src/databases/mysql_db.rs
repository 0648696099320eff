//! `community.mysql.mysql_db`: databases of a MySQL or MariaDB server, there or gone, dumped or imported.

use super::client::{Choices, Client, LOGIN_ARGS, Login, OPTIONS, literal, not_let_in, python_text};
use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, required};
use crate::host::{Change, Observe, quote_word};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct MysqlDb;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: Vec<String>,
    state: State,
    encoding: String,
    collation: String,
    target: Option<PathBuf>,
    single_transaction: bool,
    quick: bool,
    ignore_tables: Vec<String>,
    hex_blob: bool,
    force: bool,
    master_data: i64,
    skip_lock_tables: bool,
    dump_extra_args: Option<String>,
    check_implicit_admin: bool,
    config_overrides_defaults: bool,
    chdir: Option<PathBuf>,
    pipefail: bool,
    sql_log_bin: bool,
    #[serde(flatten)]
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
    Dump,
    Import,
}

pub struct Work {
    args: Args,
    client: Client,
    statements: Vec<String>,
    /// A line for the shell, to be completed with the file of options.
    shell: Option<Shell>,
    outcome: Outcome,
}

struct Shell {
    program: PathBuf,
    /// What comes before and after the program with its file of options.
    before: String,
    after: String,
}

impl Module for MysqlDb {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        examples: "- name: A database\n  community.mysql.mysql_db:\n    name: app\n    encoding: utf8mb4\n\n- name: Keep a copy of it\n  community.mysql.mysql_db:\n    name: app\n    state: dump\n    target: /var/backups/app.sql.gz\n",
        returns: &[
            Return { name: "db", when: "always", doc: "The names, with blanks between." },
            Return { name: "db_list", when: "always", doc: "The names." },
            Return { name: "executed_commands", when: "not in check mode", doc: "What was run, without passwords." },
        ],
        differs: "Goes through the host's `mariadb` or `mysql` instead of a library of Python. `localhost` is reached by the server's socket. `check_hostname` is refused; `use_shell`, `unsafe_login_password` and `restrict_config_file` change nothing: imports always go through a shell, passwords never, and `config_file` is the only file of options that is read.",
        ..ModuleSpec::new(
            "community.mysql.mysql_db",
            "Manages databases of MySQL and MariaDB.",
            &[
                Arg::list("name", ArgType::Str)
                    .required()
                    .aliases(&["db"])
                    .doc("Databases; `all` for dump and import."),
                Arg::str("state")
                    .choices(&["absent", "dump", "import", "present"])
                    .default(Literal::Str("present"))
                    .doc("What is to be of them."),
                Arg::str("encoding").default(Literal::Str("")).doc("Character set of a new database."),
                Arg::str("collation").default(Literal::Str("")).doc("Collation of a new database."),
                Arg::path("target")
                    .doc("File to dump to or import from; `.gz`, `.bz2`, `.xz` and `.zst` are compressed."),
                Arg::bool("single_transaction").default(Literal::Bool(false)).doc("Dump in one transaction."),
                Arg::bool("quick").default(Literal::Bool(true)).doc("Dump row by row."),
                Arg::list("ignore_tables", ArgType::Str).default(Literal::Strs(&[])).doc("Tables left out of a dump."),
                Arg::bool("hex_blob").default(Literal::Bool(false)).doc("Dump binary columns in hexadecimal."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Go on after errors of dump or import."),
                Arg::int("master_data")
                    .choices(&["0", "1", "2"])
                    .default(Literal::Int(0))
                    .doc("Add the place in the binary log."),
                Arg::bool("skip_lock_tables").default(Literal::Bool(false)).doc("Dump without locks."),
                Arg::str("dump_extra_args").doc("Further arguments of the dump, for a shell."),
                Arg::bool("use_shell").default(Literal::Bool(false)).doc("Import compressed files through a shell."),
                Arg::bool("unsafe_login_password")
                    .default(Literal::Bool(false))
                    .doc("The password is quoted for a shell."),
                Arg::bool("restrict_config_file").default(Literal::Bool(false)).doc("Read `config_file` and no other."),
                Arg::bool("check_implicit_admin")
                    .default(Literal::Bool(false))
                    .doc("Try root without a password first."),
                Arg::bool("config_overrides_defaults")
                    .default(Literal::Bool(false))
                    .doc("Host and port of `config_file` win."),
                Arg::path("chdir").doc("Directory to work in."),
                Arg::bool("pipefail").default(Literal::Bool(false)).doc("A dump fails if a part of its pipe does."),
                Arg::bool("sql_log_bin").default(Literal::Bool(true)).doc("Log the change in the binary log."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let names: Vec<String> = args.name.iter().map(|n| n.trim().to_owned()).collect();
        let mut outcome = Outcome::unchanged().with("db", names.join(" ")).with("db_list", names.clone());
        if names.is_empty() {
            return Ok(Plan::Done(outcome.with("db", Vec::<String>::new())));
        }
        args.name = names;
        let everything = check(&args)?;
        let choices = Choices {
            implicit_admin: args.check_implicit_admin,
            file_wins: args.config_overrides_defaults,
            in_mysql: false,
        };
        let client = Client::connect(host, &args.login, choices)?
            .map_err(|e| not_let_in(host, &args.login.config_file, &e, true))?;
        let (there, missing) = if everything { Default::default() } else { existing(&args.name, host, &client)? };
        let mut statements = Vec::new();
        let mut shell = None;
        match args.state {
            State::Absent => {
                for name in &there {
                    let name = identifier(name).map_err(|e| Failure::new(format!("error deleting database: {e}")))?;
                    statements.push(format!("DROP DATABASE {name}"));
                }
            }
            State::Present => statements = creations(&args, &missing)?,
            State::Dump => {
                if !missing.is_empty() {
                    let msg = format!("Cannot dump database(s) {} - not found", python_text(&missing.join(", ")));
                    return Err(Failure::new(msg));
                }
                shell = Some(dump(&args, everything, host, &client)?);
            }
            State::Import => {
                statements = creations(&args, &missing)?;
                shell = Some(import(&args, everything, host, &client, call)?);
            }
        }
        outcome.changed = shell.is_some() || !statements.is_empty();
        if !call.check {
            outcome.set("executed_commands", statements.clone());
        }
        if !outcome.changed {
            return Ok(Plan::Done(outcome));
        }
        Ok(Plan::Work(Work { args, client, statements, shell, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { args, client, mut statements, shell, mut outcome } = work;
        let mut told = statements.clone();
        if !statements.is_empty() {
            if !args.sql_log_bin && shell.is_none() {
                statements.insert(0, "SET SQL_LOG_BIN=0".to_owned());
            }
            let what = if args.state == State::Absent { "deleting" } else { "creating" };
            client.run(host, &statements)?.map_err(|e| Failure::new(format!("error {what} database: {}", e.0)))?;
        }
        if let Some(shell) = shell {
            let program = quote_word(&shell.program.to_string_lossy());
            let line = |file: &str| format!("{}{program} --defaults-file={file}{}", shell.before, shell.after);
            let interpreter = if args.pipefail && args.state == State::Dump {
                required(host.observe(), "bash")?
            } else {
                "/bin/sh".into()
            };
            let mut command = client.in_shell(&interpreter, &line(OPTIONS));
            command.cwd.clone_from(&args.chdir);
            let out = execute(host, &command)?;
            if !out.ok() {
                return Err(Failure::new(out.stderr_text()));
            }
            told.push(line(&quote_word(&args.login.config_file.to_string_lossy())));
            outcome.set("msg", out.stdout_text());
            outcome.set("executed_commands", told);
        }
        Ok(outcome)
    }
}

/// Whether all databases are meant.
fn check(args: &Args) -> Result<bool, Failure> {
    if args.ignore_tables.iter().any(String::is_empty) {
        return Err(Failure::new("Name of ignored table cannot be empty"));
    }
    if args.name.len() > 1 && args.state == State::Import {
        return Err(Failure::new("Multiple databases are not supported with state=import"));
    }
    let all = args.name == ["all"];
    let state = match args.state {
        State::Dump => "dump",
        State::Import => "import",
        State::Absent | State::Present if all => {
            return Err(Failure::new("name is not allowed to equal 'all' unless state equals import, or dump."));
        }
        State::Absent | State::Present => return Ok(false),
    };
    if args.target.is_none() {
        return Err(Failure::new(format!("with state={state} target is required")));
    }
    Ok(all)
}

/// The databases that are there, and those that are not.
fn existing(names: &[String], host: &dyn Observe, client: &Client) -> Result<(Vec<String>, Vec<String>), Failure> {
    let list: Vec<String> = names.iter().map(|n| literal(n)).collect();
    let mut there = Vec::new();
    let mut missing = Vec::new();
    for (name, written) in names.iter().zip(list) {
        let sql = format!("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {written}");
        let found = !client.rows(host, &sql)?.is_empty();
        (if found { &mut there } else { &mut missing }).push(name.clone());
    }
    Ok((there, missing))
}

/// A name between backticks; one that has them already stays.
fn identifier(name: &str) -> Result<String, String> {
    let inner = name.strip_prefix('`').and_then(|n| n.strip_suffix('`')).filter(|n| !n.is_empty());
    match inner {
        Some(inner) if !inner.replace("``", "").contains('`') => Ok(name.to_owned()),
        None if name.contains('.') => Err("MySQL does not support database with more than 1 dots".to_owned()),
        _ => Ok(format!("`{}`", name.replace('`', "``"))),
    }
}

fn creations(args: &Args, missing: &[String]) -> Result<Vec<String>, Failure> {
    let one = |name: &String| {
        let name = identifier(name).map_err(|e| Failure::new(format!("error creating database: {e}")))?;
        let mut sql = format!("CREATE DATABASE {name}");
        for (word, value) in [("CHARACTER SET", &args.encoding), ("COLLATE", &args.collation)] {
            if !value.is_empty() {
                sql.push_str(&format!(" {word} {}", literal(value)));
            }
        }
        Ok(sql)
    };
    missing.iter().map(one).collect()
}

/// The program that packs files of this kind.
fn packer(target: &Path, host: &dyn Observe) -> Result<Option<String>, Failure> {
    let program = match target.extension().and_then(|e| e.to_str()) {
        Some("gz") => "gzip",
        Some("bz2") => "bzip2",
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return Ok(None),
    };
    Ok(Some(quote_word(&required(host, program)?.to_string_lossy())))
}

fn program(host: &dyn Observe, client: &Client, mysql: &str, mariadb: &str) -> Result<PathBuf, Failure> {
    let name = if client.is_mariadb() && client.at_least((10, 4, 6)) { mariadb } else { mysql };
    required(host, name)
}

fn dump(args: &Args, everything: bool, host: &dyn Observe, client: &Client) -> Result<Shell, Failure> {
    let target = args.target.clone().unwrap_or_default();
    let mut words = String::new();
    let mut add = |word: &str| {
        words.push(' ');
        words.push_str(word);
    };
    if args.force {
        add("--force");
    }
    if everything {
        add("--all-databases");
    } else {
        if args.name.len() > 1 {
            add("--databases");
        }
        args.name.iter().for_each(|n| add(&quote_word(n)));
    }
    if args.skip_lock_tables {
        add("--skip-lock-tables");
    }
    if !args.encoding.is_empty() {
        add(&format!("--default-character-set={}", quote_word(&args.encoding)));
    }
    if args.single_transaction {
        add("--single-transaction=true");
    }
    if args.quick {
        add("--quick");
    }
    args.ignore_tables.iter().for_each(|t| add(&format!("--ignore-table={}", quote_word(t))));
    if args.hex_blob {
        add("--hex-blob");
    }
    if args.master_data != 0 {
        let source = !client.is_mariadb() && client.at_least((8, 2, 0));
        add(&format!("--{}-data={}", if source { "source" } else { "master" }, args.master_data));
    }
    if let Some(more) = &args.dump_extra_args {
        add(more);
    }
    if let Some(packer) = packer(&target, host)? {
        add(&format!("| {packer}"));
    }
    add(&format!("> {}", quote_word(&target.to_string_lossy())));
    let before = if args.pipefail { "set -o pipefail && " } else { "" };
    Ok(Shell { program: program(host, client, "mysqldump", "mariadb-dump")?, before: before.to_owned(), after: words })
}

fn import(args: &Args, everything: bool, host: &dyn Observe, client: &Client, call: &Call) -> Result<Shell, Failure> {
    let target = args.target.clone().unwrap_or_default();
    let place = args.chdir.clone().unwrap_or_default().join(&target);
    if !call.check && host.stat(&place).is_err() {
        return Err(Failure::new(format!("target {} does not exist on the host", target.display())));
    }
    let mut after = String::new();
    if args.force {
        after.push_str(" -f");
    }
    if !args.encoding.is_empty() {
        after.push_str(&format!(" --default-character-set={}", quote_word(&args.encoding)));
    }
    if !everything {
        after.push_str(&format!(" --one-database {}", quote_word(&args.name.concat())));
    }
    let file = quote_word(&target.to_string_lossy());
    let before = match packer(&target, host)? {
        Some(packer) => format!("{packer} -dc {file} | "),
        None => {
            after.push_str(&format!(" < {file}"));
            String::new()
        }
    };
    Ok(Shell { program: program(host, client, "mysql", "mariadb")?, before, after })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, once, run};
    use serde_json::json;

    const DB: Entry = Entry::of::<MysqlDb>();
    const ASKED: [&str; 5] = [
        "/usr/bin/mariadb",
        "--defaults-file=/dev/stdin",
        "--batch",
        "--skip-column-names",
        "--default-character-set=utf8mb4",
    ];

    fn asked(host: Fake, sql: &str, answer: &str) -> Fake {
        let sql = format!("--execute={sql}");
        let mut argv = ASKED.to_vec();
        argv.push(&sql);
        host.answer_argv(&argv, 0, answer)
    }

    const FIND: &str = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'app'";

    fn host(there: bool) -> Fake {
        let host = Fake::new().file_mode("/usr/bin/mariadb", "", 0o755).file("/root/.my.cnf", "[client]\npassword=x\n");
        let host = asked(host, "SELECT VERSION()", "10.11.6-MariaDB\n");
        let host = asked(host, FIND, if there { "app\n" } else { "" });
        host.effect("/bin/sh -c *", 0, "", |h| {
            *h = asked(h.clone(), FIND, "app\n");
        })
    }

    #[test]
    fn creates_what_is_missing() {
        let mut host = host(false);
        let args = json!({"name": "app", "encoding": "utf8", "collation": "utf8_bin", "login_password": "s3cret"});
        let out = case(&DB, args, &mut host).unwrap();
        assert_eq!(
            json!(out.values["executed_commands"]),
            json!(["CREATE DATABASE `app` CHARACTER SET 'utf8' COLLATE 'utf8_bin'"])
        );
        assert_eq!((&out.values["db"], &out.values["db_list"]), (&json!("app"), &json!(["app"])));
        let log = host.log();
        let ran = log.executed.last().unwrap();
        let stdin = String::from_utf8(ran.stdin.clone().unwrap()).unwrap();
        let (options, sql) = stdin.rsplit_once("connect-timeout=30\n").unwrap();
        assert_eq!(sql, "CREATE DATABASE `app` CHARACTER SET 'utf8' COLLATE 'utf8_bin';\n");
        assert!(options.contains("password=\"s3cret\""));
        let length = stdin.len() - sql.len();
        assert!(ran.display().contains(&format!("head -c {length} ")), "{}", ran.display());
        assert!(!ran.display().contains("s3cret"));
    }

    #[test]
    fn dumps_through_a_shell_without_the_password() {
        let mut host = host(true)
            .file_mode("/usr/bin/mariadb-dump", "", 0o755)
            .file_mode("/usr/bin/gzip", "", 0o755)
            .effect("/bin/sh -c *", 0, "", |_| {});
        let args = json!({"name": "app", "state": "dump", "target": "/tmp/a b.sql.gz", "login_password": "s3cret"});
        let out = once(&DB, args, &mut host).unwrap();
        let line =
            "/usr/bin/mariadb-dump --defaults-file=/root/.my.cnf app --quick | /usr/bin/gzip > '/tmp/a b.sql.gz'";
        assert_eq!(json!(out.values["executed_commands"]), json!([line]));
        assert!(!format!("{:?}", host.executed()).contains("s3cret"));
    }

    #[test]
    fn faults_are_the_references() {
        for (args, msg) in [
            (json!({"name": "all"}), "name is not allowed to equal 'all' unless state equals import, or dump."),
            (json!({"name": "a", "state": "dump"}), "with state=dump target is required"),
            (json!({"name": ["a", "b"], "state": "import"}), "Multiple databases are not supported with state=import"),
            (json!({"name": "app", "state": "dump", "target": "/x"}), "Cannot dump database(s) 'app' - not found"),
        ] {
            assert_eq!(run(&DB, args, &mut host(false), true).unwrap_err().msg, msg);
        }
        assert_eq!(identifier("a`b").unwrap(), "`a``b`");
        assert!(identifier("a.b").is_err());
    }
}
