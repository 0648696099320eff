//! `community.mongodb.mongodb_user`: users of MongoDB.

use super::mongo::{LOGIN_ARGS, Login, MongoError, Shell};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return, python_text,
};
use crate::host::{Change, Observe, WriteOptions};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

pub struct MongodbUser;

#[derive(Deserialize)]
pub struct Args {
    database: String,
    name: String,
    password: Option<String>,
    replica_set: Option<String>,
    roles: Option<Vec<Json>>,
    state: String,
    update_password: String,
    create_for_localhost_exception: Option<PathBuf>,
    #[serde(flatten)]
    login: Login,
}

pub struct Work {
    shell: Shell,
    question: Json,
    user: String,
    failed: &'static str,
    /// A file that tells that the first user is there.
    mark: Option<PathBuf>,
}

/// Looks for the user and does what is wanted; `wish` is `find`, `add` or `drop`.
const SCRIPT: &str = r#"
    function find() {
        var told = run(db, {usersInfo: 1}), i, user;
        for (i = 0; i < told.users.length; i++) {
            user = told.users[i];
            if (user.user === q.name && (user.db === undefined || user.db === q.database || user.db === "admin")) {
                return user;
            }
        }
        return null;
    }
    function found() {
        var user = null;
        try {
            user = find();
        } catch (e) {
            if (e.code === 11 || (e.code === 13 && q.wish === "add")) {
                return null;
            }
            throw e;
        }
        return user;
    }
    var user = found(), command;
    if (q.wish === "add") {
        command = user ? {updateUser: q.name} : {createUser: q.name};
        if (q.password !== null) {
            command.pwd = q.password;
        }
        command.roles = q.roles;
        run(db, command);
    } else if (q.wish === "drop" && user) {
        run(db, {dropUser: q.name});
    }
    answer = user ? {roles: user.roles || []} : null;
"#;

