//! `community.general.deploy_helper`: the directories of releases, and the link to the one in use.

use super::shared::{make_parents, text};
use crate::contract::{
    Arg, Call, CheckMode, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::clock::Civil;
use crate::host::{Change, FILE_ARGS, FileAttrs, FileKind, Observe};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct DeployHelper;

#[derive(Deserialize)]
pub struct Args {
    path: PathBuf,
    release: Option<String>,
    releases_path: String,
    shared_path: String,
    current_path: String,
    keep_releases: i64,
    clean: bool,
    unfinished_filename: String,
    state: String,
    #[serde(flatten)]
    attrs: FileAttrs,
}

pub struct Work {
    steps: Vec<Step>,
    attrs: FileAttrs,
    outcome: Outcome,
}

enum Step {
    /// A directory with its attributes.
    Directory(PathBuf),
    RemoveFile(PathBuf),
    RemoveTree(PathBuf),
    Link {
        target: PathBuf,
        link: PathBuf,
        /// The link is made under this name first.
        first: Option<PathBuf>,
    },
}

impl Module for DeployHelper {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[FILE_ARGS],
        check_mode: CheckMode::Partial,
        rules: &[Rule::RequiredIf {
            arg: "state",
            value: Literal::Str("finalize"),
            required: &["release"],
            any: false,
        }],
        examples: "- name: Directories of a new release\n  community.general.deploy_helper:\n    path: /srv/app\n\n- name: Put it to use\n  community.general.deploy_helper:\n    path: /srv/app\n    release: \"{{ deploy_helper.new_release }}\"\n    state: finalize\n",
        returns: &[Return {
            name: "ansible_facts",
            when: "state is present, query or absent",
            doc: "`deploy_helper`: the paths, the new and the previous release.",
        }],
        ..ModuleSpec::new(
            "community.general.deploy_helper",
            "The directories of releases, and the link to the one in use.",
            &[
                Arg::path("path").required().aliases(&["dest"]).doc("Where all of it is."),
                Arg::str("release").doc("The release; the time of day if not given."),
                Arg::str("releases_path").default(Literal::Str("releases")).doc("Where the releases are."),
                Arg::path("shared_path").default(Literal::Str("shared")).doc("What releases share; empty: nothing."),
                Arg::path("current_path").default(Literal::Str("current")).doc("The link to the release in use."),
                Arg::int("keep_releases").default(Literal::Int(5)).doc("How many old releases are kept."),
                Arg::bool("clean").default(Literal::Bool(true)).doc("Remove old releases when one is put to use."),
                Arg::str("unfinished_filename")
                    .default(Literal::Str("DEPLOY_UNFINISHED"))
                    .doc("A file of this name marks a release that is not whole."),
                Arg::str("state")
                    .choices(&["present", "absent", "clean", "finalize", "query"])
                    .default(Literal::Str("present"))
                    .doc("What is to be done."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let project = args.path.clone();
        let (current, releases) = (project.join(&args.current_path), project.join(&args.releases_path));
        let shared = (!args.shared_path.is_empty()).then(|| project.join(&args.shared_path));
        let release = args.release.clone().filter(|r| !r.is_empty()).or_else(|| {
            let now = Civil::now(host).0;
            let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
            matches!(args.state.as_str(), "query" | "present").then(|| digits(now.date()) + &digits(now.time()))
        });
        let previous = if host.exists(&current) { host.canonicalize(&current).ok() } else { None };
        let new = release.as_ref().map(|r| releases.join(r));
        let shown = |path: Option<&PathBuf>| path.map(|p| text(p));
        let facts: JsonMap = [
            ("project_path", shown(Some(&project))),
            ("current_path", shown(Some(&current))),
            ("releases_path", shown(Some(&releases))),
            ("shared_path", shown(shared.as_ref())),
            (
                "previous_release",
                previous.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned()),
            ),
            ("previous_release_path", shown(previous.as_ref())),
            ("new_release", release.clone()),
            ("new_release_path", shown(new.as_ref())),
            ("unfinished_filename", Some(args.unfinished_filename.clone())),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
        let mut outcome = Outcome::default().with("state", args.state.clone());
        let told = |facts: Json| Some(JsonMap::from_iter([("deploy_helper".to_owned(), facts)]));
        let mut steps = Vec::new();
        match args.state.as_str() {
            "query" => outcome.facts = told(facts.into()),
            "present" => {
                if host.lstat(&current).is_ok_and(|s| s.kind != FileKind::Symlink) {
                    return Err(Failure::new(format!("{} exists but is not a symbolic link", current.display())));
                }
                for dir in [Some(&project), Some(&releases), shared.as_ref()].into_iter().flatten() {
                    let wanted = args.attrs.resolve(host, dir, call)?;
                    if !host.exists(dir) || is_directory(host, dir)? && wanted.differences(host, dir)?.any() {
                        steps.push(Step::Directory(dir.clone()));
                    }
                }
                outcome.facts = told(facts.into());
            }
            "absent" => {
                if host.exists(&project) && is_directory(host, &project)? {
                    steps.push(Step::RemoveTree(project));
                }
                outcome.facts = told(Json::Array(Vec::new()));
            }
            state => {
                if state == "finalize" {
                    if args.keep_releases <= 0 {
                        return Err(Failure::new("'keep_releases' should be at least 1"));
                    }
                    finalize(&args, new.as_deref().unwrap_or(Path::new("")), &current, host, call, &mut steps)?;
                }
                if state == "clean" || args.clean {
                    tidy(&args, &project, &releases, release.as_deref(), host, &mut steps)?;
                }
            }
        }
        outcome.changed = !steps.is_empty();
        let work = Work { steps, attrs: args.attrs, outcome };
        Ok(if work.outcome.changed { Plan::Work(work) } else { Plan::Done(work.outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        for step in &work.steps {
            let path = match step {
                Step::Directory(path) | Step::RemoveFile(path) | Step::RemoveTree(path) => path,
                Step::Link { link, .. } => link,
            };
            let fail = |e: std::io::Error| Failure::io(path.display(), &e);
            match step {
                Step::Directory(path) => {
                    if !host.exists(path) {
                        make_parents(host, &path.join("x")).map_err(fail)?;
                    }
                    work.attrs.resolve(host.observe(), path, call)?.apply(host, path)?;
                }
                Step::RemoveFile(path) => host.remove_file(path).map_err(fail)?,
                Step::RemoveTree(path) => host.remove_dir_all(path).map_err(fail)?,
                Step::Link { target, link, first: None } => host.symlink(target, link).map_err(fail)?,
                Step::Link { target, link, first: Some(first) } => {
                    if host.exists(first) {
                        host.remove_file(first).map_err(fail)?;
                    }
                    host.symlink(target, first).map_err(fail)?;
                    host.rename(first, link).map_err(fail)?;
                }
            }
        }
        Ok(work.outcome)
    }
}

fn is_directory(host: &dyn Observe, path: &Path) -> Result<bool, Failure> {
    if host.is_dir(path) {
        return Ok(true);
    }
    Err(Failure::new(format!("{} exists but is not a directory", path.display())))
}

/// Takes the mark off a release and points the link at it.
fn finalize(
    args: &Args,
    new: &Path,
    current: &Path,
    host: &dyn Observe,
    call: &Call,
    steps: &mut Vec<Step>,
) -> Result<(), Failure> {
    let mark = new.join(&args.unfinished_filename);
    if host.exists(&mark) {
        steps.push(Step::RemoveFile(mark));
    }
    let is_link = host.lstat(current).is_ok_and(|s| s.kind == FileKind::Symlink);
    if is_link && host.canonicalize(current).ok() == host.canonicalize(new).ok() && host.exists(new) {
        return Ok(());
    }
    if is_link && !host.exists(new) && !call.check {
        return Err(Failure::new(format!("the symlink target {} doesn't exists", new.display())));
    }
    let first = is_link.then(|| PathBuf::from(format!("{}.{}", current.display(), args.unfinished_filename)));
    steps.push(Step::Link { target: new.to_owned(), link: current.to_owned(), first });
    Ok(())
}

/// Removes releases that are not whole, and old ones beyond those that are kept.
fn tidy(
    args: &Args,
    project: &Path,
    releases: &Path,
    reserved: Option<&str>,
    host: &dyn Observe,
    steps: &mut Vec<Step>,
) -> Result<(), Failure> {
    if let Some(release) = reserved {
        let link = project.join(format!("{release}.{}", args.unfinished_filename));
        if host.stat(&link).is_ok() {
            steps.push(Step::RemoveFile(link));
        }
    }
    let names = host.read_dir(releases).map_err(|e| Failure::io(releases.display(), &e))?;
    let dirs: Vec<PathBuf> = names.iter().map(|name| releases.join(name)).filter(|dir| host.is_dir(dir)).collect();
    // The mark of the release that is just put to use goes in an earlier step.
    let unmarked = |dir: &Path| steps.iter().any(|s| matches!(s, Step::RemoveFile(mark) if mark.starts_with(dir)));
    let (broken, mut whole): (Vec<PathBuf>, Vec<PathBuf>) = dirs.into_iter().partition(|dir| {
        let mark = dir.join(&args.unfinished_filename);
        !unmarked(dir) && host.stat(&mark).is_ok_and(|s| s.kind == FileKind::File)
    });
    whole.retain(|dir| dir.file_name().map(|n| n.to_string_lossy()).as_deref() != reserved);
    let changed = |dir: &PathBuf| host.stat(dir).map_or(0.0, |s| s.ctime);
    whole.sort_by(|a, b| changed(b).total_cmp(&changed(a)));
    let old = whole.into_iter().skip(usize::try_from(args.keep_releases).unwrap_or(0));
    steps.extend(broken.into_iter().chain(old).map(Step::RemoveTree));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::{case, run};
    use serde_json::json;

    const DEPLOY: Entry = Entry::of::<DeployHelper>();

    #[test]
    fn a_release_from_beginning_to_end() {
        let mut host = Fake::new().dir("/srv");
        let out = case(&DEPLOY, json!({"path": "/srv/app", "release": "1"}), &mut host).unwrap();
        let facts = &out.facts.unwrap()["deploy_helper"];
        assert_eq!(
            (&facts["new_release_path"], &facts["previous_release"]),
            (&json!("/srv/app/releases/1"), &Json::Null)
        );
        assert!(host.is_dir(Path::new("/srv/app/shared")));
        host.set_file("/srv/app/releases/1/DEPLOY_UNFINISHED", "", 0o644);
        host.set_file("/srv/app/releases/0/DEPLOY_UNFINISHED", "", 0o644);
        let done = json!({"path": "/srv/app", "release": "1", "state": "finalize"});
        assert!(case(&DEPLOY, done, &mut host).unwrap().changed);
        assert!(!host.exists(Path::new("/srv/app/releases/0")));
        assert_eq!(host.read_link(Path::new("/srv/app/current")).unwrap(), Path::new("/srv/app/releases/1"));
        host.set_file("/srv/app/releases/2/x", "", 0o644);
        let next = json!({"path": "/srv/app", "release": "2", "state": "finalize", "keep_releases": 1});
        assert!(case(&DEPLOY, next, &mut host).unwrap().changed);
        let query = run(&DEPLOY, json!({"path": "/srv/app", "state": "query"}), &mut host, false).unwrap();
        let facts = &query.facts.unwrap()["deploy_helper"];
        assert_eq!((&facts["previous_release"], facts["new_release"].as_str().map(str::len)), (&json!("2"), Some(14)));
        let failure = run(&DEPLOY, json!({"path": "/srv/app", "release": "3", "state": "finalize"}), &mut host, false);
        assert_eq!(failure.unwrap_err().msg, "the symlink target /srv/app/releases/3 doesn't exists");
        assert!(case(&DEPLOY, json!({"path": "/srv/app", "state": "absent"}), &mut host).unwrap().changed);
    }
}
