//! `community.general.zypper_repository`: repositories of zypper.

use crate::contract::{
    Arg, Call, CheckMode, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::facts::ini;
use crate::host::steps::{Step, Steps, execute, failed_command, query, required};
use crate::host::{Change, Command, Observe};
use crate::network::http::download;
use serde::Deserialize;
use std::path::Path;

pub struct ZypperRepository;

#[derive(Deserialize)]
pub struct Args {
    name: Option<String>,
    repo: Option<String>,
    state: String,
    runrefresh: bool,
    description: Option<String>,
    disable_gpg_check: bool,
    autorefresh: bool,
    priority: Option<i64>,
    enabled: bool,
    overwrite_multiple: bool,
    auto_import_keys: bool,
}

pub struct Work {
    before: Steps,
    /// What decides: its failure is told with the repository.
    last: Option<Command>,
    after: Vec<Command>,
}

const fn flag(name: &'static str, default: bool) -> Arg {
    Arg::bool(name).default(Literal::Bool(default))
}

impl Module for ZypperRepository {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        rules: &[Rule::RequiredOneOf(&["state", "runrefresh"])],
        examples: "- name: A repository\n  community.general.zypper_repository:\n    name: tools\n    repo: https://example.org/tools/\n    auto_import_keys: true\n\n- name: Read all of them\n  community.general.zypper_repository:\n    repo: '*'\n    runrefresh: true\n",
        returns: &[Return { name: "repodata", when: "but for `*`", doc: "What the repository is to be." }],
        ..ModuleSpec::new(
            "community.general.zypper_repository",
            "Repositories of zypper.",
            &[
                Arg::str("name").doc("Its short name; not with a .repo file."),
                Arg::str("repo").doc("Its address, or the address or path of a .repo file; `*` for all."),
                Arg::str("state")
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("There or gone."),
                flag("runrefresh", false).doc("Read it anew."),
                Arg::str("description").doc("Words about it."),
                flag("disable_gpg_check", false).doc("Without checks of signatures."),
                flag("autorefresh", true).aliases(&["refresh"]).doc("zypper reads it anew by itself."),
                Arg::int("priority").doc("The less, the more it counts."),
                flag("enabled", true).doc("In use."),
                flag("overwrite_multiple", false).doc("Replace several with that name or address."),
                flag("auto_import_keys", false).doc("Trust its keys."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let zypper = Command::new(required(host, "zypper")?).args(["--quiet", "--non-interactive"]);
        let star = |text: &Option<String>| text.as_deref() == Some("*");
        if star(&args.repo) || star(&args.name) {
            if !args.runrefresh {
                return Err(Failure::new("repo=* can only be used with the runrefresh option."));
            }
            let mut steps = Steps::new(Outcome::unchanged().with("runrefresh", true));
            steps.run(refresh(&zypper, args.auto_import_keys, None));
            return Ok(Plan::Work(Work { before: steps, last: None, after: Vec::new() }));
        }
        check(&args)?;
        let mut wanted = Repository::of(&args);
        let mut import = args.auto_import_keys;
        if let Some(file) = args.repo.as_deref().filter(|r| r.ends_with(".repo")) {
            import |= wanted.read(file, host, call)?;
        }
        let is_there = args.state == "present";
        let version = version(&zypper, host)?;
        let (there, differs) = existing(&wanted, &args, &zypper, host)?;
        let shown = wanted.alias.clone().or_else(|| args.repo.clone()).unwrap_or_default();
        let outcome = Outcome::unchanged().with("repodata", wanted.shown()).with("state", args.state.clone());
        let mut work = Work { before: Steps::new(outcome), last: None, after: Vec::new() };
        if is_there {
            let is_done = !there.is_empty() && !differs;
            if args.runrefresh || import && !is_done {
                work.after.push(refresh(&zypper, import, Some(&shown)));
            }
            if !is_done {
                for url in there {
                    work.before.run(zypper.clone().args(["removerepo", &url]));
                }
                work.last = Some(add(&wanted, &zypper, &version, &mut work.before.outcome));
            }
        } else if !there.is_empty() {
            let command = zypper.args(["removerepo", &shown]);
            work.before.steps.push(Step::Run { command, failed: String::new() });
        }
        work.before.outcome.changed = work.last.is_some() || !work.before.steps.is_empty();
        if !work.before.outcome.changed && work.after.is_empty() {
            return Ok(Plan::Done(work.before.outcome));
        }
        Ok(Plan::Work(work))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.before.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let outcome = work.before.apply(host)?;
        if let Some(command) = work.last {
            let out = execute(host, &command)?;
            if !out.ok() {
                let mut failure = failed_command(&command, &out, &format!("Zypper failed with rc {}", out.rc));
                failure.values.shift_remove("cmd");
                failure.values.extend(outcome.values);
                return Err(failure);
            }
        }
        let mut after = Steps::new(outcome);
        after.steps.extend(work.after.into_iter().map(|command| Step::Run { command, failed: String::new() }));
        after.apply(host)
    }
}

fn check(args: &Args) -> Result<(), Failure> {
    let given = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
    let is_there = args.state == "present";
    let is_file = args.repo.as_ref().is_some_and(|r| r.ends_with(".repo"));
    let fault = if is_there && !given(&args.repo) {
        "Module option state=present requires repo"
    } else if !given(&args.repo) && !given(&args.name) {
        "Alias or repo parameter required when state=absent"
    } else if is_file && given(&args.name) {
        "Incompatible option: 'name'. Do not use name when adding .repo files"
    } else if !is_file && is_there && !given(&args.name) {
        "Name required when adding non-repo files."
    } else {
        return Ok(());
    };
    Err(Failure::new(fault))
}

/// A repository as it is to be; yes and no as zypper writes them.
struct Repository {
    url: Option<String>,
    alias: Option<String>,
    name: Option<String>,
    priority: Option<i64>,
    enabled: String,
    gpgcheck: String,
    autorefresh: String,
}

impl Repository {
    fn of(args: &Args) -> Self {
        let digit = |on: bool| if on { "1" } else { "0" }.to_owned();
        Repository {
            url: args.repo.clone(),
            alias: args.name.clone(),
            name: args.description.clone(),
            priority: args.priority,
            enabled: digit(args.enabled),
            gpgcheck: digit(!args.disable_gpg_check),
            autorefresh: digit(args.autorefresh),
        }
    }

    /// Takes what a .repo file says, and tells whether it names a key.
    fn read(&mut self, file: &str, host: &dyn Observe, call: &Call) -> Result<bool, Failure> {
        let text = if file.starts_with("http://") || file.starts_with("https://") {
            let bytes = download(host, call, file)
                .map_err(|_| Failure::new("Error downloading .repo file from provided URL"))?;
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            host.read_text(Path::new(file)).map_err(|_| Failure::new("Error opening .repo file from provided path"))?
        };
        let sections = ini::parse(&text).map_err(|_| Failure::new("Invalid format, .repo file could not be parsed"))?;
        let mut sections = sections.into_iter();
        let (Some((section, Json::Object(options))), None) = (sections.next(), sections.next()) else {
            let count = ini::parse(&text).map_or(0, |s| s.len());
            let msg = format!("Invalid format, .repo file contains {count} repositories, expected 1");
            return Err(Failure::new(msg));
        };
        let option = |name: &str| options.get(name).and_then(Json::as_str).map(str::to_owned);
        self.url = Some(option("baseurl").ok_or_else(|| Failure::new("No baseurl found in .repo file"))?);
        self.alias = Some(section);
        self.name = option("name").or_else(|| self.name.take());
        for (place, name) in
            [(&mut self.enabled, "enabled"), (&mut self.autorefresh, "autorefresh"), (&mut self.gpgcheck, "gpgcheck")]
        {
            if let Some(value) = option(name) {
                *place = value;
            }
        }
        Ok(options.contains_key("gpgkey"))
    }

    fn shown(&self) -> JsonMap {
        JsonMap::from_iter([
            ("url".to_owned(), self.url.clone().into()),
            ("alias".to_owned(), self.alias.clone().into()),
            ("name".to_owned(), self.name.clone().into()),
            ("priority".to_owned(), self.priority.into()),
            ("enabled".to_owned(), self.enabled.clone().into()),
            ("gpgcheck".to_owned(), self.gpgcheck.clone().into()),
            ("autorefresh".to_owned(), self.autorefresh.clone().into()),
        ])
    }

    /// Whether a repository that is there is another than this.
    fn differs_from(&self, there: &JsonMap, host: &dyn Observe) -> Result<bool, Failure> {
        for (key, value) in self.shown() {
            let mut wanted = python_text(&value);
            if value.is_null() || value == 0 || wanted.is_empty() {
                continue;
            }
            let mut is = there.get(&key).map(python_text).unwrap_or_default();
            if key == "url" {
                for (variable, query) in [("$releasever", "%{version}"), ("$basearch", "%{arch}")] {
                    if wanted.contains(variable) || is.contains(variable) {
                        let text = ask_rpm(query, host)?;
                        wanted = wanted.replace(variable, &text);
                        is = is.replace(variable, &text);
                    }
                }
                wanted.truncate(wanted.trim_end_matches('/').len());
                is.truncate(is.trim_end_matches('/').len());
            }
            if wanted != is {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn ask_rpm(format: &str, host: &dyn Observe) -> Result<String, Failure> {
    let command = Command::new("rpm").args(["-q", "--qf", format, "-f", "/etc/os-release"]);
    let out = query(host, &command)?;
    if out.ok() { Ok(out.stdout_text()) } else { Err(failed_command(&command, &out, "")) }
}

/// The addresses of those there with this name or address, and whether they differ.
fn existing(
    wanted: &Repository,
    args: &Args,
    zypper: &Command,
    host: &dyn Observe,
) -> Result<(Vec<String>, bool), Failure> {
    let all = repositories(zypper, host)?;
    let mut found: Vec<&JsonMap> = Vec::new();
    for (key, value) in [("alias", &wanted.alias), ("url", &wanted.url)] {
        let Some(value) = value else { continue };
        for repository in all.iter().filter(|r| r.get(key).and_then(Json::as_str) == Some(value)) {
            if !found.contains(&repository) {
                found.push(repository);
            }
        }
    }
    let differs = match found.as_slice() {
        [] => false,
        [one] => wanted.differs_from(one, host)?,
        _ if args.overwrite_multiple => true,
        _ => {
            let list: Json = found.iter().map(|r| Json::from((*r).clone())).collect();
            let url = wanted.url.clone().unwrap_or_else(|| "None".to_owned());
            return Err(Failure::new(format!(
                "More than one repo matched \"{url}\": \"{}\". Use overwrite_multiple to allow more than one repo to be \
                 overwritten",
                python_text(&list)
            )));
        }
    };
    let url = |r: &&JsonMap| r.get("url").and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok((found.iter().map(url).collect(), differs))
}

/// What zypper knows of its repositories.
fn repositories(zypper: &Command, host: &dyn Observe) -> Result<Vec<JsonMap>, Failure> {
    let command = zypper.clone().args(["--xmlout", "repos"]);
    let out = query(host, &command)?;
    if out.rc == 6 {
        return Ok(Vec::new());
    }
    let failed = |msg: String| {
        let mut failure = failed_command(&command, &out, &msg);
        failure.values.shift_remove("cmd");
        failure
    };
    if !out.ok() {
        return Err(failed(format!("Failed to execute \"{}\"", command.display())));
    }
    let text = out.stdout_text();
    let document =
        roxmltree::Document::parse(&text).map_err(|e| failed(format!("Failed to parse zypper xml output: {e}")))?;
    let one = |node: roxmltree::Node| {
        let attribute = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
        let mut map = JsonMap::new();
        for name in ["alias", "name", "priority", "enabled", "autorefresh", "gpgcheck"] {
            map.insert(name.to_owned(), attribute(name).into());
        }
        let url = node.descendants().find(|n| n.has_tag_name("url")).and_then(|n| n.text());
        map.insert("url".to_owned(), url.map_or_else(|| attribute("metalink"), str::to_owned).into());
        map
    };
    Ok(document.descendants().filter(|n| n.has_tag_name("repo")).map(one).collect())
}

/// The numbers of zypper's version.
fn version(zypper: &Command, host: &dyn Observe) -> Result<Vec<u64>, Failure> {
    let out = query(host, &Command::new(&zypper.program).arg("--version"))?;
    let text = out.stdout_text();
    let version = text.strip_prefix("zypper ").filter(|_| out.ok()).unwrap_or("1.0");
    Ok(version.trim().split('.').map_while(|n| n.parse().ok()).collect())
}

fn add(wanted: &Repository, zypper: &Command, version: &[u64], outcome: &mut Outcome) -> Command {
    let mut command = zypper.clone().args(["addrepo", "--check"]);
    if let Some(name) = wanted.name.as_ref().filter(|n| !n.is_empty()) {
        command = command.args(["--name", name]);
    }
    if let Some(priority) = wanted.priority.filter(|p| *p != 0) {
        if version >= &[1, 12, 25] {
            command = command.args(["--priority", &priority.to_string()]);
        } else {
            let warning = "Setting priority only available for zypper >= 1.12.25. Ignoring priority argument.";
            outcome.warnings.push(warning.to_owned());
        }
    }
    if wanted.enabled == "0" {
        command = command.arg("--disable");
    }
    if version >= &[1, 6, 2] {
        command = command.arg(if wanted.gpgcheck == "1" { "--gpgcheck" } else { "--no-gpgcheck" });
    } else {
        let warning = "Enabling/disabling gpgcheck only available for zypper >= 1.6.2. Using zypper default value.";
        outcome.warnings.push(warning.to_owned());
    }
    if wanted.autorefresh == "1" {
        command = command.arg("--refresh");
    }
    let url = wanted.url.clone().unwrap_or_default();
    let alias = wanted.alias.clone().filter(|_| !url.ends_with(".repo"));
    command.arg(url).args(alias)
}

fn refresh(zypper: &Command, import: bool, repository: Option<&str>) -> Command {
    let command = zypper.clone().args(import.then_some("--gpg-auto-import-keys")).args(["refresh", "--force"]);
    match repository {
        Some(name) => command.args(["-r", name]),
        None => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const MODULE: Entry = Entry::of::<ZypperRepository>();
    const LIST: &str = "zypper --quiet --non-interactive --xmlout repos";

    fn listed(autorefresh: u8) -> String {
        format!(
            "<?xml version='1.0'?>\n<stream>\n<repo-list>\n<repo alias=\"tools\" name=\"tools\" priority=\"99\" \
             enabled=\"1\" autorefresh=\"{autorefresh}\" gpgcheck=\"1\">\n<url>http://e.org/$basearch/t</url>\n</repo>\n\
             </repo-list>\n</stream>\n"
        )
    }

    fn host() -> Fake {
        Fake::new().answer("zypper --version", 0, "zypper 1.14.42\n").answer(LIST, 6, "").answer(
            "rpm -q --qf %{arch} -f /etc/os-release",
            0,
            "x86_64",
        )
    }

    #[test]
    fn there_changed_and_gone() {
        let add = "zypper --quiet --non-interactive addrepo --check --gpgcheck";
        let mut host = host()
            .effect(&format!("{add} --refresh http://e.org/x86_64/t/ tools"), 0, "", |h| {
                h.set_answer(LIST, 0, &listed(1));
            })
            .effect(&format!("{add} http://e.org/x86_64/t tools"), 0, "", |h| h.set_answer(LIST, 0, &listed(0)))
            .effect("zypper --quiet --non-interactive removerepo http://e.org/$basearch/t", 0, "", |_| {})
            .effect("zypper --quiet --non-interactive removerepo tools", 0, "", |h| h.set_answer(LIST, 6, ""))
            .effect("zypper --quiet --non-interactive --gpg-auto-import-keys refresh --force -r tools", 0, "", |_| {});
        let out = case(&MODULE, json!({"name": "tools", "repo": "http://e.org/x86_64/t/"}), &mut host).unwrap();
        let data = json!({"url": "http://e.org/x86_64/t/", "alias": "tools", "name": null, "priority": null, "enabled": "1",
            "gpgcheck": "1", "autorefresh": "1"});
        assert_eq!((out.changed, &out.values["repodata"]), (true, &data));
        let args =
            json!({"name": "tools", "repo": "http://e.org/x86_64/t", "autorefresh": false, "auto_import_keys": true});
        assert!(case(&MODULE, args, &mut host).unwrap().changed);
        assert_eq!(host.executed().len(), 4);
        assert!(case(&MODULE, json!({"name": "tools", "state": "absent"}), &mut host).unwrap().changed);
    }

    #[test]
    fn a_file_that_tells_of_it() {
        let file = "[tools]\nname=Tools\nbaseurl=http://e.org/t\nenabled=0\ngpgkey=http://e.org/k\n";
        let mut host = host()
            .file("/t.repo", file)
            .effect(
                "zypper --quiet --non-interactive addrepo --check --name Tools --disable --gpgcheck --refresh http://e.org/t tools",
                0,
                "",
                |_| {},
            )
            .effect("zypper --quiet --non-interactive --gpg-auto-import-keys refresh --force -r tools", 0, "", |_| {});
        assert!(run(&MODULE, json!({"repo": "/t.repo"}), &mut host, false).unwrap().changed);
        assert_eq!(host.executed().len(), 2);
    }

    #[test]
    fn what_cannot_be() {
        let twice = listed(1).replace("</repo-list>", "<repo alias=\"b\"><url>http://e.org/b</url></repo></repo-list>");
        let mut host = host().answer(LIST, 0, &twice).file("/a.repo", "[a]\n[b]\n").answer_err(
            "zypper --quiet --non-interactive addrepo ...",
            4,
            "",
            "no\n",
        );
        for (args, message) in [
            (json!({"repo": "*"}), "repo=* can only be used with the runrefresh option."),
            (json!({}), "Module option state=present requires repo"),
            (json!({"state": "absent"}), "Alias or repo parameter required when state=absent"),
            (
                json!({"repo": "/a.repo", "name": "a"}),
                "Incompatible option: 'name'. Do not use name when adding .repo files",
            ),
            (json!({"repo": "http://a"}), "Name required when adding non-repo files."),
            (json!({"repo": "/none.repo"}), "Error opening .repo file from provided path"),
            (json!({"repo": "/a.repo"}), "Invalid format, .repo file contains 2 repositories, expected 1"),
            (json!({"repo": "http://x", "name": "x"}), "Zypper failed with rc 4"),
            (
                json!({"repo": "http://e.org/b", "name": "tools"}),
                "More than one repo matched \"http://e.org/b\": \"[{'alias': 'tools', 'name': 'tools', 'priority': '99', \
                 'enabled': '1', 'autorefresh': '1', 'gpgcheck': '1', 'url': 'http://e.org/$basearch/t'}, {'alias': 'b', \
                 'name': '', 'priority': '', 'enabled': '', 'autorefresh': '', 'gpgcheck': '', 'url': 'http://e.org/b'}]\". \
                 Use overwrite_multiple to allow more than one repo to be overwritten",
            ),
        ] {
            assert_eq!(run(&MODULE, args, &mut host, false).unwrap_err().msg, message);
        }
    }
}
