//! `yum_repository`: repositories of dnf and yum, `/etc/yum.repos.d/*.repo`.

use crate::contract::{
    Arg, ArgType, Call, Deprecation, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Rule,
};
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, WriteOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub struct YumRepository;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    description: Option<String>,
    state: State,
    file: Option<String>,
    reposdir: String,
    #[serde(flatten)]
    attrs: FileAttrs,
    #[serde(flatten)]
    options: JsonMap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

pub struct Work {
    args: Args,
    path: PathBuf,
    /// New content of the file; `None` removes it.
    content: Option<Option<String>>,
    outcome: Outcome,
}

impl Module for YumRepository {
    const SPEC: ModuleSpec = ModuleSpec {
        diff: true,
        shared: &[FILE_ARGS],
        rules: &[
            Rule::RequiredIf {
                arg: "state",
                value: Literal::Str("present"),
                required: &["baseurl", "mirrorlist", "metalink"],
                any: true,
            },
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["description"], any: false },
        ],
        examples: "- name: A vendor's repository\n  ansible.builtin.yum_repository:\n    name: vendor\n    description: Vendor\n    baseurl: https://rpm.example.com/$basearch\n    gpgcheck: true\n    gpgkey: https://rpm.example.com/key\n",
        ..ModuleSpec::new("ansible.builtin.yum_repository", "Manages repositories of dnf and yum.", ARGS)
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if !host.is_dir(Path::new(&args.reposdir)) {
            return Err(Failure::new(format!("Repo directory '{}' does not exist.", args.reposdir)));
        }
        let file = args.file.as_ref().unwrap_or(&args.name);
        let path = Path::new(&args.reposdir).join(format!("{file}.repo"));
        let mut ini = Ini::parse(&host.read_text(&path).unwrap_or_default());
        let before = ini.dump();
        ini.sections.retain(|(name, _)| *name != args.name);
        let mut outcome = Outcome::unchanged()
            .with("repo", args.name.as_str())
            .with("state", if args.state == State::Present { "present" } else { "absent" });
        if args.state == State::Present {
            let options = options(&args, &mut outcome.deprecations);
            ini.sections.push((args.name.clone(), options));
        }
        let after = ini.dump();
        let shown = path.display().to_string();
        let content = (before != after).then(|| (!ini.sections.is_empty()).then(|| ini.write()));
        outcome.changed = content.is_some();
        if call.diff {
            outcome.diff.push(Diff::text(&shown, &before, &after));
        }
        if content.is_none() && host.stat(&path).is_ok() {
            let wanted = args.attrs.resolve(host, &path, call)?;
            outcome.changed |= wanted.differences(host, &path)?.any();
        }
        Ok(if outcome.changed { Plan::Work(Work { args, path, content, outcome }) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let Work { args, path, content, outcome } = work;
        match content {
            Some(Some(text)) => host
                .write(&path, &mut text.as_bytes(), &WriteOptions::default())
                .map_err(|e| Failure::io(format!("Problems handling file '{}'", path.display()), &e))?,
            Some(None) => host
                .remove_file(&path)
                .map_err(|e| Failure::io(format!("Cannot remove empty repo file {}", path.display()), &e))?,
            None => {}
        }
        if host.stat(&path).is_ok() {
            args.attrs.resolve(host.observe(), &path, call)?.apply(host, &path)?;
        }
        Ok(outcome)
    }
}

/// The section's entries, sorted by key.
fn options(args: &Args, deprecations: &mut Vec<Deprecation>) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    if let Some(description) = &args.description {
        options.push(("name".to_owned(), description.clone()));
    }
    for (key, value) in &args.options {
        let separator = if matches!(key.as_str(), "exclude" | "includepkgs") { " " } else { "\n" };
        let text = match value {
            Json::Null => continue,
            Json::Bool(b) => u8::from(*b).to_string(),
            Json::Array(items) => items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(separator),
            Json::String(s) => s.clone(),
            other => other.to_string(),
        };
        let why = match key.as_str() {
            "keepcache" => Some((
                "'keepcache' parameter is deprecated as it is only valid in the main configuration.".to_owned(),
                "2.20",
            )),
            "async" => Some((
                "'async' parameter is deprecated as it has been removed on systems supported by ansible-core"
                    .to_owned(),
                "2.22",
            )),
            "deltarpm_metadata_percentage"
            | "gpgcakey"
            | "http_caching"
            | "keepalive"
            | "metadata_expire_filter"
            | "mirrorlist_expire"
            | "protect"
            | "ssl_check_cert_permissions"
            | "ui_repoid_vars" => Some((
                format!(
                    "'{key}' parameter is deprecated as it has no effect with dnf as an underlying package manager."
                ),
                "2.22",
            )),
            _ => None,
        };
        if let Some((msg, version)) = why {
            deprecations.push(Deprecation { msg, version: Some(version.to_owned()) });
        }
        options.push((key.clone(), text));
    }
    options.sort();
    options
}