impl Module for MongodbUser {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[LOGIN_ARGS],
        examples: "- name: A user\n  community.mongodb.mongodb_user:\n    login_user: admin\n    login_password: secret\n    database: app\n    name: app\n    password: hush\n    roles: readWrite\n    update_password: on_create\n",
        returns: &[Return { name: "user", when: "always", doc: "The name." }],
        differs: "Goes through the host's `mongosh` or `mongo` instead of a library of Python, so that errors are told in its words. `atlas_auth` is refused; options of TLS want `mongosh`.",
        ..ModuleSpec::new(
            "community.mongodb.mongodb_user",
            "Users of MongoDB.",
            &[
                Arg::str("database").required().aliases(&["db"]).doc("The database whose user it is."),
                Arg::str("name").required().aliases(&["user"]).doc("The name."),
                Arg::str("password").no_log().aliases(&["pass"]).doc("The password."),
                Arg::str("replica_set").doc("The set of servers to log in to, its primary for changes."),
                Arg::list("roles", ArgType::Raw).doc("Roles, by name or as `{db: …, role: …}`."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("There or gone."),
                Arg::str("update_password")
                    .choices(&["always", "on_create"])
                    .default(Literal::Str("always"))
                    .doc("Set the password each time, which is a change, or of new users only."),
                Arg::path("create_for_localhost_exception")
                    .doc("A file to make with the first user; where it is, nothing is done without `login_user`."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(mut args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let done = |changed: bool| Outcome::changed(changed).with("user", args.name.clone());
        if args.login.login_database == "$external" {
            args.update_password = "on_create".to_owned();
        }
        let is_there = args.state == "present";
        let always = args.update_password == "always";
        let shell = Shell::new(host, &args.login, args.replica_set.as_deref(), true, &args.database)?;
        if is_there && always && args.password.is_none() {
            return Err(Failure::new(
                "password parameter required when adding a user unless update_password is set to on_create",
            ));
        }
        let mark = args.create_for_localhost_exception.clone().filter(|_| is_there && args.login.login_user.is_none());
        if mark.as_ref().is_some_and(|path| host.exists(path)) {
            let msg = "The path in create_for_localhost_exception exists.";
            return Ok(Plan::Done(Outcome { skipped: true, ..done(false) }.with("msg", msg)));
        }
        let failed = if is_there { "Unable to add or update user" } else { "Unable to remove user" };
        let mut question = json!({
            "wish": "find", "database": args.database, "name": args.name,
            "password": args.password, "roles": args.roles.clone().unwrap_or_default(),
        });
        if !is_there || !always {
            let user = shell.ask(host, SCRIPT, &question)?.map_err(|e| e.failure(failed))?;
            match (is_there, user.is_null()) {
                (false, true) => return Ok(Plan::Done(done(false))),
                (true, false) if same_roles(&args, &user["roles"]) => return Ok(Plan::Done(done(false))),
                (true, false) => question["password"] = Json::Null,
                _ => {}
            }
        } else if shell.logs_in() {
            shell.check(host)?;
        }
        question["wish"] = if is_there { "add" } else { "drop" }.into();
        Ok(Plan::Work(Work { shell, question, user: args.name, failed, mark }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        Outcome::changed(true).with("user", work.user.clone())
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let told: Result<Json, MongoError> = work.shell.tell(host, SCRIPT, &work.question)?;
        told.map_err(|e| e.failure(work.failed))?;
        if let Some(path) = work.mark {
            host.write(&path, &mut &b""[..], &WriteOptions::default()).map_err(|e| Failure {
                changed: true,
                ..Failure::io(
                    format!("Added user but unable to touch create_for_localhost_exception file {}", path.display()),
                    &e,
                )
            })?;
        }
        Ok(Outcome::changed(true).with("user", work.user))
    }
}

/// Whether the user has the wanted roles, in whatever order.
fn same_roles(args: &Args, has: &Json) -> bool {
    let text = |role: &Json| {
        let mut pairs: Vec<(String, String)> = match role {
            Json::Object(map) => map.iter().map(|(k, v)| (k.clone(), python_text(v))).collect(),
            name => vec![("role".to_owned(), python_text(name)), ("db".to_owned(), args.database.clone())],
        };
        pairs.sort();
        pairs
    };
    let list = |roles: &[Json]| {
        let mut list: Vec<_> = roles.iter().map(text).collect();
        list.sort();
        list
    };
    list(args.roles.as_deref().unwrap_or_default()) == list(has.as_array().map_or(&[][..], Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;

    const MODULE: Entry = Entry::of::<MongodbUser>();

    /// A shell that tells this.
    fn host(told: &Json) -> Fake {
        let line = format!("tightbeam {told}\ntrue\n");
        Fake::new().answer("mongosh --quiet --norc --nodb --eval load('/dev/stdin')", 0, &line)
    }

    fn script(host: &Fake) -> String {
        let log = host.log();
        let stdin = log.executed.last().and_then(|c| c.stdin.clone()).unwrap_or_default();
        assert!(log.executed.iter().chain(&log.queried).all(|c| !c.display().contains("hush")));
        String::from_utf8(stdin).unwrap()
    }

    fn args(more: Json) -> Json {
        let mut args = json!({"database": "app", "name": "joe", "password": "hush", "login_user": "root",
            "login_password": "a/b", "roles": ["readWrite", {"db": "local", "role": "read"}]});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    }

    #[test]
    fn there() {
        let mut nobody = host(&json!({"version": "7.0.1", "answer": null}));
        let out = run(&MODULE, args(json!({"update_password": "on_create"})), &mut nobody, false).unwrap();
        assert_eq!((out.changed, &out.values["user"]), (true, &json!("joe")));
        let text = script(&nobody);
        assert!(text.contains("mongodb://root:a%2Fb@localhost:27017/?directConnection=true&authSource=admin\""));
        assert!(
            text.contains(r#""wish":"add","database":"app","name":"joe","password":"hush","roles":["readWrite",{"#)
        );
        let same = json!([{"role": "read", "db": "local"}, {"role": "readWrite", "db": "app"}]);
        let mut there = host(&json!({"version": "7.0.1", "answer": {"roles": same}}));
        let out = run(&MODULE, args(json!({"update_password": "on_create"})), &mut there, false).unwrap();
        assert!(!out.changed && there.executed().is_empty());
        let wish = json!({"update_password": "on_create", "roles": "read", "replica_set": "rs0"});
        assert!(run(&MODULE, args(wish), &mut there, false).unwrap().changed);
        assert!(script(&there).contains(r#""password":null,"roles":["read"]"#));
        assert!(script(&there).contains("/?replicaSet=rs0&authSource=admin"));
        let out = run(&MODULE, args(json!({})), &mut there, true).unwrap();
        assert!(out.changed);
    }

    #[test]
    fn gone() {
        let mut nobody = host(&json!({"version": "7.0.1", "answer": null}));
        assert!(!run(&MODULE, args(json!({"state": "absent"})), &mut nobody, false).unwrap().changed);
        let mut there = host(&json!({"version": "7.0.1", "answer": {"roles": []}}));
        assert!(run(&MODULE, args(json!({"state": "absent"})), &mut there, false).unwrap().changed);
        assert!(script(&there).contains(r#""wish":"drop""#));
    }

    #[test]
    fn the_first_user() {
        let mut first = host(&json!({"answer": null})).dir("/var/lib/m");
        let args = json!({"database": "admin", "name": "root", "password": "hush", "roles": "root",
            "create_for_localhost_exception": "/var/lib/m/done"});
        assert!(run(&MODULE, args.clone(), &mut first, false).unwrap().changed);
        assert!(script(&first).contains("\"mongodb://localhost:27017/?directConnection=true\", logs_in = false"));
        let out = run(&MODULE, args, &mut first, false).unwrap();
        assert!(out.skipped && !out.changed);
        let mut own = host(&json!({"answer": null})).file("/root/.mongodb.cnf", "[client]\nuser = me\npass = 5%\n");
        let args = json!({"database": "app", "name": "joe", "password": "hush"});
        assert!(run(&MODULE, args, &mut own, false).unwrap().changed);
        assert!(script(&own).contains("mongodb://me:5%25@localhost"));
    }

    #[test]
    fn what_cannot_be() {
        let fault = |stage: &str, text: &str| host(&json!({"stage": stage, "error": text}));
        for (mut host, more, message) in [
            (
                fault("login", "Authentication failed: a%2Fb"),
                json!({}),
                "Unable to get MongoDB server version: Authentication failed: ********",
            ),
            (
                fault("script", "Could not find role: x@app"),
                json!({"update_password": "on_create"}),
                "Unable to add or update user: Could not find role: x@app",
            ),
            (fault("script", "not allowed"), json!({"state": "absent"}), "Unable to remove user: not allowed"),
            (
                host(&json!({"version": "3.6.2", "answer": null})),
                json!({}),
                "This version of MongoDB is pretty old and these modules are no longer tested against this version.",
            ),
            (
                fault("", ""),
                json!({"login_password": null}),
                "When supplying login arguments, both 'login_user' and 'login_password' must be provided",
            ),
            (
                fault("", ""),
                json!({"password": null}),
                "password parameter required when adding a user unless update_password is set to on_create",
            ),
            (fault("", ""), json!({"atlas_auth": true}), "atlas_auth is not supported"),
            (
                fault("", ""),
                json!({"login_user": null, "login_password": null, "strict_compatibility": false}),
                "The localhost login exception only allows the first admin account to be created",
            ),
        ] {
            assert_eq!(run(&MODULE, args(more), &mut host, false).unwrap_err().msg, message);
        }
    }
}
