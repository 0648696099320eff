//! `ansible.builtin.mount_facts`: mounts from the tables and programs that are asked for, with sizes and UUIDs.

use super::hardware::mounts::sizes;
use super::mount_sources::{self, Found};
use super::scene::Scene;
use super::shared::{facts, fnmatch};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
};
use crate::host::{Change, Command, Observe, Output};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub struct MountFacts;

#[derive(Deserialize)]
pub struct Args {
    devices: Option<Vec<String>>,
    fstypes: Option<Vec<String>>,
    sources: Option<Vec<String>>,
    mount_binary: Json,
    timeout: Option<f64>,
    on_timeout: String,
    include_aggregate_mounts: Option<bool>,
}

/// Without a timeout Ansible waits for ever for a program and ten seconds for a file system.
const LIMIT: Duration = Duration::from_secs(600);
const FILE_SYSTEM_LIMIT: f64 = 10.0;

impl Module for MountFacts {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "\
- name: Mounts that are not on local devices
  ansible.builtin.mount_facts:
    devices: \"[!/]*\"

- name: NFS mounts, but only those that answer
  ansible.builtin.mount_facts:
    fstypes: [nfs, nfs4]
    timeout: 5
    on_timeout: warn
",
        returns: &[Return {
            name: "ansible_facts",
            when: "always",
            doc: "`mount_points`: mount point → its first mount; `aggregate_mounts`: all mounts, if asked for.",
        }],
        ..ModuleSpec::new(
            "ansible.builtin.mount_facts",
            "Tells mounts as facts",
            &[
                Arg::list("devices", ArgType::Str).doc("Shell patterns; only mounts of devices that fit one are told."),
                Arg::list("fstypes", ArgType::Str).doc("Shell patterns; only file systems of types that fit one are told."),
                Arg::list("sources", ArgType::Str).doc(
                    "Files to read, `mount` for the program, or `dynamic`, `static` and `all` for the usual files of what is \
                     mounted, what should be, and both.",
                ),
                Arg::raw("mount_binary")
                    .default(Literal::Str("mount"))
                    .doc("Program that lists mounts, where it is a source or no dynamic file has any; null for none."),
                Arg::float("timeout").doc("Seconds that each mount and the program may take."),
                Arg::str("on_timeout")
                    .choices(&["error", "warn", "ignore"])
                    .default(Literal::Str("error"))
                    .doc("What to do about a mount that takes longer."),
                Arg::bool("include_aggregate_mounts").doc(
                    "Also tell every mount of each mount point. If this is not given, repeated mount points are warned about.",
                ),
            ],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure> {
        if let Some(seconds) = args.timeout.filter(|seconds| *seconds <= 0.0) {
            let msg = format!("argument 'timeout' must be a positive number or null, not {seconds}");
            return Err(Failure::new(msg));
        }
        let binary = match &args.mount_binary {
            Json::Null => None,
            Json::String(path) => Some(path.clone()),
            other => {
                let msg = format!("argument 'mount_binary' must be a string or null, not {other}");
                return Err(Failure::new(msg));
            }
        };
        let limit = args.timeout.map_or(LIMIT, Duration::from_secs_f64);
        let scene = Scene::new(host, call, limit);
        let asked = Asked { scene: &scene, args: &args };
        let mounts = asked.mounts(binary.as_deref())?;
        let facts = asked.facts(mounts);
        Ok(Plan::Done(Outcome { facts: Some(facts), warnings: scene.take_warnings(), ..Outcome::unchanged() }))
    }
    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }
    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

struct Asked<'a> {
    scene: &'a Scene<'a>,
    args: &'a Args,
}

