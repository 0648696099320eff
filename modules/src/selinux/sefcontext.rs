//! `community.general.sefcontext`: which files get which SELinux context.

use super::shared::{listed, must_be_enabled, semanage};
use crate::contract::{Arg, Call, Diff, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::steps::Steps;
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::collections::BTreeMap;

pub struct Sefcontext;

#[derive(Deserialize)]
pub struct Args {
    target: String,
    ftype: String,
    setype: Option<String>,
    substitute: Option<String>,
    seuser: Option<String>,
    selevel: Option<String>,
    state: String,
    reload: bool,
    ignore_selinux_state: bool,
}

/// Letters for kinds of files, with semanage's words for them.
const KINDS: &[(&str, &str)] = &[
    ("a", "all files"),
    ("b", "block device"),
    ("c", "character device"),
    ("d", "directory"),
    ("f", "regular file"),
    ("l", "symbolic link"),
    ("p", "named pipe"),
    ("s", "socket"),
];

impl Module for Sefcontext {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        rules: &[
            Rule::MutuallyExclusive(&["setype", "substitute"]),
            Rule::MutuallyExclusive(&["substitute", "ftype"]),
            Rule::MutuallyExclusive(&["substitute", "seuser"]),
            Rule::MutuallyExclusive(&["substitute", "selevel"]),
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["setype", "substitute"],
                any: true,
            },
        ],
        examples: "- name: The web server may write there\n  community.general.sefcontext:\n    target: '/srv/git_repos(/.*)?'\n    setype: httpd_sys_rw_content_t\n\n- name: As the home directories\n  community.general.sefcontext:\n    target: /srv/home\n    substitute: /home\n",
        returns: &[
            Return { name: "seuser", when: "present", doc: "SELinux user." },
            Return { name: "serange", when: "present", doc: "SELinux range." },
        ],
        differs: "Works through semanage.",
        ..ModuleSpec::new(
            "community.general.sefcontext",
            "Which files get which SELinux context.",
            &[
                Arg::str("target").required().aliases(&["path"]).doc("Pattern of paths."),
                Arg::str("ftype")
                    .choices(&["a", "b", "c", "d", "f", "l", "p", "s"])
                    .default(Literal::Str("a"))
                    .doc("Kind of files: `a` for all."),
                Arg::str("setype").doc("Their SELinux type."),
                Arg::str("substitute").aliases(&["equal"]).doc("Treat paths below as those below this one."),
                Arg::str("seuser").doc("Their SELinux user."),
                Arg::str("selevel").aliases(&["serange"]).doc("Their SELinux range."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the rule is there."),
                Arg::bool("reload").default(Literal::Bool(true)).doc("Load the policy again."),
                Arg::bool("ignore_selinux_state")
                    .default(Literal::Bool(false))
                    .doc("Change the policy even where SELinux is off."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Steps>, Failure> {
        must_be_enabled(host, args.ignore_selinux_state)?;
        let rules = Rules::read(&listed(host, &["fcontext", "-l", "-n"])?);
        let (target, kind) = (args.target.as_str(), args.ftype.as_str());
        let word = KINDS.iter().find(|(letter, _)| *letter == kind).map_or("", |(_, word)| *word);
        let context = rules.contexts.get(&(target.to_owned(), word.to_owned()));
        let equal = rules.equal.get(target);
        let mut steps = Steps::default();
        let mut told = String::new();
        let mut change = |words: &[&str]| {
            let mut all = vec!["fcontext"];
            all.extend((!args.reload).then_some("-N"));
            all.extend(words);
            steps.run(semanage(host, &all)?);
            Ok::<(), Failure>(())
        };
        let (mut user, mut range) = (args.seuser.clone(), args.selevel.clone());
        let line = |sign: &str, c: &[String]| format!("{sign}{target}      {kind}      {}\n", c.join(":"));
        match (args.state.as_str(), &args.substitute, &args.setype) {
            ("present", Some(substitute), _) => {
                if equal != Some(substitute) {
                    change(&[if equal.is_some() { "-m" } else { "-a" }, "-e", substitute, target])?;
                    let what = if equal.is_some() { "Change" } else { "Addition" };
                    told = format!("# {what} to semanage file context path substitutions\n");
                    told.extend(equal.map(|old| format!("-{target} = {old}\n")));
                    told.push_str(&format!("+{target} = {substitute}\n"));
                }
            }
            ("present", None, setype) => {
                let setype = setype.clone().unwrap_or_default();
                let [old_user, role, old_type, old_range] = match context.map(Vec::as_slice) {
                    Some([user, role, kind, range @ ..]) => [user.clone(), role.clone(), kind.clone(), range.join(":")],
                    _ => ["system_u".into(), "object_r".into(), String::new(), "s0".into()],
                };
                let new_user = user.get_or_insert_with(|| old_user.clone()).clone();
                let new_range = range.get_or_insert_with(|| old_range.clone()).clone();
                if context.is_none() || setype != old_type || new_user != old_user || new_range != old_range {
                    let verb = if context.is_some() { "-m" } else { "-a" };
                    change(&[verb, "-t", &setype, "-f", kind, "-r", &new_range, "-s", &new_user, target])?;
                    let what = if context.is_some() { "Change" } else { "Addition" };
                    told = format!("# {what} to semanage file context mappings\n");
                    told.extend(context.map(|old| line("-", old)));
                    told.push_str(&line("+", &[new_user, role, setype, new_range]));
                }
            }
            _ => {
                if let (Some(old), None) = (context, &args.substitute) {
                    change(&["-d", "-f", kind, target])?;
                    told = format!("# Deletion to semanage file context mappings\n{}", line("-", old));
                }
                if let (Some(old), None) = (equal, &args.setype)
                    && args.substitute.as_ref().is_none_or(|s| s == old)
                {
                    change(&["-d", "-e", old, target])?;
                    told.push_str(&format!(
                        "# Deletion to semanage file context path substitutions\n-{target} = {old}\n"
                    ));
                }
            }
        }
        let mut outcome = Outcome::changed(!steps.steps.is_empty())
            .with("target", target)
            .with("ftype", kind)
            .with("setype", args.setype)
            .with("substitute", args.substitute)
            .with("state", args.state.as_str());
        if args.state == "present" {
            outcome = outcome.with("seuser", user).with("serange", range);
        }
        if call.diff && outcome.changed {
            outcome.diff.push(Diff { prepared: Some(told), ..Diff::default() });
        }
        steps.outcome = outcome;
        Ok(steps.plan())
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// What `semanage fcontext -l -n` lists.
#[derive(Default)]
struct Rules {
    /// By pattern and kind: user, role, type and range.
    contexts: BTreeMap<(String, String), Vec<String>>,
    equal: BTreeMap<String, String>,
}

impl Rules {
    fn read(text: &str) -> Self {
        let mut rules = Rules::default();
        for line in text.lines() {
            let Some((rest, last)) = line.trim_end().rsplit_once(char::is_whitespace) else { continue };
            let rest = rest.trim_end();
            if let Some(target) = rest.strip_suffix(" =") {
                rules.equal.insert(target.trim().to_owned(), last.to_owned());
            } else if let Some((target, word)) =
                KINDS.iter().find_map(|(_, word)| Some((rest.strip_suffix(word)?.trim_end(), *word)))
            {
                let context = last.split(':').map(str::to_owned).collect();
                rules.contexts.insert((target.to_owned(), word.to_owned()), context);
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    const SEFCONTEXT: Entry = Entry::of::<Sefcontext>();
    const LIST: &str = "semanage fcontext -l -n";
    const OLD: &str = "/srv/a(/.*)?         all files          system_u:object_r:a_t:s0 \n/srv/a   directory  system_u:object_r:d_t:s0\n/srv/b = /home\n";

    fn host(list: &str) -> Fake {
        Fake::new().file("/sys/fs/selinux/enforce", "1").answer(LIST, 0, list)
    }

    #[test]
    fn contexts() {
        let mut host =
            host(OLD).effect("semanage fcontext -m -t b_t -f a -r s0 -s system_u /srv/a(/.*)?", 0, "", |h| {
                h.set_answer(LIST, 0, &OLD.replace("a_t", "b_t"))
            });
        let out = case(&SEFCONTEXT, json!({"path": "/srv/a(/.*)?", "setype": "b_t"}), &mut host).unwrap();
        assert_eq!(
            out.diff[0].prepared.as_deref(),
            Some(
                "# Change to semanage file context mappings\n-/srv/a(/.*)?      a      system_u:object_r:a_t:s0\n+/srv/a(/.*)?      a      system_u:object_r:b_t:s0\n"
            )
        );
        assert_eq!(out.values["serange"], "s0");
        let mut host = host.effect("semanage fcontext -d -f d /srv/a", 0, "", |h| h.set_answer(LIST, 0, ""));
        let args = json!({"target": "/srv/a", "ftype": "d", "state": "absent"});
        assert!(case(&SEFCONTEXT, args, &mut host).unwrap().changed);
    }

    #[test]
    fn substitutes() {
        let mut host = host(OLD).effect("semanage fcontext -N -m -e /root /srv/b", 0, "", |h| {
            h.set_answer(LIST, 0, "/srv/b = /root\n");
        });
        let args = json!({"target": "/srv/b", "substitute": "/root", "reload": false});
        let out = case(&SEFCONTEXT, args, &mut host).unwrap();
        assert_eq!(out.values["seuser"], serde_json::Value::Null);
        let mut host = host.effect("semanage fcontext -d -e /root /srv/b", 0, "", |h| h.set_answer(LIST, 0, ""));
        assert!(case(&SEFCONTEXT, json!({"target": "/srv/b", "state": "absent"}), &mut host).unwrap().changed);
    }
}
