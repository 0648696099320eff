//! `kubernetes.core.helm`: releases of charts, there or gone.

use super::client::{HELM_ARGS, Helm, HelmArgs, STATES, at_least, documents};
use crate::contract::{
    Arg, ArgType, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Hand, Observe};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

pub struct HelmRelease;

#[derive(Clone, Deserialize)]
pub struct Args {
    chart_ref: Option<String>,
    chart_repo_url: Option<String>,
    chart_version: Option<String>,
    dependency_update: bool,
    release_name: String,
    release_namespace: String,
    release_state: String,
    release_values: JsonMap,
    values_files: Vec<String>,
    update_repo_cache: bool,
    disable_hook: bool,
    force: bool,
    purge: bool,
    wait: bool,
    wait_timeout: Option<String>,
    timeout: Option<String>,
    atomic: bool,
    create_namespace: bool,
    post_renderer: Option<String>,
    replace: bool,
    skip_crds: bool,
    history_max: Option<i64>,
    set_values: Option<Vec<SetValue>>,
    reuse_values: Option<bool>,
    reset_values: bool,
    reset_then_reuse_values: bool,
    insecure_skip_tls_verify: bool,
    plain_http: bool,
    take_ownership: bool,
    skip_schema_validation: bool,
    #[serde(flatten)]
    helm: HelmArgs,
}

#[derive(Clone, Deserialize)]
struct SetValue {
    value: String,
    value_type: Option<String>,
}

pub enum Work {
    /// To be done.
    Wanted(Box<Args>),
    /// What would be done.
    Told(Outcome),
}