/// An INI file as Python's `RawConfigParser` reads and writes it; comments are lost, as there.
struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    fn parse(text: &str) -> Self {
        let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with([' ', '\t'])
                && let Some((_, value)) = sections.last_mut().and_then(|(_, options)| options.last_mut())
            {
                value.push('\n');
                value.push_str(trimmed);
            } else if let Some(name) = trimmed.strip_prefix('[').and_then(|n| n.split(']').next()) {
                sections.push((name.to_owned(), Vec::new()));
            } else if let (Some((key, value)), Some((_, options))) =
                (trimmed.split_once(['=', ':']), sections.last_mut())
            {
                options.push((key.trim().to_lowercase(), value.trim().to_owned()));
            }
        }
        Ini { sections }
    }

    fn write(&self) -> String {
        let mut text = String::new();
        for (name, options) in &self.sections {
            text.push_str(&format!("[{name}]\n"));
            for (key, value) in options {
                text.push_str(&format!("{key} = {}\n", value.replace('\n', "\n\t")));
            }
            text.push('\n');
        }
        text
    }

    /// Everything sorted, for comparing.
    fn dump(&self) -> String {
        let mut sections: Vec<_> = self.sections.iter().collect();
        sections.sort();
        let mut text = String::new();
        for (name, options) in sections {
            text.push_str(&format!("[{name}]\n"));
            let mut options: Vec<_> = options.iter().collect();
            options.sort();
            for (key, value) in options {
                text.push_str(&format!("{key} = {value}\n"));
            }
            text.push('\n');
        }
        text
    }
}

