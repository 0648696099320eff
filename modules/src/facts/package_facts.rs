//! `ansible.builtin.package_facts`: installed packages, asked from the package managers' own databases.

use super::dpkg;
use super::scene::Scene;
use super::shared::{facts, single};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::time::Duration;

pub struct PackageFacts;

#[derive(Deserialize)]
pub struct Args {
    manager: Vec<String>,
    strategy: String,
}

/// For one program.
const LIMIT: Duration = Duration::from_secs(120);

/// A package: its name, and what is said of it.
type Packages = Vec<(String, JsonMap)>;

/// One manager: Ansible's name, other names for it, and how it is asked. Without its programs there is no answer.
struct Manager {
    name: &'static str,
    aliases: &'static [&'static str],
    list: fn(&Scene) -> Option<Result<Packages, String>>,
}

/// In the order in which `auto` tries them.
const MANAGERS: [Manager; 7] = [
    Manager { name: "apk", aliases: &[], list: apk },
    Manager { name: "apt", aliases: &[], list: dpkg::list },
    Manager { name: "pacman", aliases: &[], list: pacman },
    Manager { name: "pkg", aliases: &["pkg5", "pkgng"], list: pkg },
    Manager { name: "pkg_info", aliases: &["openbsd_pkg"], list: pkg_info },
    Manager { name: "portage", aliases: &[], list: portage },
    Manager { name: "rpm", aliases: &["dnf", "dnf5", "yum", "zypper"], list: rpm },
];