impl Module for HelmRelease {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[HELM_ARGS],
        rules: &[
            Rule::RequiredIf {
                arg: "release_state",
                value: Literal::Str("present"),
                required: &["release_name", "chart_ref"],
                any: false,
            },
            Rule::MutuallyExclusive(&["context", "ca_cert"]),
            Rule::MutuallyExclusive(&["replace", "history_max"]),
            Rule::MutuallyExclusive(&["wait_timeout", "timeout"]),
        ],
        examples: "- name: The ingress\n  kubernetes.core.helm:\n    name: ingress\n    namespace: ingress\n    create_namespace: true\n    chart_ref: ingress-nginx/ingress-nginx\n    chart_version: 4.11.0\n    values:\n      controller:\n        replicaCount: 2\n",
        returns: &[
            Return { name: "status", when: "always", doc: "The release, as helm tells of it, with its values." },
            Return { name: "command", when: "always", doc: "The command." },
            Return { name: "stdout", when: "always", doc: "What helm told." },
            Return { name: "stderr", when: "always", doc: "What else it told." },
        ],
        differs: "Values go to helm by its standard input, not by a file. Check mode does not refresh the repositories. A kubeconfig as a mapping is refused.",
        ..ModuleSpec::new(
            "kubernetes.core.helm",
            "Manages releases of charts with helm.",
            &[
                Arg::path("chart_ref").doc("The chart: a name in a repository, a directory, an archive or a URL."),
                Arg::str("chart_repo_url").doc("Repository of the chart."),
                Arg::str("chart_version").doc("Version of the chart; the newest without."),
                Arg::bool("dependency_update")
                    .aliases(&["dep_up"])
                    .default(Literal::Bool(false))
                    .doc("Bring the charts that it needs up to date."),
                Arg::str("release_name").required().aliases(&["name"]).doc("Name of the release."),
                Arg::str("release_namespace").required().aliases(&["namespace"]).doc("Its namespace."),
                Arg::str("release_state")
                    .aliases(&["state"])
                    .choices(&["present", "absent"])
                    .default(Literal::Str("present"))
                    .doc("What is to be of it."),
                Arg::dict("release_values")
                    .aliases(&["values"])
                    .default(Literal::EmptyDict)
                    .doc("Values for the chart."),
                Arg::list("values_files", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Files on the host with values."),
                Arg::bool("update_repo_cache").default(Literal::Bool(false)).doc("Refresh the repositories first."),
                Arg::bool("disable_hook").default(Literal::Bool(false)).doc("Run no hooks."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Replace objects that cannot be changed."),
                Arg::bool("purge").default(Literal::Bool(true)).doc("With absent: forget its history."),
                Arg::bool("wait").default(Literal::Bool(false)).doc("Wait until all is ready, or gone."),
                Arg::str("wait_timeout").doc("How long to wait: `5m`."),
                Arg::str("timeout").doc("How long single operations may take: `5m`."),
                Arg::bool("atomic").default(Literal::Bool(false)).doc("Undo what fails."),
                Arg::bool("create_namespace").default(Literal::Bool(false)).doc("Make the namespace."),
                Arg::str("post_renderer").doc("Program that what is rendered goes through."),
                Arg::bool("replace").default(Literal::Bool(false)).doc("Use a name again that has only history."),
                Arg::bool("skip_crds").default(Literal::Bool(false)).doc("Install no definitions of kinds."),
                Arg::int("history_max").doc("How many revisions are kept."),
                Arg::list("set_values", ArgType::Dict)
                    .options(&[
                        Arg::str("value").required().doc("`name=value`."),
                        Arg::str("value_type")
                            .choices(&["raw", "string", "json", "file"])
                            .default(Literal::Str("raw"))
                            .doc("What it is."),
                    ])
                    .doc("Single values. They stand in helm's arguments."),
                Arg::bool("reuse_values").doc("Keep the values of before."),
                Arg::bool("reset_values").default(Literal::Bool(true)).doc("Begin with the chart's own values."),
                Arg::bool("reset_then_reuse_values")
                    .default(Literal::Bool(false))
                    .doc("Begin with the chart's own values, then those of before."),
                Arg::bool("insecure_skip_tls_verify")
                    .default(Literal::Bool(false))
                    .aliases(&["skip_tls_certs_check"])
                    .doc("Do not check the repository's certificate."),
                Arg::bool("plain_http").default(Literal::Bool(false)).doc("Fetch the chart without TLS."),
                Arg::bool("take_ownership").default(Literal::Bool(false)).doc("Take objects over that others made."),
                Arg::bool("skip_schema_validation")
                    .default(Literal::Bool(false))
                    .doc("Do not check values by the chart's schema."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if !call.check {
            return Ok(Plan::Work(Work::Wanted(Box::new(args))));
        }
        let outcome = manage(&args, &mut Hand::look(host), call)?;
        Ok(if outcome.changed { Plan::Work(Work::Told(outcome)) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        match work {
            Work::Told(outcome) => outcome.clone(),
            Work::Wanted(_) => Outcome::changed(true),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        match work {
            Work::Wanted(args) => manage(&args, &mut Hand::Change(host), call),
            Work::Told(outcome) => Ok(outcome),
        }
    }
}

/// What is to be run, and what is told of it.
struct Plans {
    /// The command as far as it is made up; run where `change`.
    line: String,
    change: bool,
    diff: Option<Diff>,
    warnings: Vec<String>,
}

fn manage(args: &Args, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let helm = Helm::of(hand.host(), &args.helm, Some(&args.release_namespace))?;
    if args.update_repo_cache && !hand.only_looks() {
        helm.act(hand, &format!("{} repo update", helm.program), None)?;
    }
    let absent = args.release_state == "absent";
    let name = args.release_name.as_str();
    let states: &[&str] = if absent { &STATES } else { &[] };
    let release = helm.release(hand.host(), name, states, false)?;
    check_versions(args, &helm, hand.host())?;
    let one = One { args, helm: &helm, release: release.as_ref() };
    let plans = if absent { one.removal(hand.host())? } else { one.deployment(hand, call)? };
    let mut outcome = Outcome::changed(plans.change).with("command", plans.line.as_str());
    outcome.warnings = plans.warnings;
    outcome.diff.extend(plans.diff);
    if hand.only_looks() {
        let current = release.as_ref().map_or_else(|| json!({}), |r| r["values"].clone());
        let declared = release.unwrap_or_else(|| json!({}));
        let status = json!({"values": {"current": current, "declared": declared}});
        return Ok(outcome.with("status", status).with("stdout", "").with("stderr", ""));
    }
    if !plans.change {
        return Ok(outcome.with("status", release).with("stdout", "").with("stderr", ""));
    }
    let values = one.values_text();
    let stdin = values.as_ref().map(String::as_bytes).filter(|_| !absent);
    let warnings = &outcome.warnings;
    let out =
        helm.act(hand, &plans.line, stdin).map_err(|failure| Failure { warnings: warnings.clone(), ..failure })?;
    let status = helm.release(hand.host(), name, &STATES, false)?;
    Ok(outcome.with("stdout", out.stdout_text()).with("stderr", out.stderr_text()).with("status", status))
}

fn check_versions(args: &Args, helm: &Helm, host: &dyn Observe) -> Result<(), Failure> {
    let json = args.set_values.iter().flatten().any(|v| v.value_type.as_deref() == Some("json"));
    for (given, option, version) in [
        (args.plain_http, "plain_http", (3, 13, 0)),
        (args.take_ownership, "take_ownership", (3, 17, 0)),
        (args.skip_schema_validation, "skip_schema_validation", (3, 16, 0)),
        (args.insecure_skip_tls_verify, "insecure_skip_tls_verify", (3, 16, 0)),
        (args.reset_then_reuse_values, "reset_then_reuse_values", (3, 14, 0)),
        (json, "set_values with value type set to 'json'", (3, 10, 0)),
    ] {
        if given {
            helm.needs(host, option, version)?;
        }
    }
    Ok(())
}

struct One<'a> {
    args: &'a Args,
    helm: &'a Helm,
    release: Option<&'a Json>,
}

impl One<'_> {
    /// The values as helm reads them from its standard input.
    fn values_text(&self) -> Option<String> {
        let values = &self.args.release_values;
        (!values.is_empty()).then(|| Json::Object(values.clone()).to_string())
    }

    fn removal(&self, host: &dyn Observe) -> Result<Plans, Failure> {
        let (args, program) = (self.args, &self.helm.program);
        let mut plans = Plans { line: program.clone(), change: false, diff: None, warnings: Vec::new() };
        let there = self.release.is_some_and(|r| r["status"].as_str().is_none_or(|s| !s.starts_with("uninstall")));
        if !there {
            return Ok(plans);
        }
        if args.replace {
            return Err(Failure::new("replace is not applicable when state is absent"));
        }
        let mut wait = args.wait;
        if wait && self.helm.needs(host, "wait", (3, 7, 0)).is_err() {
            plans.warnings.push("helm uninstall support option --wait for helm release >= 3.7.0".to_owned());
            wait = false;
        }
        let mut line = format!("{program} uninstall ");
        let mut option = |given: bool, text: &str| line.push_str(if given { text } else { "" });
        option(!args.purge, " --keep-history");
        option(args.disable_hook, " --no-hooks");
        option(wait, " --wait");
        if let Some(limit) = &args.wait_timeout {
            option(true, &format!(" --timeout {limit}"));
        }
        option(true, &format!(" {}", args.release_name));
        plans.line = line;
        plans.change = true;
        Ok(plans)
    }

    fn deployment(&self, hand: &mut Hand<'_>, call: &Call) -> Result<Plans, Failure> {
        let args = self.args;
        let chart = args.chart_ref.as_deref().unwrap_or_default();
        let mut base = self.helm.program.clone();
        if let Some(version) = &args.chart_version {
            base.push_str(&format!(" --version={version}"));
        }
        if let Some(url) = &args.chart_repo_url {
            base.push_str(&format!(" --repo={url}"));
        }
        let mut plans = Plans { line: base.clone(), change: false, diff: None, warnings: Vec::new() };
        let mut show = format!("{base} show chart '{chart}'");
        show.push_str(if args.insecure_skip_tls_verify { " --insecure-skip-tls-verify" } else { "" });
        show.push_str(if args.plain_http { " --plain-http" } else { "" });
        let told = documents(&self.helm.told(hand.host(), &show, None)?)?;
        let info = told.first().cloned().unwrap_or_default();
        let update = args.dependency_update && self.dependencies(&info, chart, hand, &mut plans)?;
        if let Some(release) = self.release {
            let would = self.would_change(release, &info, hand.host(), call, &mut plans)?;
            plans.change = args.force || would;
        } else {
            plans.change = true;
        }
        if plans.change {
            plans.line = self.deploy(base, chart, update);
        }
        Ok(plans)
    }

    /// Brings the charts that it needs up to date; tells whether installing is to do that.
    fn dependencies(&self, info: &Json, chart: &str, hand: &mut Hand<'_>, plans: &mut Plans) -> Result<bool, Failure> {
        if info["dependencies"].as_array().is_none_or(Vec::is_empty) {
            plans.warnings.push("There is no dependencies block defined in Chart.yaml. Dependency update will not be performed. Please consider add dependencies block or disable dependency_update to remove this warning.".to_owned());
            return Ok(true);
        }
        let remote = chart.starts_with("http://") || chart.starts_with("https://");
        if self.args.chart_repo_url.is_none() && !remote {
            if !hand.only_looks() {
                self.helm.act(hand, &format!("{} dependency update '{chart}'", self.helm.program), None)?;
            }
            return Ok(false);
        }
        plans.warnings.push("This is a not stable feature with 'chart_repo_url'. Please consider to use dependency update with on-disk charts".to_owned());
        if !self.args.replace {
            return Err(Failure::new(
                "'--dependency-update' hasn't been supported yet with 'helm upgrade'. Please use 'helm install' instead by adding 'replace' option",
            ));
        }
        Ok(true)
    }

    fn set_values(&self) -> Option<String> {
        let all = self.args.set_values.as_ref().filter(|all| !all.is_empty())?;
        let one = |set: &SetValue| match set.value_type.as_deref() {
            None | Some("raw") => format!("--set {}", set.value),
            Some(kind) => format!("--set-{kind} '{}'", set.value),
        };
        Some(all.iter().map(one).collect::<Vec<_>>().join(" "))
    }

    /// Whether an upgrade would change something: by the plugin `diff`, else by versions and values.
    fn would_change(
        &self,
        release: &Json,
        info: &Json,
        host: &dyn Observe,
        call: &Call,
        plans: &mut Plans,
    ) -> Result<bool, Failure> {
        let args = self.args;
        let differ = self.helm.plugin(host, "diff")?;
        match differ {
            Some(version) if args.chart_repo_url.is_none() || at_least(&version, (3, 4, 1)) => {
                if args.reset_then_reuse_values && !at_least(&version, (3, 9, 12)) {
                    return Err(Failure::new(format!(
                        "reset_then_reuse_values requires helm diff >= 3.9.12, current version is {version}\n"
                    )));
                }
                let values = self.values_text();
                let said = self.helm.told(host, &self.difference(), values.as_ref().map(String::as_bytes))?;
                let said = said.trim();
                if !said.is_empty() && call.diff {
                    plans.diff = Some(Diff { prepared: Some(said.to_owned()), ..Diff::default() });
                }
                Ok(!said.is_empty())
            }
            _ => {
                plans.warnings.push("The default idempotency check can fail to report changes in certain cases. Install helm diff >= 3.4.1 for better results.".to_owned());
                self.differs(release, info, host)
            }
        }
    }

    /// The command by which the plugin tells what would change.
    fn difference(&self) -> String {
        let args = self.args;
        let chart = args.chart_ref.as_deref().unwrap_or_default();
        let mut line = format!("{} diff upgrade {} {chart}", self.helm.program, args.release_name);
        let mut option = |given: bool, text: String| line.push_str(if given { &text } else { "" });
        if let Some(url) = &args.chart_repo_url {
            option(true, format!(" --repo={url}"));
        }
        if let Some(version) = &args.chart_version {
            option(true, format!(" --version={version}"));
        }
        let reset = if args.reset_values { "True" } else { "False" };
        option(!args.replace, format!(" --reset-values={reset}"));
        if let Some(program) = &args.post_renderer {
            option(true, format!(" --post-renderer={program}"));
        }
        args.values_files.iter().for_each(|file| option(true, format!(" --values={file}")));
        option(!args.release_values.is_empty(), " -f=-".to_owned());
        if let Some(values) = self.set_values() {
            option(true, format!(" {values}"));
        }
        option(args.reuse_values == Some(true), " --reuse-values".to_owned());
        option(args.reset_then_reuse_values, " --reset-then-reuse-values".to_owned());
        option(args.insecure_skip_tls_verify, " --insecure-skip-tls-verify".to_owned());
        option(args.skip_schema_validation, " --skip-schema-validation".to_owned());
        option(args.plain_http, " --plain-http".to_owned());
        line
    }

    /// Whether the chart, its version, that of what it installs, or the values are otherwise than what is released.
    fn differs(&self, release: &Json, info: &Json, host: &dyn Observe) -> Result<bool, Failure> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let values = if self.args.values_files.is_empty() {
            Json::Object(self.args.release_values.clone())
        } else {
            let mut all = JsonMap::new();
            for file in &self.args.values_files {
                let failed = |e: std::io::Error| Failure::io(format!("cannot read {file}"), &e);
                let text = host.read_text(Path::new(file)).map_err(failed)?;
                if let Some(Json::Object(values)) = documents(&text)?.into_iter().next() {
                    all.extend(values);
                }
            }
            Json::Object(all)
        };
        let chart = format!("{}-{}", text(&info["name"]), text(&info["version"]));
        let runs = (&info["appVersion"], &release["app_version"]);
        let same_app = runs.0 == runs.1 || runs.0.is_null() && (runs.1 == "" || runs.1.is_null());
        Ok(!equal(&release["values"], &values) || release["chart"] != chart.as_str() || !same_app)
    }

    fn deploy(&self, base: String, chart: &str, update: bool) -> String {
        let args = self.args;
        let mut line = base;
        let mut option = |given: bool, text: &str| line.push_str(if given { text } else { "" });
        option(args.replace, " install");
        option(args.replace && update, " --dependency-update");
        option(!args.replace, " upgrade -i");
        option(!args.replace && args.reset_values, " --reset-values");
        option(!args.replace && args.take_ownership && self.release.is_some(), " --take-ownership");
        if let Some(reuse) = args.reuse_values {
            option(true, if reuse { " --reuse-values=True" } else { " --reuse-values=False" });
        }
        option(args.reset_then_reuse_values, " --reset-then-reuse-values");
        option(args.wait, " --wait");
        if let Some(limit) = args.wait_timeout.as_ref().filter(|_| args.wait) {
            option(true, &format!(" --timeout {limit}"));
        }
        option(args.atomic, " --atomic");
        if let Some(limit) = &args.timeout {
            option(true, &format!(" --timeout {limit}"));
        }
        option(args.force && self.release.is_some(), " --force");
        option(args.replace, " --replace");
        option(args.disable_hook, " --no-hooks");
        option(args.create_namespace, " --create-namespace");
        option(args.insecure_skip_tls_verify, " --insecure-skip-tls-verify");
        option(args.plain_http, " --plain-http");
        args.values_files.iter().for_each(|file| option(true, &format!(" --values={file}")));
        option(!args.release_values.is_empty(), " -f=-");
        if let Some(program) = &args.post_renderer {
            option(true, &format!(" --post-renderer={program}"));
        }
        option(args.skip_crds, " --skip-crds");
        if let Some(count) = args.history_max {
            option(true, &format!(" --history-max={count}"));
        }
        if let Some(values) = self.set_values() {
            option(true, &format!(" {values}"));
        }
        option(args.skip_schema_validation, " --skip-schema-validation");
        option(true, &format!(" {} '{chart}'", args.release_name));
        line
    }
}

/// Equal as data: 1 and 1.0 are the same number.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Number(_), Json::Number(_)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
