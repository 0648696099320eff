//! Data cases of `dnf`, with answers recorded from dnf 4.14.

use super::Dnf;
use crate::contract::Entry;
use crate::host::fake::Fake;
use crate::host::testing::{case, run};
use serde_json::json;

const DNF: Entry = Entry::of::<Dnf>();
const QF: &str = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";
const OLD: &str = "cfhello\t\t1.0-1\tnoarch\n";
const NEW: &str = "cfhello\t\t1.1-1\tnoarch\n";

fn table(section: &str) -> String {
    format!(
        "Dependencies resolved.\n=====\n Package Architecture Version Repository Size\n=====\n{section}:\n cfhello noarch 1.1-1 local 6.2 k\n\nTransaction Summary\n=====\nOperation aborted.\n"
    )
}

fn set_rpm(host: &mut Fake, text: &'static str) {
    *host = host.clone().answer_argv(&["rpm", "-q", "--qf", QF, "cfhello"], 0, text).answer_argv(
        &["rpm", "-q", "--qf", QF, "--whatprovides", "cfhello"],
        0,
        text,
    );
}

fn host(rpm: &'static str) -> Fake {
    let mut host = Fake::new().file_mode("/usr/bin/dnf", "", 0o755);
    set_rpm(&mut host, rpm);
    host.answer_argv(&["rpm", "-q", "--qf", QF, "nosuch"], 1, "").answer_argv(
        &["rpm", "-q", "--qf", QF, "--whatprovides", "nosuch"],
        1,
        "",
    )
}

#[test]
fn installs_and_upgrades() {
    let mut fresh = host("").answer("/usr/bin/dnf --assumeno install cfhello", 1, &table("Installing")).effect(
        "/usr/bin/dnf -y install cfhello",
        0,
        "",
        |h| set_rpm(h, NEW),
    );
    let out = case(&DNF, json!({"name": "cfhello"}), &mut fresh).unwrap();
    assert_eq!((out.changed, &out.values["results"]), (true, &json!(["Installed: cfhello-1.1-1.noarch"])));
    let mut old = host(OLD).answer("/usr/bin/dnf --assumeno upgrade cfhello", 1, &table("Upgrading")).effect(
        "/usr/bin/dnf -y upgrade cfhello",
        0,
        "",
        |h| {
            h.set_answer("/usr/bin/dnf --assumeno upgrade cfhello", 0, "Dependencies resolved.\nNothing to do.\n");
        },
    );
    let out = case(&DNF, json!({"name": "cfhello", "state": "latest"}), &mut old).unwrap();
    assert_eq!(out.values["results"], json!(["Installed: cfhello-1.1-1.noarch", "Removed: cfhello-1.0-1.noarch"]));
}

#[test]
fn installed_and_absent_packages_need_no_dnf() {
    let out = case(&DNF, json!({"name": "cfhello", "state": "present"}), &mut host(OLD)).unwrap();
    assert_eq!((out.changed, &out.values["msg"]), (false, &json!("Nothing to do")));
    let out = case(&DNF, json!({"name": "nosuch", "state": "absent"}), &mut host(OLD)).unwrap();
    assert_eq!(out.values["results"], json!(["No match for argument: nosuch"]));
}

#[test]
fn unknown_package_and_missing_rights_fail() {
    let mut host = host("").answer_err(
        "/usr/bin/dnf --assumeno install nosuch",
        1,
        "No match for argument: nosuch\n",
        "Error: Unable to find a match: nosuch\n",
    );
    let failure = run(&DNF, json!({"name": "nosuch"}), &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "Failed to install some of the specified packages");
    assert_eq!(failure.values["failures"], json!(["No package nosuch available."]));
    let mut user = host.running_as(1000, 1000);
    let failure = run(&DNF, json!({"name": "nosuch"}), &mut user, false).unwrap_err();
    assert_eq!(failure.msg, "This command has to be run under the root user.");
}
