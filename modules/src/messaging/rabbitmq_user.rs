//! `community.rabbitmq.rabbitmq_user`: users of RabbitMQ and their permissions. Passwords go to rabbitmqctl through its
//! standard input.

use super::shared::Ctl;
use crate::contract::{Arg, ArgType, Call, CheckMode, Failure, Literal, Module, ModuleSpec, Outcome, Plan};
use crate::host::steps::{Step, Steps, query};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};

pub struct RabbitmqUser;

#[derive(Deserialize)]
pub struct Args {
    user: String,
    password: Option<String>,
    tags: Option<String>,
    permissions: Vec<Permission>,
    vhost: String,
    configure_priv: String,
    write_priv: String,
    read_priv: String,
    topic_permissions: Vec<TopicPermission>,
    force: bool,
    state: String,
    node: String,
    update_password: String,
    login_host: Option<String>,
}

/// What a user may do in one virtual host.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Permission {
    #[serde(default = "root")]
    vhost: String,
    #[serde(alias = "configure_priv", default)]
    configure: String,
    #[serde(alias = "write_priv", default)]
    write: String,
    #[serde(alias = "read_priv", default)]
    read: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct TopicPermission {
    #[serde(default = "root")]
    vhost: String,
    #[serde(default = "topic")]
    exchange: String,
    #[serde(alias = "write_priv", default)]
    write: String,
    #[serde(alias = "read_priv", default)]
    read: String,
}

fn root() -> String {
    "/".to_owned()
}

fn topic() -> String {
    "amq.topic".to_owned()
}

#[derive(Deserialize)]
struct Listed {
    user: String,
    #[serde(default)]
    tags: Vec<String>,
}