const ARGS: &[Arg] = &[
    Arg::str("name").required().doc("Identifier of the repository."),
    Arg::str("description").doc("Its name for people."),
    Arg::str("state")
        .choices(&["present", "absent"])
        .default(Literal::Str("present"))
        .doc("Whether the repository is there."),
    Arg::str("file").doc("Name of the file, without `.repo`."),
    Arg::path("reposdir").default(Literal::Str("/etc/yum.repos.d")).doc("Directory of the file."),
    Arg::bool("async").doc("Deprecated."),
    Arg::str("bandwidth").doc("Available bandwidth."),
    Arg::list("baseurl", ArgType::Str).doc("Base addresses."),
    Arg::str("cost").doc("Relative cost of access."),
    Arg::bool("countme").doc("Be counted by the mirrors."),
    Arg::str("deltarpm_metadata_percentage").doc("Deprecated."),
    Arg::str("deltarpm_percentage").doc("When to use delta packages."),
    Arg::bool("enabled").doc("Whether dnf uses it."),
    Arg::bool("enablegroups").doc("Whether its groups are used."),
    Arg::list("exclude", ArgType::Str).aliases(&["excludepkgs"]).doc("Packages to leave out."),
    Arg::str("failovermethod").choices(&["roundrobin", "priority"]).doc("Order of the base addresses."),
    Arg::str("gpgcakey").doc("Deprecated."),
    Arg::bool("gpgcheck").doc("Check signatures of packages."),
    Arg::list("gpgkey", ArgType::Str).doc("Addresses of the keys."),
    Arg::bool("module_hotfixes").doc("Bypass module filtering."),
    Arg::str("http_caching").choices(&["all", "packages", "none"]).doc("Deprecated."),
    Arg::str("include").doc("File to include."),
    Arg::list("includepkgs", ArgType::Str).doc("Packages to use only."),
    Arg::str("ip_resolve").choices(&["4", "6", "IPv4", "IPv6", "whatever"]).doc("Version of IP."),
    Arg::bool("keepalive").doc("Deprecated."),
    Arg::str("keepcache").choices(&["0", "1"]).doc("Deprecated."),
    Arg::str("metadata_expire").doc("When the metadata is old."),
    Arg::str("metadata_expire_filter")
        .choices(&["never", "read-only:past", "read-only:present", "read-only:future"])
        .doc("Deprecated."),
    Arg::str("metalink").doc("Address of a metalink."),
    Arg::str("mirrorlist").doc("Address of a list of mirrors."),
    Arg::str("mirrorlist_expire").doc("Deprecated."),
    Arg::str("password").no_log().doc("Password for basic authentication."),
    Arg::str("priority").doc("Priority from 1 (first) to 99."),
    Arg::bool("protect").doc("Deprecated."),
    Arg::str("proxy").doc("Address of a proxy."),
    Arg::str("proxy_password").no_log().doc("Its password."),
    Arg::str("proxy_username").doc("Its user."),
    Arg::bool("repo_gpgcheck").doc("Check the signature of the metadata."),
    Arg::str("retries").doc("Attempts at a download."),
    Arg::bool("s3_enabled").doc("Whether it lies in S3."),
    Arg::bool("skip_if_unavailable").doc("Go on without it."),
    Arg::str("sslcacert").aliases(&["ca_cert"]).doc("Certificates to trust."),
    Arg::bool("ssl_check_cert_permissions").doc("Deprecated."),
    Arg::str("sslclientcert").aliases(&["client_cert"]).doc("Client certificate."),
    Arg::str("sslclientkey").aliases(&["client_key"]).doc("Its key."),
    Arg::bool("sslverify").aliases(&["validate_certs"]).doc("Check the server's certificate."),
    Arg::str("throttle").doc("Limit of the bandwidth."),
    Arg::str("timeout").doc("Timeout in seconds."),
    Arg::str("ui_repoid_vars").doc("Deprecated."),
    Arg::str("username").doc("User for basic authentication."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::case;
    use serde_json::json;

    #[test]
    fn writes_sections_as_configparser_does() {
        let entry = Entry::of::<YumRepository>();
        let mut host = Fake::new().file("/etc/yum.repos.d/all.repo", "# note\n[other]\nname=Other\nbaseurl = a\n  b\n");
        let args = json!({"name": "v", "description": "V 1", "file": "all", "baseurl": ["http://x", "http://y"], "gpgcheck": false, "exclude": "a,b"});
        assert!(case(&entry, args, &mut host).unwrap().changed);
        assert_eq!(
            host.text("/etc/yum.repos.d/all.repo"),
            "[other]\nname = Other\nbaseurl = a\n\tb\n\n[v]\nbaseurl = http://x\n\thttp://y\nexclude = a b\ngpgcheck = 0\nname = V 1\n\n"
        );
        assert!(case(&entry, json!({"name": "v", "file": "all", "state": "absent"}), &mut host).unwrap().changed);
        assert!(case(&entry, json!({"name": "other", "file": "all", "state": "absent"}), &mut host).unwrap().changed);
        assert!(!host.exists(Path::new("/etc/yum.repos.d/all.repo")));
    }
}
