//! `community.general.apache2_module`: modules of Debian's and SUSE's Apache.

use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{execute, query};
use crate::host::{Change, Command, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct Apache2Module;

#[derive(Deserialize)]
pub struct Args {
    name: String,
    identifier: Option<String>,
    force: bool,
    state: String,
    ignore_configcheck: bool,
    warn_mpm_absent: bool,
}

/// A module that is to be switched, and how Apache is asked.
pub struct Work {
    args: Args,
    identifier: String,
    control: PathBuf,
    outcome: Outcome,
}

impl Module for Apache2Module {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Enable a module\n  community.general.apache2_module:\n    name: rewrite\n\n- name: Disable one that Debian enables\n  community.general.apache2_module:\n    name: autoindex\n    state: absent\n    force: true\n",
        returns: &[Return { name: "result", when: "always", doc: "What the module is now." }],
        ..ModuleSpec::new(
            "community.general.apache2_module",
            "Enables and disables modules of the Apache web server, with a2enmod and a2dismod.",
            &[
                Arg::str("name").required().doc("The module, as a2enmod names it."),
                Arg::str("identifier")
                    .doc("The module, as apache2ctl -M names it; by default NAME_module and what is known of others."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Disable modules that Debian wants."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Disabled or enabled."),
                Arg::bool("ignore_configcheck")
                    .default(Literal::Bool(false))
                    .doc("Faults of the configuration are a warning; the module then counts as disabled."),
                Arg::bool("warn_mpm_absent").default(Literal::Bool(true)).doc("Warn where no MPM is loaded."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Work>, Failure> {
        let control = ["apache2ctl", "apachectl"].iter().find_map(|name| host.which(name)).ok_or_else(|| {
            Failure::new("Neither of apache2ctl nor apachectl found. At least one apache control binary is necessary.")
        })?;
        let wanted = args.state == "present";
        if args.name == "cgi" && wanted {
            let said = query(host, &Command::new(&control).arg("-V"))?.stdout_text();
            if said.split("threaded:").skip(1).any(|rest| rest.trim_start_matches(' ').starts_with("yes")) {
                return Err(Failure::new(
                    "Your MPM seems to be threaded, therefore enabling cgi module is not allowed.",
                ));
            }
        }
        let identifier = match args.identifier.clone().filter(|i| !i.is_empty()) {
            Some(identifier) => identifier,
            None => identifier_of(&args.name),
        };
        let word = if wanted { "enabled" } else { "disabled" };
        let outcome = Outcome::unchanged().with("result", format!("Module {} {word}", args.name));
        let mut work = Work { args, identifier, control, outcome };
        if work.is_enabled(host)? == wanted {
            return Ok(Plan::Done(work.outcome));
        }
        work.outcome.changed = true;
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(mut work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let wanted = work.args.state == "present";
        let (name, word) = if wanted { ("a2enmod", "enabled") } else { ("a2dismod", "disabled") };
        let program = host.which(name).ok_or_else(|| {
            Failure::new(format!("{name} not found. Perhaps this system does not use {name} to manage apache"))
        })?;
        let force = (!wanted && work.args.force).then_some("-f");
        let out = execute(host, &Command::new(program).args(force).arg(&work.args.name))?;
        if work.is_enabled(host.observe())? == wanted {
            return Ok(work.outcome);
        }
        let (module, identifier, said) = (&work.args.name, &work.identifier, out.stdout_text());
        let msg = format!(
            "Failed to set module {module} to {word}:\n{said}\nMaybe the module identifier ({identifier}) was guessed \
             incorrectly.Consider setting the \"identifier\" option."
        );
        Err(Failure::new(msg).with("rc", out.rc).with("stdout", said).with("stderr", out.stderr_text()))
    }
}

impl Work {
    fn is_enabled(&mut self, host: &dyn Observe) -> Result<bool, Failure> {
        let out = query(host, &Command::new(&self.control).arg("-M"))?;
        if out.ok() {
            return Ok(out.stdout_text().contains(&format!(" {}", self.identifier)));
        }
        let stderr = out.stderr_text();
        let fault = format!("Error executing {}: {stderr}", self.control.display());
        if !self.args.ignore_configcheck {
            return Err(Failure::new(fault));
        }
        let no_mpm = stderr.contains("AH00534") && self.args.name.contains("mpm_");
        let warning = if no_mpm {
            "No MPM module loaded! apache2 reload AND other module actions will fail if no MPM module is loaded \
             immediately."
                .to_owned()
        } else {
            fault
        };
        if (!no_mpm || self.args.warn_mpm_absent) && !self.outcome.warnings.contains(&warning) {
            self.outcome.warnings.push(warning);
        }
        Ok(false)
    }
}

/// What Apache calls a module that a2enmod has under this name.
fn identifier_of(name: &str) -> String {
    if name.contains("shib") {
        return "mod_shib".to_owned();
    }
    if name.contains("evasive") {
        return "evasive20_module".to_owned();
    }
    let version = name.strip_prefix("php").unwrap_or_default();
    let mut digits = version.chars();
    match (digits.next(), digits.next()) {
        (Some('0'..='9' | '.'), _) if name.contains("php8") => "php_module".to_owned(),
        (Some(major @ '0'..='9'), Some('.')) => format!("php{major}_module"),
        _ => format!("{name}_module"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<Apache2Module>();
    const LIST: &str = "apache2ctl -M";

    #[test]
    fn on_and_off() {
        let loaded = "Loaded Modules:\n core_module (static)\n rewrite_module (shared)\n";
        let mut host = Fake::new()
            .answer(LIST, 0, "Loaded Modules:\n core_module (static)\n")
            .effect("a2enmod rewrite", 0, "", move |h| h.set_answer(LIST, 0, loaded))
            .effect("a2dismod -f rewrite", 0, "", |h| h.set_answer(LIST, 0, "Loaded Modules:\n"));
        let out = case(&MODULE, json!({"name": "rewrite"}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["result"]), (true, &json!("Module rewrite enabled")));
        let out = case(&MODULE, json!({"name": "rewrite", "state": "absent", "force": true}), &mut host).unwrap();
        assert_eq!((out.changed, &out.values["result"]), (true, &json!("Module rewrite disabled")));
    }

    #[test]
    fn names_of_apache() {
        for (name, identifier) in [
            ("rewrite", "rewrite_module"),
            ("shib2", "mod_shib"),
            ("evasive", "evasive20_module"),
            ("php7.4", "php7_module"),
            ("php8.2", "php_module"),
            ("php5", "php5_module"),
        ] {
            assert_eq!(identifier_of(name), identifier);
        }
    }

    #[test]
    fn what_cannot_be() {
        let mut host = Fake::new().answer(LIST, 0, "").answer("a2enmod x", 1, "no such module\n");
        let failure = run(&MODULE, json!({"name": "x"}), &mut host, false).unwrap_err();
        assert_eq!(
            failure.msg,
            "Failed to set module x to enabled:\nno such module\n\nMaybe the module identifier (x_module) was guessed \
             incorrectly.Consider setting the \"identifier\" option."
        );
        let mut host = Fake::new().answer("apache2ctl -V", 0, "Server MPM: event\n  threaded:     yes (fixed)\n");
        let failure = run(&MODULE, json!({"name": "cgi"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Your MPM seems to be threaded, therefore enabling cgi module is not allowed.");
    }

    #[test]
    fn no_mpm_is_a_warning() {
        let mut host = Fake::new().answer_err(LIST, 1, "", "AH00534: no MPM\n").answer("a2dismod mpm_event", 0, "");
        let args = json!({"name": "mpm_event", "state": "absent", "ignore_configcheck": true});
        let out = case(&MODULE, args, &mut host).unwrap();
        assert!(!out.changed && out.warnings[0].starts_with("No MPM module loaded!"));
        let failure = run(&MODULE, json!({"name": "mpm_event"}), &mut host, false).unwrap_err();
        assert_eq!(failure.msg, "Error executing /usr/bin/apache2ctl: AH00534: no MPM\n");
    }
}