impl Module for RabbitmqUser {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        examples: "- name: A user with all rights in one virtual host\n  community.rabbitmq.rabbitmq_user:\n    user: joe\n    password: changeme\n    vhost: /app\n    configure_priv: .*\n    read_priv: .*\n    write_priv: .*\n",
        differs: "Works through rabbitmqctl only, 3.8 or newer: login_host is refused.",
        ..ModuleSpec::new(
            "community.rabbitmq.rabbitmq_user",
            "Users of RabbitMQ.",
            &[
                Arg::str("user").required().aliases(&["username", "name"]).doc("The user."),
                Arg::str("password").no_log().doc("Password; none locks it."),
                Arg::str("tags").doc("Tags, separated by commas."),
                Arg::list("permissions", ArgType::Dict)
                    .default(Literal::Strs(&[]))
                    .doc("All permissions: `vhost`, `configure_priv`, `write_priv` and `read_priv` each."),
                Arg::str("vhost").default(Literal::Str("/")).doc("The virtual host of the following."),
                Arg::str("configure_priv").default(Literal::Str("^$")).doc("Pattern of what it may configure."),
                Arg::str("write_priv").default(Literal::Str("^$")).doc("Pattern of what it may write to."),
                Arg::str("read_priv").default(Literal::Str("^$")).doc("Pattern of what it may read."),
                Arg::list("topic_permissions", ArgType::Dict)
                    .default(Literal::Strs(&[]))
                    .doc("Permissions of topics: `vhost`, `exchange`, `write_priv` and `read_priv` each."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Delete the user and make it again."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("Whether it is to be there."),
                Arg::str("node").default(Literal::Str("rabbit")).doc("Erlang node name of the broker."),
                Arg::str("update_password")
                    .choices(&["on_create", "always"])
                    .default(Literal::Str("on_create"))
                    .doc("Whether a password that differs is changed."),
                Arg::str("login_protocol")
                    .choices(&["http", "https"])
                    .default(Literal::Str("http"))
                    .doc("For login_host."),
                Arg::str("login_host").doc("The management API; refused."),
                Arg::str("login_port").default(Literal::Str("15672")).doc("For login_host."),
                Arg::str("login_user").no_log().doc("For login_host."),
                Arg::str("login_password").no_log().doc("For login_host."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Steps>, Failure> {
        let ctl = Ctl::find(host, &args.node, args.login_host.as_deref())?;
        let bulk = !args.permissions.is_empty();
        let wanted = if bulk {
            args.permissions.clone()
        } else {
            let (configure, write) = (args.configure_priv.clone(), args.write_priv.clone());
            vec![Permission { vhost: args.vhost.clone(), configure, write, read: args.read_priv.clone() }]
        };
        if wanted.iter().any(|p| p.vhost.is_empty()) {
            return Err(Failure::new(
                "Error parsing vhost permissions: You can't have an empty vhost when setting permissions",
            ));
        }
        let wanted = unique(wanted, |p| p.vhost.clone()).ok_or_else(|| {
            Failure::new("Error parsing vhost permissions: You can't have two permission dicts for the same vhost")
        })?;
        let topics = unique(args.topic_permissions.clone(), |t| (t.vhost.clone(), t.exchange.clone()))
            .ok_or_else(|| Failure::new("Error parsing vhost topic_permissions: You can't have two topic permission dicts for the same vhost and the same exchange"))?;
        let tags: Vec<String> = match args.tags.as_deref().filter(|t| !t.is_empty()) {
            Some(tags) => tags.replace(' ', "").split(',').map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let user = args.user.as_str();
        let listed: Vec<Listed> = parsed(&ctl.ask(host, &["list_users", "--formatter", "json"])?)?;
        let found = listed.into_iter().find(|l| l.user == user);
        let mut work = Draft { ctl: &ctl, user, steps: Steps::default() };
        match (&found, args.state.as_str()) {
            (None, "absent") => {}
            (Some(_), "absent") => work.run(&["delete_user", user]),
            (None, _) => {
                work.add(args.password.as_deref());
                work.tag(&tags);
                work.permit(&wanted, &BTreeMap::new());
                work.permit_topics(&topics, &BTreeMap::new());
            }
            (Some(found), _) => {
                let (mut now, mut now_topics) = (BTreeMap::new(), BTreeMap::new());
                let mut now_tags = found.tags.clone();
                if args.force {
                    work.run(&["delete_user", user]);
                    work.add(args.password.as_deref());
                    now_tags.clear();
                } else {
                    let ask = |verb: &str| ctl.ask(host, &[verb, user, "--formatter", "json"]);
                    let list: Vec<Permission> = parsed(&ask("list_user_permissions")?)?;
                    now.extend(list.into_iter().map(|p| (p.vhost.clone(), p)));
                    let list: Vec<TopicPermission> = parsed(&ask("list_user_topic_permissions")?)?;
                    now_topics.extend(list.into_iter().map(|t| ((t.vhost.clone(), t.exchange.clone()), t)));
                    if args.update_password == "always" {
                        let try_it = work.with_password(&["authenticate_user", user], args.password.as_deref());
                        if args.password.is_none() || !query(host, &try_it)?.ok() {
                            work.change_password(args.password.as_deref());
                        }
                    }
                }
                if !bulk {
                    // Other virtual hosts are not looked at.
                    now.retain(|vhost, _| wanted.contains_key(vhost));
                }
                let set = |tags: &[String]| tags.iter().cloned().collect::<BTreeSet<String>>();
                if set(&tags) != set(&now_tags) {
                    work.tag(&tags);
                }
                work.permit(&wanted, &now);
                work.permit_topics(&topics, &now_topics);
            }
        }
        let mut steps = work.steps;
        steps.outcome = Outcome::changed(!steps.steps.is_empty()).with("user", user).with("state", args.state);
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// By key; none where two have the same.
fn unique<K: Ord, V>(list: Vec<V>, key: impl Fn(&V) -> K) -> Option<BTreeMap<K, V>> {
    let count = list.len();
    let map: BTreeMap<K, V> = list.into_iter().map(|v| (key(&v), v)).collect();
    (map.len() == count).then_some(map)
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Failure> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|e| Failure::new(format!("rabbitmqctl's output cannot be read: {e}")))
}

struct Draft<'a> {
    ctl: &'a Ctl,
    user: &'a str,
    steps: Steps,
}

impl Draft<'_> {
    fn step(&mut self, command: Command) {
        self.steps.steps.push(Step::Run { command, failed: String::new() });
    }
    fn run(&mut self, words: &[&str]) {
        self.step(self.ctl.command(words));
    }
    fn with_password(&self, words: &[&str], password: Option<&str>) -> Command {
        self.ctl.command(words).stdin(format!("{}\n", password.unwrap_or_default()))
    }
    fn add(&mut self, password: Option<&str>) {
        let user = self.user;
        match password {
            Some(_) => self.step(self.with_password(&["add_user", user], password)),
            None => {
                self.run(&["add_user", user, ""]);
                self.run(&["clear_password", user]);
            }
        }
    }
    fn change_password(&mut self, password: Option<&str>) {
        let user = self.user;
        match password {
            Some(_) => self.step(self.with_password(&["change_password", user], password)),
            None => self.run(&["clear_password", user]),
        }
    }
    fn tag(&mut self, tags: &[String]) {
        let command = self.ctl.command(&["set_user_tags", self.user]).args(tags.iter().cloned());
        self.step(command);
    }
    fn permit(&mut self, wanted: &BTreeMap<String, Permission>, now: &BTreeMap<String, Permission>) {
        for vhost in now.keys().filter(|v| !wanted.contains_key(*v)) {
            self.run(&["clear_permissions", "-p", vhost, self.user]);
        }
        for (vhost, p) in wanted.iter().filter(|(vhost, p)| now.get(*vhost) != Some(p)) {
            self.run(&["set_permissions", "-p", vhost, self.user, &p.configure, &p.write, &p.read]);
        }
    }
    fn permit_topics(
        &mut self,
        wanted: &BTreeMap<(String, String), TopicPermission>,
        now: &BTreeMap<(String, String), TopicPermission>,
    ) {
        for (vhost, exchange) in now.keys().filter(|k| !wanted.contains_key(*k)) {
            self.run(&["clear_topic_permissions", "-p", vhost, self.user, exchange]);
        }
        for ((vhost, exchange), t) in wanted.iter().filter(|(k, t)| now.get(*k) != Some(t)) {
            self.run(&["set_topic_permissions", "-p", vhost, self.user, exchange, &t.write, &t.read]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const USER: Entry = Entry::of::<RabbitmqUser>();
    const USERS: &str = "rabbitmqctl -q -n rabbit list_users --formatter json";
    const MAY: &str = "rabbitmqctl -q -n rabbit list_user_permissions joe --formatter json";
    const TOPICS: &str = "rabbitmqctl -q -n rabbit list_user_topic_permissions joe --formatter json";

    fn host() -> Fake {
        Fake::new().answer(USERS, 0, r#"[{"user":"guest","tags":["administrator"]}]"#).answer(TOPICS, 0, "[]")
    }

    #[test]
    fn a_new_user_whose_password_no_process_list_shows() {
        let mut host = host()
            .effect("rabbitmqctl -q -n rabbit add_user joe", 0, "", |h| {
                h.set_answer(USERS, 0, r#"[{"user":"joe","tags":["monitoring"]}]"#);
                h.set_answer(MAY, 0, r#"[{"vhost":"/","configure":".*","write":"^$","read":"^$"}]"#);
            })
            .effect("rabbitmqctl -q -n rabbit set_user_tags joe monitoring", 0, "", |_| {})
            .effect("rabbitmqctl -q -n rabbit set_permissions -p / joe .* ^$ ^$", 0, "", |_| {});
        let args = json!({"user": "joe", "password": "s3cret", "tags": "monitoring", "configure_priv": ".*"});
        let out = case(&USER, args, &mut host).unwrap();
        assert_eq!((out.changed, &out.values["user"]), (true, &json!("joe")));
        assert!(!host.executed().iter().any(|c| c.contains("s3cret")));
    }

    #[test]
    fn permissions_and_passwords_of_one_that_is_there() {
        let mut host = host()
            .answer(USERS, 0, r#"[{"user":"joe","tags":[]}]"#)
            .answer(MAY, 0, r#"[{"vhost":"/old","configure":"a","write":"b","read":"c"}]"#)
            .answer("rabbitmqctl -q -n rabbit authenticate_user joe", 1, "")
            .effect("rabbitmqctl -q -n rabbit change_password joe", 0, "", |h| {
                h.set_answer("rabbitmqctl -q -n rabbit authenticate_user joe", 0, "");
            })
            .effect("rabbitmqctl -q -n rabbit clear_permissions -p /old joe", 0, "", |_| {})
            .effect("rabbitmqctl -q -n rabbit set_permissions -p /new joe a b c", 0, "", |h| {
                h.set_answer(MAY, 0, r#"[{"vhost":"/new","configure":"a","write":"b","read":"c"}]"#);
            })
            .effect("rabbitmqctl -q -n rabbit set_topic_permissions -p /new joe amq.topic w r", 0, "", |h| {
                h.set_answer(TOPICS, 0, r#"[{"vhost":"/new","exchange":"amq.topic","write":"w","read":"r"}]"#);
            })
            .effect("rabbitmqctl -q -n rabbit delete_user joe", 0, "", |h| h.set_answer(USERS, 0, "[]"));
        let permission = json!({"vhost": "/new", "configure_priv": "a", "write_priv": "b", "read_priv": "c"});
        let topic = json!({"vhost": "/new", "write_priv": "w", "read_priv": "r"});
        let args = json!({"name": "joe", "password": "x", "update_password": "always",
            "permissions": [permission.clone()], "topic_permissions": [topic]});
        assert!(case(&USER, args, &mut host).unwrap().changed);
        let twice = json!({"name": "joe", "permissions": [permission.clone(), permission]});
        assert!(run(&USER, twice, &mut host, false).unwrap_err().msg.ends_with("for the same vhost"));
        assert!(case(&USER, json!({"name": "joe", "state": "absent"}), &mut host).unwrap().changed);
    }
}