impl Asked<'_> {
    fn mounts(&self, binary: Option<&str>) -> Result<Vec<JsonMap>, Failure> {
        let mut mounts = Vec::new();
        for found in self.found(binary)? {
            let device = found.fields["device"].as_str().unwrap_or_default().to_owned();
            let uuid = device.strip_prefix("UUID=").map(str::to_owned);
            let device = match &uuid {
                Some(uuid) => self.device_of(uuid)?.unwrap_or(device),
                None => device,
            };
            let kind = found.fields["fstype"].as_str().unwrap_or_default();
            if fits(&device, &self.args.devices) && fits(kind, &self.args.fstypes) {
                mounts.push((found, device, uuid));
            }
        }
        // Patterns come first: what they leave out is not asked for its size.
        let points: Vec<PathBuf> = mounts.iter().map(|(found, ..)| PathBuf::from(found.point())).collect();
        let limit = Duration::from_secs_f64(self.args.timeout.unwrap_or(FILE_SYSTEM_LIMIT));
        let usages = self.scene.host.fs_usage(&points, limit);
        let mut out = Vec::new();
        for ((found, device, uuid), usage) in mounts.into_iter().zip(usages) {
            let mut fields = found.fields.clone();
            match usage {
                Ok(usage) => fields.extend(sizes(&usage)),
                Err(e) if e.kind() == io::ErrorKind::TimedOut => {
                    let kind = found.fields["fstype"].as_str().unwrap_or_default();
                    let seconds = self.args.timeout.map_or_else(|| "10".to_owned(), |s| format!("{s:?}"));
                    let point = found.point();
                    self.late(format!(
                        "Timed out getting mount size for mount {point} (type {kind}) after {seconds} seconds"
                    ))?;
                }
                Err(_) => {}
            }
            let uuid = match uuid {
                Some(uuid) => Some(uuid),
                None => self.uuid_of(&device)?,
            };
            let context = facts! { "source" => found.source, "source_data" => found.line };
            fields.insert("ansible_context".to_owned(), context.into());
            fields.insert("uuid".to_owned(), uuid.into());
            out.push(fields);
        }
        Ok(out)
    }

    /// What the sources have, in their order, each source once.
    fn found(&self, binary: Option<&str>) -> Result<Vec<Found>, Failure> {
        let sources = self.sources()?;
        let unique: BTreeSet<&str> = sources.iter().map(String::as_str).collect();
        if unique.len() < sources.len() {
            let list: Vec<String> = sources.iter().map(|s| format!("'{s}'")).collect();
            self.scene.warn(format!(
                "mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: [{}]",
                list.join(", ")
            ));
        }
        let dynamic = |source: &str| mount_sources::DYNAMIC.contains(&source);
        let mut fall_back = binary.is_some() && sources.iter().any(|source| dynamic(source));
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut all = Vec::new();
        for source in &sources {
            let real = self.scene.host.canonicalize(source.as_ref());
            let real = real.map_or_else(|_| source.clone(), |path| path.to_string_lossy().into_owned());
            if seen.contains(source) || seen.contains(&real) {
                continue;
            }
            let found = if source == "mount" {
                seen.insert(source.clone());
                mount_sources::from_program(&self.listed(binary.unwrap_or("mount"))?)
            } else {
                seen.insert(real);
                mount_sources::from_file(source, &self.scene.lines(source))
            };
            if !found.is_empty() && (source == "mount" || dynamic(source)) {
                fall_back = false;
            }
            all.extend(found);
        }
        if fall_back && let Some(binary) = binary {
            all.extend(mount_sources::from_program(&self.listed(binary)?));
        }
        Ok(all)
    }

    fn sources(&self) -> Result<Vec<String>, Failure> {
        let all = vec!["all".to_owned()];
        let mut sources = Vec::new();
        for source in self.args.sources.as_ref().filter(|sources| !sources.is_empty()).unwrap_or(&all) {
            let own = |list: [&str; 3]| list.map(str::to_owned);
            match source.as_str() {
                "" => return Err(Failure::new("sources contains an empty string")),
                "all" => {
                    sources.extend(own(mount_sources::DYNAMIC));
                    sources.extend(own(mount_sources::STATIC));
                }
                "dynamic" => sources.extend(own(mount_sources::DYNAMIC)),
                "static" => sources.extend(own(mount_sources::STATIC)),
                _ => sources.push(source.clone()),
            }
        }
        Ok(sources)
    }

    /// What the program that lists mounts prints.
    fn listed(&self, binary: &str) -> Result<String, Failure> {
        let path = if binary.contains('/') { Some(PathBuf::from(binary)) } else { self.scene.host.which(binary) };
        let path = path.ok_or_else(|| Failure::new(format!("Failed to find required executable \"{binary}\"")))?;
        let output = self.run(&self.scene.program(path.clone()))?;
        match output {
            Some(output) if output.ok() => Ok(output.stdout_text()),
            Some(output) if output.timed_out => Ok(String::new()),
            Some(output) => Err(Failure::new(format!(
                "Failed to execute {0}: Command '{0}' returned non-zero exit status {1}.",
                path.display(),
                output.rc
            ))),
            None => Err(Failure::new(format!("Failed to execute {}", path.display()))),
        }
    }

    fn run(&self, command: &Command) -> Result<Option<Output>, Failure> {
        let output = self.scene.run(command);
        if output.as_ref().is_some_and(|output| output.timed_out) {
            let seconds = self.args.timeout.unwrap_or_default();
            self.late(format!("Command '{}' timed out after {seconds:?} seconds", command.display()))?;
        }
        Ok(output)
    }

    fn late(&self, msg: String) -> Result<(), Failure> {
        match self.args.on_timeout.as_str() {
            "error" => return Err(Failure::new(msg)),
            "warn" => self.scene.warn(msg),
            _ => {}
        }
        Ok(())
    }

    fn device_of(&self, uuid: &str) -> Result<Option<String>, Failure> {
        let Some(command) = self.scene.tool("blkid", &["--uuid", uuid]) else { return Ok(None) };
        let output = self.run(&command)?.filter(Output::ok);
        Ok(output.map(|output| output.stdout_text()).filter(|device| !device.is_empty()))
    }

    fn uuid_of(&self, device: &str) -> Result<Option<String>, Failure> {
        const LINKS: &str = "/dev/disk/by-uuid";
        for uuid in self.scene.names(LINKS) {
            let target = self.scene.host.canonicalize(format!("{LINKS}/{uuid}").as_ref());
            if target.is_ok_and(|path| path.to_string_lossy() == device) {
                return Ok(Some(uuid));
            }
        }
        let args = ["--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2"];
        if let Some(lsblk) = self.scene.tool("lsblk", &args) {
            let printed = self.run(&lsblk)?.filter(Output::ok).map(|output| output.stdout_text()).unwrap_or_default();
            let pairs = printed.lines().filter_map(|line| line.split_once(char::is_whitespace));
            if let Some((_, uuid)) = pairs.map(|(d, u)| (d, u.trim())).find(|(d, u)| *d == device && !u.is_empty()) {
                return Ok(Some(uuid.to_owned()));
            }
        }
        Ok(super::hardware::mounts::udev_uuid(self.scene, device))
    }

    fn facts(&self, mounts: Vec<JsonMap>) -> JsonMap {
        let mut points = JsonMap::new();
        let mut by_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mount in &mounts {
            let point = mount["mount"].as_str().unwrap_or_default();
            points.entry(point).or_insert_with(|| mount.clone().into());
            let source = mount["ansible_context"]["source"].as_str().unwrap_or_default();
            by_source.entry(source.to_owned()).or_default().push(point.to_owned());
        }
        by_source.retain(|_, points| points.iter().collect::<BTreeSet<_>>().len() < points.len());
        if !by_source.is_empty() && self.args.include_aggregate_mounts.is_none() {
            let list = by_source.iter().map(|(source, points)| {
                let points: Vec<String> = points.iter().map(|point| format!("'{point}'")).collect();
                format!("{source} ([{}])", points.join(", "))
            });
            self.scene.warn(format!(
                "mount_facts: ignoring repeat mounts in the following sources: {}. You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.",
                list.collect::<Vec<_>>().join(", ")
            ));
        }
        let aggregate = if self.args.include_aggregate_mounts == Some(true) { mounts } else { Vec::new() };
        facts! {
            "mount_points" => points,
            "aggregate_mounts" => aggregate.into_iter().map(Json::from).collect::<Vec<_>>(),
        }
    }
}

fn fits(text: &str, patterns: &Option<Vec<String>>) -> bool {
    match patterns {
        Some(patterns) if !patterns.is_empty() => patterns.iter().any(|pattern| fnmatch(text, pattern)),
        _ => true,
    }
}