impl Module for PackageFacts {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "\
- name: Learn which packages are installed
  ansible.builtin.package_facts:
    manager: auto
",
        returns: &[Return {
            name: "ansible_facts",
            when: "always",
            doc: "`packages`: name → list of installed versions with `name`, `version`, `source` and what the manager adds.",
        }],
        differs: "Reads the databases of dpkg and rpm without their Python bindings.",
        ..ModuleSpec::new(
            "ansible.builtin.package_facts",
            "Tells installed packages as facts",
            &[
                Arg::list("manager", ArgType::Str)
                    .default(Literal::Strs(&["auto"]))
                    .doc("Package managers to ask, in order; `auto` stands for all."),
                Arg::str("strategy")
                    .choices(&["first", "all"])
                    .default(Literal::Str("first"))
                    .doc("Whether the first manager with packages is enough, or all are asked."),
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure> {
        let scene = Scene::new(host, call, LIMIT);
        let packages = collect(&scene, &args);
        let warnings = scene.take_warnings();
        match packages {
            Ok(packages) => {
                let facts = Some(single("packages", packages));
                Ok(Plan::Done(Outcome { facts, warnings, ..Outcome::unchanged() }))
            }
            Err(msg) => Err(Failure { warnings, ..Failure::new(msg) }),
        }
    }
    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }
    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

fn collect(scene: &Scene, args: &Args) -> Result<JsonMap, String> {
    let known = |name: &str| MANAGERS.iter().find(|m| m.name == name || m.aliases.contains(&name));
    let named: Vec<String> = args.manager.iter().map(|name| name.to_lowercase()).collect();
    let auto = named.iter().any(|name| name == "auto");
    let mut wanted: Vec<&str> = named.iter().map(String::as_str).filter(|name| *name != "auto").collect();
    if auto {
        wanted.extend(MANAGERS.iter().map(|m| m.name));
    }
    let unsupported: Vec<&str> = wanted.iter().copied().filter(|name| known(name).is_none()).collect();
    if !unsupported.is_empty() {
        return Err(if auto {
            "Could not auto detect a usable package manager, check warnings for details.".to_owned()
        } else {
            format!("Unsupported package managers requested: {}", unsupported.join(", "))
        });
    }
    let mut packages = JsonMap::new();
    let (mut found, mut seen) = (false, BTreeSet::new());
    for manager in wanted.iter().filter_map(|name| known(name)) {
        if (found && args.strategy == "first") || !seen.insert(manager.name) {
            continue;
        }
        let asked_for = named.iter().any(|name| known(name).is_some_and(|m| m.name == manager.name));
        match (manager.list)(scene) {
            Some(Ok(list)) if !list.is_empty() => {
                found = true;
                add(&mut packages, list, manager.name);
            }
            Some(answer) => {
                if let Err(reason) = answer {
                    scene.warn(format!("Failed to retrieve packages with {}: {reason}", manager.name));
                }
                scene.warn(format!("Found \"{}\" but no associated packages", manager.name));
            }
            None if asked_for => scene.warn(format!(
                "Requested package manager {0} was not usable by this module: {0} is not installed",
                manager.name
            )),
            None => {}
        }
    }
    if found {
        return Ok(packages);
    }
    let list: Vec<String> = wanted.iter().map(|name| format!("'{name}'")).collect();
    Err(format!(
        "Could not detect a supported package manager from the following list: [{}], or the required Python library is not installed. Check warnings for details.",
        list.join(", ")
    ))
}

fn add(packages: &mut JsonMap, list: Packages, source: &str) {
    for (name, mut package) in list {
        package.entry("source").or_insert_with(|| source.into());
        if let Json::Array(versions) = packages.entry(name).or_insert_with(|| Json::Array(Vec::new())) {
            versions.push(package.into());
        }
    }
}

/// What a manager's program prints; none if it is not installed.
fn ask(scene: &Scene, program: &str, args: &[&str]) -> Option<Result<String, String>> {
    let output = scene.run(&scene.tool(program, args)?);
    Some(match output {
        Some(output) if output.ok() => Ok(output.stdout_text()),
        Some(output) => Err(format!("Unable to list packages rc={} : {}", output.rc, output.stderr_text())),
        None => Err(format!("Unable to run {program}")),
    })
}

fn rpm(scene: &Scene) -> Option<Result<Packages, String>> {
    let format = "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n";
    let printed = ask(scene, "rpm", &["-qa", "--queryformat", format])?;
    Some(printed.map(|text| text.lines().filter_map(rpm_line).collect()))
}

fn rpm_line(line: &str) -> Option<(String, JsonMap)> {
    // What a package does not have is None, which Ansible turns into text.
    let mut fields = line.split('\t').map(|field| if field == "(none)" { "None" } else { field });
    let name = fields.next()?;
    let mut field = || Some(Json::from(fields.next()?));
    let package = facts! {
        "name" => name, "version" => field()?, "release" => field()?, "epoch" => field()?, "arch" => field()?,
    };
    Some((name.to_owned(), package))
}

fn apk(scene: &Scene) -> Option<Result<Packages, String>> {
    let printed = ask(scene, "apk", &["info", "-v"])?;
    Some(printed.map(|text| text.lines().map(apk_line).collect()))
}

fn apk_line(line: &str) -> (String, JsonMap) {
    let mut parts = line.rsplitn(3, '-');
    let (release, version, name) = (parts.next(), parts.next(), parts.next());
    let (Some(release), Some(version), Some(name)) = (release, version, name) else {
        return (line.to_owned(), facts! { "name" => line, "version" => "", "release" => "" });
    };
    (name.to_owned(), facts! { "name" => name, "version" => version, "release" => release })
}

fn pacman(scene: &Scene) -> Option<Result<Packages, String>> {
    let printed = ask(scene, "pacman", &["-Qi"])?;
    Some(printed.map(|text| text.split("\n\n").filter_map(pacman_entry).collect()))
}

fn pacman_entry(entry: &str) -> Option<(String, JsonMap)> {
    let mut details: Vec<(&str, String)> = Vec::new();
    for line in entry.lines() {
        match line.split_once(" : ").filter(|(label, _)| !label.starts_with(' ')) {
            Some((label, value)) => details.push((label.trim_end(), value.to_owned())),
            None => {
                // A long value goes on in the next line.
                let (_, value) = details.last_mut()?;
                value.push_str("  ");
                value.push_str(line.trim_start());
            }
        }
    }
    let get = |name: &str| details.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str());
    let provides = get("Provides").filter(|list| *list != "None");
    let provides = provides.map(|list| list.split("  ").map(|p| p.split('=').next().unwrap_or(p)).collect::<Vec<_>>());
    let name = get("Name")?;
    let package = facts! {
        "name" => name, "version" => get("Version")?, "arch" => get("Architecture")?, "provides" => provides,
    };
    Some((name.to_owned(), package))
}

fn portage(scene: &Scene) -> Option<Result<Packages, String>> {
    scene.host.which("qlist")?;
    let printed = ask(scene, "sh", &["-c", "qlist -Iv | xargs -n 1024 qatom"])?;
    let line = |line: &str| {
        let atoms = ["category", "name", "version", "ebuild_revision", "slots", "prefixes", "sufixes"];
        let package: JsonMap =
            atoms.iter().map(|a| (*a).to_owned()).zip(line.split_whitespace().map(Json::from)).collect();
        Some((package.get("name")?.as_str()?.to_owned(), package))
    };
    Some(printed.map(|text| text.lines().filter_map(line).collect()))
}

fn pkg(scene: &Scene) -> Option<Result<Packages, String>> {
    let printed = ask(scene, "pkg", &["query", "%n\t%v\t%R\t%t\t%a\t%q\t%o\t%p\t%V"])?;
    Some(printed.map(|text| text.lines().filter_map(pkg_line).collect()))
}

fn pkg_line(line: &str) -> Option<(String, JsonMap)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, version, origin, installed, automatic, arch, category, prefix, vital] = fields[..] else { return None };
    let (version, epoch) = version.split_once(',').map_or((version, Json::from(0)), |(v, e)| (v, e.into()));
    let (version, revision) = version.split_once('_').unwrap_or((version, "0"));
    let package = facts! {
        "name" => name, "version" => version, "origin" => origin, "installed" => installed,
        "automatic" => automatic != "0", "arch" => arch.split(':').nth(2).unwrap_or(arch),
        "category" => category.split('/').next(), "prefix" => prefix, "vital" => vital != "0",
        "port_epoch" => epoch, "revision" => revision,
    };
    Some((name.to_owned(), package))
}

