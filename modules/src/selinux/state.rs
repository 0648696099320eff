//! `ansible.posix.selinux`: whether SELinux is on, and with which policy.

use super::shared::{is_enabled, is_enforcing, policy, setting};
use crate::contract::{Arg, Call, Failure, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::steps::{Step, Steps, query, required};
use crate::host::{Change, Command, FileKind, Observe};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct Selinux;

#[derive(Deserialize)]
pub struct Args {
    policy: Option<String>,
    state: String,
    configfile: String,
    update_kernel_param: bool,
}

impl Module for Selinux {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: Enforce\n  ansible.posix.selinux:\n    policy: targeted\n    state: enforcing\n\n- name: Off from the next start on\n  ansible.posix.selinux:\n    state: disabled\n",
        returns: &[
            Return { name: "msg", when: "always", doc: "What was changed." },
            Return { name: "configfile", when: "always", doc: "The configuration file." },
            Return { name: "policy", when: "always", doc: "The policy." },
            Return { name: "state", when: "always", doc: "The state." },
            Return { name: "reboot_required", when: "always", doc: "Whether it takes a restart." },
        ],
        differs: "Needs no Python bindings.",
        ..ModuleSpec::new(
            "ansible.posix.selinux",
            "Whether SELinux is on, and with which policy.",
            &[
                Arg::str("policy").doc("The policy; needed unless the state is `disabled`."),
                Arg::str("state")
                    .required()
                    .choices(&["enforcing", "permissive", "disabled"])
                    .doc("Enforce, only log, or off."),
                Arg::str("configfile")
                    .default(Literal::Str("/etc/selinux/config"))
                    .aliases(&["conf", "file"])
                    .doc("The configuration file."),
                Arg::bool("update_kernel_param")
                    .default(Literal::Bool(false))
                    .doc("Change the kernel's command line with grubby, too."),
            ],
        )
    };
    type Args = Args;
    type Work = Steps;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Steps>, Failure> {
        let file = PathBuf::from(&args.configfile);
        if host.stat(&file).map_or(true, |s| s.kind != FileKind::File) {
            return Err(Failure::new(format!("Unable to find file {}", args.configfile)).with(
                "details",
                "Please install SELinux-policy package, if this package is not installed previously.",
            ));
        }
        let state = args.state.as_str();
        let (enabled, running_policy) = (is_enabled(host), policy(host));
        let running = match (enabled, enabled && is_enforcing(host)) {
            (false, _) => "disabled",
            (true, true) => "enforcing",
            (true, false) => "permissive",
        };
        let mut text =
            host.read_text(&file).map_err(|e| Failure::io(format!("cannot read {}", args.configfile), &e))?;
        let before = text.clone();
        let (set_policy, set_state) = (setting(&text, "SELINUXTYPE"), setting(&text, "SELINUX"));
        let kernel = if args.update_kernel_param { Some(Kernel::of(host)?) } else { None };
        let wanted = match args.policy.filter(|p| !p.is_empty()) {
            Some(policy) => Some(policy),
            None if state == "disabled" => set_policy.clone(),
            None => return Err(Failure::new("Policy is required if state is not 'disabled'")),
        };
        let (mut steps, mut messages, mut changed) = (Steps::default(), Vec::new(), false);
        let (mut warnings, mut reboot) = (Vec::new(), false);
        let name = wanted.clone().unwrap_or_default();
        let shown = |set: &Option<String>| set.clone().unwrap_or_else(|| "None".to_owned());
        let policy_changes = wanted.as_deref() != Some(running_policy.as_str()) || wanted != set_policy;
        if wanted.as_deref() != Some(running_policy.as_str()) {
            messages.push(format!("Running SELinux policy changed from '{running_policy}' to '{name}'"));
        }
        if wanted != set_policy {
            if !call.check && !host.exists(Path::new(&format!("/etc/selinux/{name}/policy"))) {
                return Err(Failure::new(format!("Policy {name} does not exist in /etc/selinux/")));
            }
            text = with_setting(&text, "SELINUXTYPE", &name);
            messages.push(format!(
                "SELinux policy configuration in '{}' changed from '{}' to '{name}'",
                args.configfile,
                shown(&set_policy)
            ));
        }
        changed |= policy_changes;
        let enforce = |steps: &mut Steps, on: &str| {
            steps.run(Command::new(required(host, "setenforce")?).arg(on));
            Ok::<(), Failure>(())
        };
        if state != running {
            match (enabled, state) {
                (false, _) => {
                    warnings.push(format!("Reboot is required to set SELinux state to '{state}'"));
                    reboot = true;
                }
                (true, "disabled") => {
                    if running == "permissive" {
                        warnings.push("SELinux state change will take effect next reboot".to_owned());
                    } else {
                        enforce(&mut steps, "0")?;
                        warnings.push(format!("SELinux state temporarily changed from '{running}' to 'permissive'. State change will take effect next reboot."));
                        changed = true;
                    }
                    reboot = true;
                }
                (true, _) => {
                    enforce(&mut steps, if state == "enforcing" { "1" } else { "0" })?;
                    messages.push(format!("SELinux state changed from '{running}' to '{state}'"));
                    changed = true;
                }
            }
        }
        if set_state.as_deref() != Some(state) {
            text = with_setting(&text, "SELINUX", state);
            messages.push(format!("Config SELinux state changed from '{}' to '{state}'", shown(&set_state)));
            changed = true;
        }
        if text != before {
            steps.write(&file, text, None);
        }
        if let Some(kernel) = kernel
            && kernel.enabled != Some(state != "disabled")
        {
            messages.push(kernel.change(&mut steps, state != "disabled"));
            changed = true;
        }
        let mut outcome = Outcome::changed(changed);
        // Check mode of the reference ends where the policy would change.
        if !(call.check && policy_changes) {
            outcome = outcome
                .with("msg", messages.join(", "))
                .with("configfile", args.configfile.as_str())
                .with("policy", wanted)
                .with("state", state)
                .with("reboot_required", reboot);
            outcome.warnings = warnings;
        }
        steps.outcome = outcome;
        Ok(if steps.steps.is_empty() { Plan::Done(steps.outcome) } else { Plan::Work(steps) })
    }

    fn preview(work: &Steps, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Steps, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        work.apply(host)
    }
}

