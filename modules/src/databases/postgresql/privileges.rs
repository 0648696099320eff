//! `community.postgresql.postgresql_privs`: what roles of a PostgreSQL server may do with what, and the roles they are in.

use super::client::{Client, LOGIN_ARGS, Login, array, identifier, literal};
use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct PostgresqlPrivs;

#[derive(Clone, Deserialize)]
pub struct Args {
    login_db: String,
    state: String,
    privs: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    objs: Option<String>,
    schema: Option<String>,
    roles: String,
    target_roles: Option<String>,
    grant_option: Option<bool>,
    fail_on_role: bool,
    #[serde(flatten)]
    login: Login,
}

const PRIVILEGES: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "CREATE",
    "CONNECT",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
    "USAGE",
    "ALL",
    "SET",
    "ALTER_SYSTEM",
    "MAINTAIN",
];
/// Kinds of objects that have default privileges, and which ones.
const DEFAULTS: &[(&str, &[&str])] = &[
    ("TABLES", &["ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]),
    ("SEQUENCES", &["ALL", "SELECT", "UPDATE", "USAGE"]),
    ("FUNCTIONS", &["ALL", "EXECUTE"]),
    ("TYPES", &["ALL", "USAGE"]),
    ("SCHEMAS", &["CREATE", "USAGE"]),
];
/// Roles that are always there, since which version.
const IMPLICIT: &[(&str, i64)] =
    &[("PUBLIC", 0), ("CURRENT_USER", 95_000), ("SESSION_USER", 95_000), ("CURRENT_ROLE", 140_000)];

pub struct Work {
    client: Client,
    statement: String,
    outcome: Outcome,
}

impl Module for PostgresqlPrivs {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        examples: "- name: The application may read\n  community.postgresql.postgresql_privs:\n    login_db: app\n    roles: reader\n    type: table\n    objs: ALL_IN_SCHEMA\n    privs: SELECT\n",
        returns: &[Return { name: "queries", when: "success", doc: "Statements." }],
        differs: "Goes through the host's `psql` instead of a library of Python. Whether something changes is tried in a transaction that is taken back, as the collection does in check mode. `connect_params` is refused.",
        ..ModuleSpec::new(
            "community.postgresql.postgresql_privs",
            "Grants and revokes privileges of PostgreSQL.",
            &[
                Arg::str("login_db").required().aliases(&["db", "database"]).doc("Database to connect to."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether the roles have the privileges."),
                Arg::str("privs").aliases(&["priv"]).doc("Privileges, with commas between."),
                Arg::str("type")
                    .choices(&[
                        "table",
                        "sequence",
                        "function",
                        "procedure",
                        "database",
                        "schema",
                        "language",
                        "tablespace",
                        "group",
                        "default_privs",
                        "foreign_data_wrapper",
                        "foreign_server",
                        "type",
                        "parameter",
                    ])
                    .default(Literal::Str("table"))
                    .doc("Kind of the objects."),
                Arg::str("objs").aliases(&["obj"]).doc("Objects, with commas between, or ALL_IN_SCHEMA."),
                Arg::str("schema").doc("Schema of the objects."),
                Arg::str("roles").required().aliases(&["role"]).doc("Roles, with commas between."),
                Arg::str("target_roles").doc("Roles whose objects get default privileges."),
                Arg::bool("grant_option").aliases(&["admin_option"]).doc("Whether the roles may grant them on."),
                Arg::bool("fail_on_role").default(Literal::Bool(true)).doc("Fail where a role is not there."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        complete(&mut args)?;
        let texts = [Some(args.roles.as_str()), args.target_roles.as_deref(), args.schema.as_deref()];
        args.login.check(texts)?;
        let client = Client::connect(host, &args.login, &args.login_db)?;
        if args.kind == "parameter" && client.version < 150_000 {
            return Err(Failure::new("PostgreSQL version must be >= 15 for type=parameter. Exit"));
        }
        let mut outcome = Outcome::unchanged();
        let privileges = privileges(&args)?;
        let (objects, all) = objects(&args, host, &client, &privileges)?;
        let roles = roles(&args, host, &client, &mut outcome)?;
        if roles.is_empty() {
            outcome.warnings.push("No valid roles provided, nothing to do".to_owned());
            return Ok(Plan::Done(outcome.with("queries", Vec::<String>::new())));
        }
        if args.target_roles.is_some() && args.kind != "default_privs" {
            outcome.warnings.push("\"target_roles\" will be ignored Argument \"type: default_privs\" is required for usage of \"target_roles\".".to_owned());
        }
        if objects.is_empty() {
            return Ok(Plan::Done(outcome.with("queries", Vec::<String>::new())));
        }
        let statement = statement(&args, &privileges, &objects, all, &roles)?;
        let state = status(&args, &objects);
        let (before, after) = client
            .trial(host, &statement, &state)?
            .map_err(|e| Failure::new(format!("Cannot execute SQL '{statement}': {e}")))?;
        outcome.changed = before != after;
        outcome.set("queries", vec![statement.clone()]);
        Ok(if outcome.changed { Plan::Work(Work { client, statement, outcome }) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { client, statement, outcome } = work;
        client
            .run(host, std::slice::from_ref(&statement), true)?
            .map_err(|e| Failure::new(format!("Cannot execute SQL '{statement}': {e}")))?;
        Ok(outcome)
    }
}

fn in_schema(kind: &str) -> bool {
    matches!(kind, "table" | "sequence" | "function" | "procedure" | "type" | "default_privs")
}

fn complete(args: &mut Args) -> Result<(), Failure> {
    let kind = args.kind.clone();
    let refuse = |msg: String| Err(Failure::new(msg));
    if in_schema(&kind) {
        args.schema = match args.schema.take() {
            _ if args.objs.as_deref() == Some("schemas") => None,
            Some(schema) if schema == "not-specified" => None,
            Some(schema) if !schema.is_empty() => Some(schema),
            _ => Some("public".to_owned()),
        };
    } else if args.schema.is_some() {
        return refuse(format!("Argument \"schema\" is not allowed for type \"{kind}\"."));
    }
    let objects = args.objs.clone().filter(|o| !o.is_empty());
    if objects.as_deref() == Some("ALL_IN_SCHEMA")
        && !matches!(kind.as_str(), "table" | "sequence" | "function" | "procedure")
    {
        return refuse(format!(
            "Argument \"objs\": ALL_IN_SCHEMA can be used only for type: table, sequence, function or procedure, {kind} was passed."
        ));
    }
    args.objs = match (kind.as_str(), objects) {
        (_, Some(objects)) => Some(objects),
        ("database", None) => Some(args.login_db.clone()),
        _ => return refuse(format!("Argument \"objs\" is required for type \"{kind}\".")),
    };
    match (kind.as_str(), args.privs.as_deref().filter(|p| !p.is_empty())) {
        ("group", Some(_)) => refuse("Argument \"privs\" is not allowed for type \"group\".".to_owned()),
        ("group", None) | (_, Some(_)) => Ok(()),
        _ => refuse(format!("Argument \"privs\" is required for type \"{kind}\".")),
    }
}

fn privileges(args: &Args) -> Result<Vec<String>, Failure> {
    let mut all: Vec<String> = Vec::new();
    for word in args.privs.iter().flat_map(|p| p.split(',')).filter(|w| !w.is_empty()) {
        let word = word.to_uppercase();
        if !PRIVILEGES.contains(&word.as_str()) {
            return Err(Failure::new(format!("Invalid privileges specified: frozenset({{'{word}'}})")));
        }
        if !all.contains(&word) {
            all.push(word);
        }
    }
    Ok(all)
}

/// The objects, and how all of a schema are named if all are meant.
fn objects(
    args: &Args,
    host: &dyn Observe,
    client: &Client,
    privileges: &[String],
) -> Result<(Vec<String>, Option<&'static str>), Failure> {
    let given = args.objs.as_deref().unwrap_or_default();
    if given == "ALL_IN_SCHEMA" {
        return all_in_schema(args, host, client);
    }
    if args.kind != "default_privs" {
        let functions = matches!(args.kind.as_str(), "function" | "procedure");
        let one = |o: &str| if functions { o.replace(':', ",") } else { o.to_owned() };
        return Ok((given.split(',').map(one).collect(), None));
    }
    let names: Vec<String> = if given == "ALL_DEFAULT" {
        DEFAULTS.iter().map(|(name, _)| (*name).to_owned()).filter(|n| n != "SCHEMAS").collect()
    } else {
        given.split(',').map(str::to_uppercase).collect()
    };
    for name in &names {
        let Some((_, valid)) = DEFAULTS.iter().find(|(n, _)| n == name) else {
            return Err(Failure::new(format!("Invalid Object set specified: frozenset({{'{name}'}})")));
        };
        if !privileges.iter().all(|p| valid.contains(&p.as_str())) {
            return Err(Failure::new(format!(
                "Invalid priv specified. Valid object for priv: frozenset(). Objects: frozenset({{'{}'}})",
                names.join("', '")
            )));
        }
    }
    Ok((names, None))
}

fn all_in_schema(
    args: &Args,
    host: &dyn Observe,
    client: &Client,
) -> Result<(Vec<String>, Option<&'static str>), Failure> {
    let schema = args.schema.clone().unwrap_or_default();
    let there = client
        .rows(host, &format!("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = {}", literal(&schema)))?;
    if there.is_empty() {
        return Err(Failure::new(format!("Schema \"{schema}\" does not exist.")));
    }
    let of_class = |kinds: &str| {
        format!(
            "SELECT relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE nspname = {} AND relkind IN ({kinds})",
            literal(&schema)
        )
    };
    let of_proc = |kind: &str| {
        let only = if client.version >= 110_000 { format!(" AND p.prokind = '{kind}'") } else { String::new() };
        format!(
            "SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS name FROM pg_catalog.pg_proc p \
             JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE nspname = {}{only}",
            literal(&schema)
        )
    };
    let (sql, all) = match args.kind.as_str() {
        "table" => (of_class("'r', 'v', 'm', 'p', 'f'"), "ALL TABLES IN SCHEMA"),
        "sequence" => (of_class("'S'"), "ALL SEQUENCES IN SCHEMA"),
        "function" => (of_proc("f"), "ALL FUNCTIONS IN SCHEMA"),
        _ if client.version < 110_000 => {
            return Err(Failure::new("PostgreSQL version must be >= 11 for type=procedure. Exit"));
        }
        _ => (of_proc("p"), "ALL PROCEDURES IN SCHEMA"),
    };
    let rows = client.rows(host, &sql)?;
    let names = rows.iter().filter_map(|r| r.get("name").and_then(Json::as_str)).map(str::to_owned).collect();
    Ok((names, Some(all)))
}

fn roles(args: &Args, host: &dyn Observe, client: &Client, outcome: &mut Outcome) -> Result<Vec<String>, Failure> {
    let names: Vec<&str> = args.roles.split(',').collect();
    let sql = format!("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY ({})", array(&names));
    let rows = client.rows(host, &sql)?;
    let mut roles = Vec::new();
    for name in names {
        let upper = name.to_uppercase();
        if IMPLICIT.iter().any(|(role, since)| *role == upper && client.version >= *since) {
            roles.push(upper);
        } else if rows.iter().any(|r| r.get("rolname").is_some_and(|n| n == name)) {
            roles.push(identifier(name));
        } else if args.fail_on_role {
            return Err(Failure::new(format!("Role '{name}' does not exist")));
        } else {
            outcome.warnings.push(format!("Role '{name}' does not exist, pass it"));
        }
    }
    Ok(roles)
}

fn statement(
    args: &Args,
    privileges: &[String],
    objects: &[String],
    all: Option<&str>,
    roles: &[String],
) -> Result<String, Failure> {
    let schema = args.schema.as_ref().map(|s| identifier(s));
    let whom = roles.join(",");
    let privileges = privileges.join(",");
    if args.kind == "default_privs" {
        return Ok(defaults(args, &privileges, objects, schema.as_deref(), &whom));
    }
    let place = schema.clone().unwrap_or_default();
    let mut names = Vec::new();
    for object in objects {
        names.push(match args.kind.as_str() {
            "function" | "procedure" => {
                let (name, rest) = object
                    .split_once('(')
                    .ok_or_else(|| Failure::new(format!("Illegal function / procedure signature: \"{object}\".")))?;
                format!("{place}.{}({rest}", identifier(name))
            }
            "table" | "sequence" | "type" => format!("{place}.{}", identifier(object)),
            _ => identifier(object),
        });
    }
    let what = match (args.kind.as_str(), all) {
        ("group", _) => names.join(","),
        (_, Some(all)) => format!("{} ON {all} {place}", privileges.replace('_', " ")),
        (kind, None) => {
            format!("{} ON {} {}", privileges.replace('_', " "), kind.replace('_', " "), names.join(","))
        }
    };
    if args.state == "absent" {
        return Ok(format!("REVOKE {what} FROM {whom};"));
    }
    let option = if args.kind == "group" { "ADMIN OPTION" } else { "GRANT OPTION" };
    Ok(match args.grant_option {
        Some(true) => format!("GRANT {what} TO {whom} WITH {option};"),
        Some(false) => format!("GRANT {what} TO {whom};\nREVOKE {option} FOR {what} FROM {whom};"),
        None => format!("GRANT {what} TO {whom};"),
    })
}

fn defaults(args: &Args, privileges: &str, objects: &[String], schema: Option<&str>, whom: &str) -> String {
    let of = args.target_roles.as_ref().map(|roles| {
        let names: Vec<String> = roles.split(',').map(identifier).collect();
        format!(" FOR ROLE {}", names.join(","))
    });
    let within = schema.map(|s| format!(" IN SCHEMA {s}")).unwrap_or_default();
    let start = format!("ALTER DEFAULT PRIVILEGES{}{within}", of.unwrap_or_default());
    if args.state == "absent" {
        let all = ["TABLES", "FUNCTIONS", "SEQUENCES", "TYPES"];
        let lines: Vec<String> = all.iter().map(|o| format!("{start} REVOKE ALL ON {o} FROM {whom};")).collect();
        return lines.join("\n");
    }
    let mut lines: Vec<String> = objects.iter().map(|o| format!("{start} REVOKE ALL ON {o} FROM {whom};")).collect();
    let option = if args.grant_option == Some(true) { " WITH GRANT OPTION" } else { "" };
    lines.extend(objects.iter().map(|o| format!("{start} GRANT {privileges} ON {o} TO {whom}{option};")));
    lines.join("\n")
}

/// The query that shows what the statement may change.
fn status(args: &Args, objects: &[String]) -> String {
    let schema = args.schema.as_deref();
    let names = array(objects);
    let within = |column: &str| schema.map(|s| format!("{column} = {} AND ", literal(s))).unwrap_or_default();
    let plain = |acl: &str, table: &str, name: &str| {
        format!(
            "SELECT {name} AS name, {acl}::text AS acl FROM pg_catalog.{table} WHERE {name} = ANY ({names}) ORDER BY 1, 2"
        )
    };
    let of_class = |kinds: &str| {
        format!(
            "SELECT relname AS name, relacl::text AS acl FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE {}relkind IN ({kinds}) AND relname = ANY ({names}) ORDER BY 1, 2",
            within("nspname")
        )
    };
    match args.kind.as_str() {
        "table" => of_class("'r', 'p', 'v', 'm', 'f'"),
        "sequence" => of_class("'S'"),
        "function" | "procedure" => {
            let names: Vec<&str> = objects.iter().map(|o| o.split('(').next().unwrap_or(o)).collect();
            format!(
                "SELECT proname AS name, proargtypes::text AS args, proacl::text AS acl FROM pg_catalog.pg_proc p \
                 JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
                 WHERE {}proname = ANY ({}) ORDER BY 1, 2",
                within("nspname"),
                array(&names)
            )
        }
        "schema" => plain("nspacl", "pg_namespace", "nspname"),
        "language" => plain("lanacl", "pg_language", "lanname"),
        "tablespace" => plain("spcacl", "pg_tablespace", "spcname"),
        "database" => plain("datacl", "pg_database", "datname"),
        "foreign_data_wrapper" => plain("fdwacl", "pg_foreign_data_wrapper", "fdwname"),
        "foreign_server" => plain("srvacl", "pg_foreign_server", "srvname"),
        "parameter" => plain("paracl", "pg_parameter_acl", "parname"),
        "type" => format!(
            "SELECT typname AS name, typacl::text AS acl FROM pg_catalog.pg_type t \
             JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
             WHERE {}typname = ANY ({names}) ORDER BY 1, 2",
            within("n.nspname")
        ),
        "group" => format!(
            "SELECT roleid, grantor, member, admin_option FROM pg_catalog.pg_auth_members am \
             JOIN pg_catalog.pg_roles r ON r.oid = am.roleid WHERE r.rolname = ANY ({names}) ORDER BY 1, 2, 3"
        ),
        _ => {
            let only = schema.map(|s| format!(" WHERE b.nspname = {}", literal(s))).unwrap_or_default();
            format!(
                "SELECT defaclacl::text AS acl FROM pg_default_acl a \
                 LEFT JOIN pg_namespace b ON a.defaclnamespace = b.oid{only} ORDER BY 1"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{ModuleSpec, validate};
    use serde_json::json;

    /// The statement for arguments as a task has them; the roles are there.
    fn said(args: Json) -> Result<String, String> {
        const SPEC: ModuleSpec = PostgresqlPrivs::SPEC;
        let Json::Object(args) = args else { panic!("arguments are an object") };
        let args = validate(&SPEC, args).map_err(|f| f[0].message.clone())?;
        let mut args: Args = serde_json::from_value(args.into()).unwrap();
        let words = |args: &mut Args| -> Result<String, Failure> {
            complete(args)?;
            let privileges = privileges(args)?;
            let host = crate::host::fake::Fake::new();
            let (objects, all) = objects(args, &host, &Client::offline(150_000), &privileges)?;
            statement(args, &privileges, &objects, all, &[identifier(&args.roles)])
        };
        words(&mut args).map_err(|f| f.msg)
    }

    #[test]
    fn statements() {
        for (args, expected) in [
            (
                json!({"objs": "a,b", "privs": "select,insert"}),
                "GRANT SELECT,INSERT ON table \"public\".\"a\",\"public\".\"b\" TO \"r\";",
            ),
            (
                json!({"type": "database", "privs": "ALL", "state": "absent"}),
                "REVOKE ALL ON database \"d\" FROM \"r\";",
            ),
            (
                json!({"type": "function", "objs": "f(int:text)", "privs": "EXECUTE", "schema": "s"}),
                "GRANT EXECUTE ON function \"s\".\"f\"(int,text) TO \"r\";",
            ),
            (json!({"type": "group", "objs": "g", "admin_option": true}), "GRANT \"g\" TO \"r\" WITH ADMIN OPTION;"),
            (
                json!({"type": "schema", "objs": "s", "privs": "USAGE", "grant_option": false}),
                "GRANT USAGE ON schema \"s\" TO \"r\";\nREVOKE GRANT OPTION FOR USAGE ON schema \"s\" FROM \"r\";",
            ),
            (
                json!({"type": "default_privs", "objs": "TABLES", "privs": "SELECT", "target_roles": "o"}),
                "ALTER DEFAULT PRIVILEGES FOR ROLE \"o\" IN SCHEMA \"public\" REVOKE ALL ON TABLES FROM \"r\";\nALTER DEFAULT PRIVILEGES FOR ROLE \"o\" IN SCHEMA \"public\" GRANT SELECT ON TABLES TO \"r\";",
            ),
        ] {
            let mut all = json!({"login_db": "d", "roles": "r"});
            args.as_object().unwrap().iter().for_each(|(k, v)| all[k] = v.clone());
            assert_eq!(said(all).as_deref(), Ok(expected));
        }
        for (args, expected) in [
            (json!({"privs": "ALL"}), "Argument \"objs\" is required for type \"table\"."),
            (json!({"objs": "t"}), "Argument \"privs\" is required for type \"table\"."),
            (json!({"objs": "t", "privs": "FLY"}), "Invalid privileges specified: frozenset({'FLY'})"),
            (
                json!({"type": "group", "objs": "g", "schema": "s"}),
                "Argument \"schema\" is not allowed for type \"group\".",
            ),
        ] {
            let mut all = json!({"login_db": "d", "roles": "r"});
            args.as_object().unwrap().iter().for_each(|(k, v)| all[k] = v.clone());
            assert_eq!(said(all), Err(expected.to_owned()));
        }
    }
}
