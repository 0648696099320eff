//! `containers.podman.podman_image`: an image of Podman's, pulled or removed.

use super::{EXECUTABLE, Podman};
use crate::containers::images;
use crate::contract::{Arg, Call, Failure, Json, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe, split_words};
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

pub struct PodmanImage;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    tag: String,
    arch: Option<String>,
    pull: bool,
    pull_extra_args: Option<String>,
    force: bool,
    state: String,
    validate_certs: Option<bool>,
    executable: String,
    auth_file: Option<PathBuf>,
    ca_cert_dir: Option<PathBuf>,
}

pub struct Work {
    podman: Podman,
    name: String,
    words: Vec<String>,
    removes: bool,
    outcome: Outcome,
}

impl Module for PodmanImage {
    const SPEC: ModuleSpec = ModuleSpec {
        examples: "- name: An image\n  containers.podman.podman_image:\n    name: quay.io/example/app\n    tag: v1\n",
        returns: &[
            Return { name: "image", when: "always", doc: "What Podman tells of the image." },
            Return { name: "actions", when: "always", doc: "What was done." },
            Return { name: "podman_actions", when: "always", doc: "Commands that were run." },
        ],
        differs: "Pulls and removes: builds, pushes and quadlets are refused, and so are `username` and `password`, which Podman would take as words that everybody sees; log in first, or name an auth_file.",
        ..ModuleSpec::new(
            "containers.podman.podman_image",
            "Manages images of Podman.",
            &[
                Arg::str("name").required().doc("Name of the image, with or without a tag."),
                Arg::str("tag").default(Literal::Str("latest")).doc("Tag, where the name has none."),
                Arg::str("arch").doc("Architecture."),
                Arg::bool("pull").default(Literal::Bool(true)).doc("Whether it may be pulled."),
                Arg::str("pull_extra_args").doc("Further words for the pull."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Pull in any case; remove it though it is used."),
                Arg::str("state")
                    .choices(&["absent", "present"])
                    .default(Literal::Str("present"))
                    .doc("Whether the image is there."),
                Arg::bool("validate_certs").aliases(&["tlsverify", "tls_verify"]).doc("Check certificates."),
                EXECUTABLE,
                Arg::path("auth_file").aliases(&["authfile"]).doc("File with logins."),
                Arg::path("ca_cert_dir").doc("Directory with certificates."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        let podman = Podman::of(host, &args.executable)?;
        let (base, tag) = images::split(&args.name);
        let tag = tag.unwrap_or(&args.tag);
        let name = format!("{base}{}{tag}", if tag.starts_with("sha256:") { "@" } else { ":" });
        let inspected = || podman.json(host, &["inspect", &name, "--format", "json"]);
        let there = podman.ask(host, &["image", "exists", &name])?.ok()
            && args.arch.as_deref().is_none_or(|arch| inspected().is_ok_and(|i| i[0]["Architecture"] == arch));
        let told = |changed: bool, actions: Vec<String>, commands: Vec<String>, image: Json| {
            Outcome::changed(changed)
                .with("actions", actions)
                .with("podman_actions", if call.check { Vec::new() } else { commands })
                .with("image", image)
                .with("stdout", "")
        };
        if args.state == "absent" {
            return absent(&args, host, podman, &name, there, &told);
        }
        if there && !args.force {
            return Ok(Plan::Done(told(false, Vec::new(), Vec::new(), inspected()?)));
        }
        if !args.pull {
            return Err(Failure::new(format!("Image {name} not found locally and pull is disabled")));
        }
        let mut words = vec!["pull".to_owned(), name.clone()];
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        words.extend(args.arch.clone().into_iter().flat_map(|a| ["--arch".to_owned(), a]));
        words.extend(args.validate_certs.map(|yes| if yes { "--tls-verify" } else { "--tls-verify=false" }.to_owned()));
        words.extend(args.ca_cert_dir.iter().flat_map(|p| ["--cert-dir".to_owned(), text(p)]));
        words.extend(args.auth_file.iter().flat_map(|p| ["--authfile".to_owned(), text(p)]));
        if let Some(extra) = &args.pull_extra_args {
            words.extend(split_words(extra).map_err(|e| Failure::new(format!("pull_extra_args: {e}")))?);
        }
        let image = if there { inspected()? } else { json!({}) };
        let outcome = told(true, vec![format!("Pulled image {name}")], vec![podman.shown(&words)], image);
        Ok(Plan::Work(Work { podman, name, words, removes: false, outcome }))
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        let Work { podman, name, words, removes, mut outcome } = work;
        let out = podman.run(host, &words)?;
        if !out.ok() && removes {
            return Err(Failure::new(format!("Failed to remove image {name}: {}", out.stderr_text())));
        }
        if !out.ok() {
            return Err(Failure::new(format!("Failed to pull image {name}"))
                .with("stderr", out.stderr_text())
                .with("stdout", out.stdout_text()));
        }
        if !removes {
            outcome.set("image", podman.json(host.observe(), &["inspect", &name, "--format", "json"])?);
        }
        Ok(outcome)
    }
}

type Told<'a> = &'a dyn Fn(bool, Vec<String>, Vec<String>, Json) -> Outcome;

fn absent(
    args: &Args,
    host: &dyn Observe,
    podman: Podman,
    name: &str,
    there: bool,
    told: Told<'_>,
) -> Result<Plan<Work>, Failure> {
    let mut action = format!("Removed image {name}");
    let mut target = name.to_owned();
    if !there {
        // Else the name may be the beginning of an id.
        let given = args.name.as_str();
        let id = if given.starts_with("sha256:") { given } else { given.split(':').next().unwrap_or(given) };
        let list = podman.ask(host, &["image", "ls", "--quiet", "--no-trunc"])?;
        let text = list.stdout_text().replace("sha256:", "");
        if !list.ok() || id.is_empty() || !text.lines().any(|line| line.starts_with(id)) {
            return Ok(Plan::Done(told(false, Vec::new(), Vec::new(), json!({}))));
        }
        action = format!("Removed image with ID {id}");
        id.clone_into(&mut target);
    }
    let mut words = vec!["rmi".to_owned(), target.clone()];
    words.extend(args.force.then(|| "--force".to_owned()));
    let outcome = told(true, vec![action], vec![podman.shown(&words)], json!({"state": "Deleted"}));
    Ok(Plan::Work(Work { podman, name: target, words, removes: true, outcome }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;

    const IMAGE: Entry = Entry::of::<PodmanImage>();

    #[test]
    fn images_come_and_go() {
        let host = Fake::new()
            .answer("podman image exists quay.io/a/b:1", 1, "")
            .answer("podman image ls --quiet --no-trunc", 0, "sha256:abc\n")
            .answer("podman inspect quay.io/a/b:1 --format json", 0, "[{\"Id\": \"abc\"}]")
            .effect("podman pull quay.io/a/b:1 --tls-verify=false", 0, "abc\n", |h| {
                h.set_answer("podman image exists quay.io/a/b:1", 0, "");
            })
            .effect("podman rmi quay.io/a/b:1", 0, "", |h| h.set_answer("podman image exists quay.io/a/b:1", 1, ""));
        let mut there = host.clone();
        let out = case(&IMAGE, json!({"name": "quay.io/a/b:1", "validate_certs": false}), &mut there).unwrap();
        assert_eq!((out.changed, &out.values["image"]), (true, &json!([{"Id": "abc"}])));
        assert_eq!(out.values["actions"], json!(["Pulled image quay.io/a/b:1"]));
        let gone = json!({"name": "quay.io/a/b:1", "state": "absent"});
        assert!(case(&IMAGE, gone.clone(), &mut there).unwrap().changed);
        assert!(!case(&IMAGE, gone, &mut host.clone()).unwrap().changed);
    }
}
