//! `community.general.locale_gen`: locales of Debian and Ubuntu.

use crate::contract::{Arg, ArgType, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Steps, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::Path;

pub struct LocaleGen;

#[derive(Deserialize)]
pub struct Args {
    name: Vec<String>,
    state: String,
}

pub struct Work {
    args: Args,
    steps: Steps,
}

const LIST: &str = "/etc/locale.gen";
const LEGACY: &str = "/var/lib/locales/supported.d";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

/// Character sets as `locale -a` has them, and as `locale.gen` has them.
const CHARSETS: [(&str, &str); 10] = [
    (".utf8", ".UTF-8"),
    (".eucjp", ".EUC-JP"),
    (".iso885915", ".ISO-8859-15"),
    (".cp1251", ".CP1251"),
    (".koi8r", ".KOI8-R"),
    (".armscii8", ".ARMSCII-8"),
    (".euckr", ".EUC-KR"),
    (".gbk", ".GBK"),
    (".gb18030", ".GB18030"),
    (".euctw", ".EUC-TW"),
];

impl Module for LocaleGen {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Speak British and Dutch\n  community.general.locale_gen:\n    name:\n      - en_GB.UTF-8\n      - nl_NL.UTF-8\n",
        returns: &[
            Return { name: "name", when: "always", doc: "The locales." },
            Return { name: "mechanism", when: "always", doc: "How the host makes locales: `glibc`." },
        ],
        differs: "Hosts without /etc/locale.gen are refused; check mode tells of the change.",
        ..ModuleSpec::new(
            "community.general.locale_gen",
            "Makes and removes locales of Debian and Ubuntu.",
            &[
                Arg::list("name", ArgType::Str).required().doc("Names with encoding, as `en_GB.UTF-8`."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether they are there."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let Ok(text) = host.read_text(Path::new(LIST)) else {
            return Err(Failure::new(if host.exists(Path::new(LEGACY)) {
                format!("locales in {LEGACY} are not supported")
            } else {
                format!("{LEGACY} and {LIST} are missing. Is the package \"locales\" installed?")
            }));
        };
        let supported = host.read_text(Path::new(SUPPORTED)).map_err(|e| Failure::io(SUPPORTED, &e))?;
        let available: Vec<&str> = supported.lines().filter_map(available).collect();
        let listed = |name: &String| available.contains(&name.as_str());
        let unlisted = missing(args.name.iter().filter(|n| !listed(n)), host)?;
        if !unlisted.is_empty() {
            let names = unlisted.join(", ");
            let msg = format!("The following locales you have entered are not available on your system: {names}");
            let failure = Failure::new(msg).with("name", args.name).with("mechanism", "glibc");
            return Err(failure.with("ubuntu_mode", false));
        }
        let is_present = missing(args.name.iter(), host)?.is_empty();
        let wanted = args.state == "present";
        let changed = is_present != wanted;
        let outcome = Outcome::changed(changed)
            .with("name", args.name.clone())
            .with("mechanism", "glibc")
            .with("ubuntu_mode", false);
        let mut steps = Steps::new(outcome);
        if !changed {
            return Ok(Plan::Done(steps.outcome));
        }
        let lines = text.split_inclusive('\n');
        steps.write(LIST, lines.map(|l| marked(l, &args.name, wanted)).collect::<String>(), None);
        steps.run(Command::new(required(host, "locale-gen")?).env("LANGUAGE", "C").env("LC_ALL", "C"));
        Ok(Plan::Work(Work { args, steps }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.steps.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let mut outcome = work.steps.apply(host)?;
        let is_present = missing(work.args.name.iter(), host.observe())?.is_empty();
        outcome.changed = is_present == (work.args.state == "present");
        Ok(outcome)
    }
}

/// The locale of a line `[#] LOCALE CHARSET`.
fn available(line: &str) -> Option<&str> {
    let line = line.trim();
    let (locale, charset) = line.strip_prefix('#').unwrap_or(line).trim_start().split_once(' ')?;
    (!charset.contains(char::is_whitespace)).then_some(locale)
}

fn normal(name: &str) -> String {
    CHARSETS.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

/// Those of the names that the host has no locale for.
fn missing<'a>(names: impl Iterator<Item = &'a String>, host: &dyn Observe) -> Result<Vec<String>, Failure> {
    let command = Command::new(required(host, "locale")?).arg("-a").env("LANGUAGE", "C").env("LC_ALL", "C");
    let out = query(host, &command)?;
    if !out.ok() {
        return Err(failed_command(&command, &out, ""));
    }
    let there: Vec<String> = out.stdout_text().lines().map(normal).collect();
    Ok(names.filter(|name| !there.contains(&normal(name))).cloned().collect())
}

/// The line with the comment sign set or gone, if it is one of these locales'.
fn marked(line: &str, names: &[String], wanted: bool) -> String {
    let rest = line.strip_prefix('#').unwrap_or(line).trim_start();
    match rest.split_once(' ') {
        Some((name, charset)) if names.iter().any(|n| n == name) && !charset.trim().is_empty() => {
            format!("{}{name} {charset}", if wanted { "" } else { "# " })
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const LOCALE_GEN: Entry = Entry::of::<LocaleGen>();

    fn host() -> Fake {
        Fake::new()
            .file(SUPPORTED, "nl_NL.UTF-8 UTF-8\nnl_NL ISO-8859-1\nde_CH.UTF-8 UTF-8\n")
            .file(LIST, "# Comment of words\n# nl_NL.UTF-8 UTF-8\n# nl_NL ISO-8859-1\nde_CH.UTF-8 UTF-8\n")
            .answer("locale -a", 0, "C\nC.utf8\nPOSIX\nde_CH.utf8\n")
            .effect("locale-gen", 0, "", |h| {
                let text = h.text(LIST);
                let made: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
                let names: Vec<String> = made.iter().map(|l| l.replace(".UTF-8 UTF-8", ".utf8\n")).collect();
                h.set_answer("locale -a", 0, &format!("C\nC.utf8\n{}", names.concat()));
            })
    }

    #[test]
    fn makes_and_removes() {
        let mut host = host();
        let out = case(&LOCALE_GEN, json!({"name": ["nl_NL.UTF-8", "C.UTF-8"]}), &mut host).unwrap();
        assert!(out.changed && out.values["mechanism"] == "glibc");
        let expected = "# Comment of words\nnl_NL.UTF-8 UTF-8\n# nl_NL ISO-8859-1\nde_CH.UTF-8 UTF-8\n";
        assert_eq!(host.text(LIST), expected);
        let args = json!({"name": "de_CH.UTF-8", "state": "absent"});
        assert!(case(&LOCALE_GEN, args, &mut host).unwrap().changed);
        assert_eq!(host.text(LIST), expected.replace("de_CH", "# de_CH"));
    }

    #[test]
    fn unknown_locales_are_refused() {
        let failure = run(&LOCALE_GEN, json!({"name": ["xx.UTF-8", "yy"]}), &mut host(), false).unwrap_err();
        assert!(failure.msg.ends_with("not available on your system: xx.UTF-8, yy"), "{}", failure.msg);
        let failure = run(&LOCALE_GEN, json!({"name": "xx"}), &mut Fake::new(), false).unwrap_err();
        assert!(failure.msg.ends_with("Is the package \"locales\" installed?"));
    }
}