/// The file with `NAME=value` in place of each such line, or behind the last.
fn with_setting(text: &str, name: &str, value: &str) -> String {
    let mut found = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')) {
            found = true;
            out.push_str(&format!("{name}={value}"));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    if !found {
        out.push_str(&format!("{name}={value}\n"));
    }
    out
}

/// What the kernels' command lines say.
struct Kernel {
    grubby: PathBuf,
    /// None where they differ.
    enabled: Option<bool>,
}

impl Kernel {
    fn of(host: &dyn Observe) -> Result<Self, Failure> {
        let Some(grubby) = host.which("grubby") else {
            return Err(Failure::new("'grubby' command not found on host").with("details", "In order to update the kernel command lineenabled/disabled setting, the grubby packageneeds to be present on the system."));
        };
        let out = query(host, &Command::new(&grubby).arg("--info=ALL"))?;
        if !out.ok() {
            return Err(Failure::new("unable to run grubby"));
        }
        let text = out.stdout_text();
        let lines = text.lines().filter_map(|l| l.strip_prefix("args=\"")?.strip_suffix('"'));
        let off: Vec<bool> = lines.map(|args| args.split(' ').any(|a| a == "selinux=0")).collect();
        let enabled = match (off.contains(&true), off.contains(&false)) {
            (true, false) => Some(false),
            (false, true) => Some(true),
            _ => None,
        };
        Ok(Kernel { grubby, enabled })
    }

    fn change(&self, steps: &mut Steps, on: bool) -> String {
        let verb = if on { "--remove-args" } else { "--args" };
        let command = Command::new(&self.grubby).args(["--update-kernel=ALL", verb, "selinux=0"]);
        let failed = if on {
            "unable to remove selinux=0 from kernel config"
        } else {
            "unable to add selinux=0 to kernel config"
        };
        steps.steps.push(Step::Run { command, failed: failed.to_owned() });
        let word = |on: bool| if on { "enabled" } else { "disabled" };
        let before = if self.enabled.is_none() { "<inconsistent>" } else { word(!on) };
        format!("Kernel SELinux state changed from '{before}' to '{}'", word(on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const SELINUX: Entry = Entry::of::<Selinux>();
    const CONFIG: &str = "/etc/selinux/config";
    const ON: &str = "/sys/fs/selinux/enforce";

    fn host(config: &str) -> Fake {
        Fake::new().file(CONFIG, config).file("/etc/selinux/mls/policy/x", "")
    }

    #[test]
    fn states() {
        let mut host =
            host("# c\nSELINUX=enforcing\nSELINUXTYPE=targeted\n")
                .file(ON, "1")
                .effect("setenforce 0", 0, "", |h| h.set_file(ON, "0", 0o644));
        let out = case(&SELINUX, json!({"policy": "targeted", "state": "permissive"}), &mut host).unwrap();
        assert_eq!(
            out.values["msg"],
            "SELinux state changed from 'enforcing' to 'permissive', Config SELinux state changed from 'enforcing' to 'permissive'"
        );
        assert_eq!(host.text(CONFIG), "# c\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
        let out = case(&SELINUX, json!({"state": "disabled"}), &mut host).unwrap();
        assert_eq!(
            (&out.values["policy"], &out.values["reboot_required"], out.warnings.len()),
            (&json!("targeted"), &json!(true), 1)
        );
    }

    #[test]
    fn another_policy_and_the_kernel() {
        let mut host = host("SELINUX=enforcing\n")
            .answer("grubby --info=ALL", 0, "args=\"ro quiet selinux=0\"\n")
            .effect("grubby --update-kernel=ALL --remove-args selinux=0", 0, "", |h| {
                h.set_answer("grubby --info=ALL", 0, "args=\"ro quiet\"\n");
            });
        let args = json!({"policy": "mls", "state": "enforcing", "update_kernel_param": true});
        let out = case(&SELINUX, args, &mut host).unwrap();
        assert_eq!(
            out.values["msg"],
            "Running SELinux policy changed from 'targeted' to 'mls', SELinux policy configuration in '/etc/selinux/config' changed from 'None' to 'mls', Kernel SELinux state changed from 'disabled' to 'enabled'"
        );
        assert_eq!(host.text(CONFIG), "SELINUX=enforcing\nSELINUXTYPE=mls\n");
    }

    #[test]
    fn refusals() {
        let failed = |args, mut host| run(&SELINUX, args, &mut host, false).unwrap_err().msg;
        let enforcing = json!({"state": "enforcing"});
        assert_eq!(failed(enforcing.clone(), host("")), "Policy is required if state is not 'disabled'");
        assert_eq!(failed(enforcing, Fake::new()), "Unable to find file /etc/selinux/config");
        let args = json!({"state": "enforcing", "policy": "none"});
        assert_eq!(failed(args, host("")), "Policy none does not exist in /etc/selinux/");
    }
}
