//! `package`: packages through whichever manager the host has.

use super::{Apt, Dnf, Dnf5, apt, dnf};
use crate::contract::{Arg, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, validate};
use crate::host::{Change, Observe};

pub struct Package;

pub enum Work {
    Apt(apt::Work),
    Dnf(dnf::Work),
}

impl Module for Package {
    const SPEC: ModuleSpec = ModuleSpec {
        open: true,
        diff: true,
        examples: "- name: Install what is called the same everywhere\n  ansible.builtin.package:\n    name: [git, curl]\n    state: present\n",
        differs: "Chooses by the host itself, without facts. Knows apt and dnf (also under the names yum and dnf5).",
        ..ModuleSpec::new(
            "ansible.builtin.package",
            "Manages packages with the host's own package manager.",
            &[
                Arg::str("use").default(Literal::Str("auto")).doc("`auto`, `apt`, `dnf`, `dnf5` or `yum`."),
                Arg::raw("name").doc("Names of packages."),
                Arg::str("state").doc("`present`, `latest`, `absent` or what the manager knows besides."),
            ],
        )
    };
    type Args = JsonMap;
    type Work = Work;

    fn plan(mut args: JsonMap, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let asked = args.shift_remove("use");
        let asked = asked.as_ref().and_then(Json::as_str).unwrap_or("auto");
        args.retain(|_, v| !v.is_null());
        let manager = match asked.rsplit('.').next().unwrap_or_default() {
            "auto" => found(host)?,
            name => name,
        };
        match manager {
            "apt" => Ok(match Apt::plan(parsed::<Apt>(args)?, host, call)? {
                Plan::Done(outcome) => Plan::Done(outcome),
                Plan::Work(work) => Plan::Work(Work::Apt(work)),
            }),
            "dnf" | "dnf5" | "yum" => Ok(match Dnf5::plan(parsed::<Dnf>(args)?, host, call)? {
                Plan::Done(outcome) => Plan::Done(outcome),
                Plan::Work(work) => Plan::Work(Work::Dnf(work)),
            }),
            other => {
                Err(Failure::new(format!("Could not find a matching action for the \"{other}\" package manager.")))
            }
        }
    }

    fn preview(work: &Work, call: &Call) -> Outcome {
        match work {
            Work::Apt(work) => Apt::preview(work, call),
            Work::Dnf(work) => Dnf5::preview(work, call),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        match work {
            Work::Apt(work) => Apt::apply(work, host, call),
            Work::Dnf(work) => Dnf5::apply(work, host, call),
        }
    }
}

/// The arguments as the manager's own module takes them.
fn parsed<M: Module>(args: JsonMap) -> Result<M::Args, Failure> {
    let args = validate(&M::SPEC, args)
        .map_err(|faults| Failure::new(faults.into_iter().next().map_or_else(String::new, |f| f.message)))?;
    serde_json::from_value(args.into()).map_err(|e| Failure::new(format!("{}: {e}", M::SPEC.name)))
}

/// The host's manager; where there are several, the one of its distribution.
fn found(host: &dyn Observe) -> Result<&'static str, Failure> {
    let debian = host.exists(std::path::Path::new("/etc/debian_version"));
    let order: [(&str, &[&str]); 2] = if debian {
        [("apt", &["apt-get"]), ("dnf", &["dnf", "dnf5", "yum"])]
    } else {
        [("dnf", &["dnf", "dnf5", "yum"]), ("apt", &["apt-get"])]
    };
    order
        .iter()
        .find(|(_, programs)| programs.iter().any(|p| host.which(p).is_some()))
        .map(|(name, _)| *name)
        .ok_or_else(|| {
            Failure::new(
                "Could not detect a package manager that is supported (apt, dnf). Try using the \"use\" option.",
            )
        })
}