fn pkg_info(scene: &Scene) -> Option<Result<Packages, String>> {
    let printed = ask(scene, "pkg_info", &["-a"])?;
    let line = |line: &str| {
        let word = line.split_whitespace().next()?;
        let (name, version) = word.rsplit_once('-').unwrap_or((word, ""));
        Some((name.to_owned(), facts! { "name" => name, "version" => version }))
    };
    Some(printed.map(|text| text.lines().filter_map(line).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;

    const ENTRY: Entry = Entry::of::<PackageFacts>();

    fn packages(mut host: Fake, args: Json) -> Json {
        run(&ENTRY, args, &mut host, false)
            .map(|o| o.facts.unwrap_or_default()["packages"].clone())
            .unwrap_or_else(|e| json!(e.msg))
    }

    #[test]
    fn rpm_tells_absent_fields_as_text() {
        let printed = "bash\t5.1.8\t6.el9\t(none)\tx86_64\ngpg-pubkey\t1\t2\t(none)\t(none)\n";
        let host = Fake::new().answer_argv(
            &["rpm", "-qa", "--queryformat", "%{NAME}\t%{VERSION}\t%{RELEASE}\t%{EPOCH}\t%{ARCH}\n"],
            0,
            printed,
        );
        assert_eq!(
            packages(host, json!({"manager": ["dnf"]})),
            json!({
                "bash": [{"name": "bash", "version": "5.1.8", "release": "6.el9", "epoch": "None", "arch": "x86_64", "source": "rpm"}],
                "gpg-pubkey": [{"name": "gpg-pubkey", "version": "1", "release": "2", "epoch": "None", "arch": "None", "source": "rpm"}],
            })
        );
    }

    #[test]
    fn apk_names_may_have_dashes() {
        let host = Fake::new().answer("apk info -v", 0, "musl-utils-1.2.3-r4\nodd\n");
        assert_eq!(
            packages(host, json!({})),
            json!({
                "musl-utils": [{"name": "musl-utils", "version": "1.2.3", "release": "r4", "source": "apk"}],
                "odd": [{"name": "odd", "version": "", "release": "", "source": "apk"}],
            })
        );
    }

    #[test]
    fn without_any_manager_the_task_fails() {
        let error = packages(Fake::new(), json!({}));
        assert!(
            error
                .as_str()
                .unwrap_or_default()
                .starts_with("Could not detect a supported package manager from the following list: ['apk', 'apt', "),
            "{error}"
        );
        assert_eq!(
            packages(Fake::new(), json!({"manager": ["foo"]})),
            json!("Unsupported package managers requested: foo")
        );
    }
}
