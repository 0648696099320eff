//! Data cases of the modules that run helm, with its answers as it gives them.

use super::{HelmInfo, HelmRelease, HelmRepository};
use crate::contract::{Entry, Json};
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run};
use serde_json::json;

const RELEASE: Entry = Entry::of::<HelmRelease>();
const INFO: Entry = Entry::of::<HelmInfo>();
const REPOSITORY: Entry = Entry::of::<HelmRepository>();

const CHART: &str = "apiVersion: v2\nappVersion: \"1.0\"\nname: shop\nversion: 0.1.0\n";
const LISTED: &str = r#"[{"name":"web","namespace":"n","revision":"1","updated":"2026-01-01","status":"deployed","chart":"shop-0.1.0","app_version":"1.0"}]"#;

const EVERY: &str = " --deployed --failed --pending --superseded --uninstalled --uninstalling";

fn helm() -> Fake {
    Fake::new()
        .file_mode("/usr/bin/helm", "", 0o755)
        .answer("/usr/bin/helm version", 0, "version.BuildInfo{Version:\"v3.14.0\", GitCommit:\"\"}\n")
        .answer("/usr/bin/helm show chart /charts/shop", 0, CHART)
        .answer("/usr/bin/helm plugin list", 0, "NAME\tVERSION\tDESCRIPTION\n")
}

/// What helm tells once the release is there, with these values.
fn released(host: &mut Fake, values: &str) {
    for all in ["", EVERY] {
        host.set_answer(&format!("/usr/bin/helm list --output=json --filter web{all}"), 0, LISTED);
    }
    host.set_answer("/usr/bin/helm get values --output=json web", 0, values);
}

fn nothing(host: Fake) -> Fake {
    let list = "/usr/bin/helm list --output=json --filter web";
    host.answer(list, 0, "[]\n").answer(&format!("{list}{EVERY}"), 0, "[]\n")
}

fn args(more: Json) -> Json {
    let mut args = json!({"name": "web", "namespace": "n", "chart_ref": "/charts/shop"});
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

#[test]
fn a_chart_is_installed_once() {
    let line = "/usr/bin/helm upgrade -i --reset-values --wait --timeout 5m --create-namespace -f=- web /charts/shop";
    let mut host = nothing(helm()).effect(line, 0, "installed\n", |host| released(host, r#"{"replicas":2}"#));
    let given = json!({"values": {"replicas": 2}, "create_namespace": true, "wait": true, "wait_timeout": "5m",
        "api_key": "s3cret", "kubeconfig": "/etc/admin.conf"});
    let out = case(&RELEASE, args(given), &mut host).unwrap();
    assert_eq!((out.changed, &out.values["stdout"]), (true, &json!("installed\n")));
    assert_eq!(out.values["status"]["values"], json!({"replicas": 2}));
    let ran = host.log().executed.last().unwrap().clone();
    assert_eq!(ran.stdin.unwrap(), br#"{"replicas":2}"#);
    assert!(!ran.args.join(" ").contains("s3cret"));
    let env: Vec<(&str, &str)> = ran.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(env, [("HELM_KUBETOKEN", "s3cret"), ("HELM_NAMESPACE", "n"), ("KUBECONFIG", "/etc/admin.conf")]);
}

#[test]
fn other_values_are_an_upgrade() {
    let mut host = helm().effect("/usr/bin/helm upgrade -i --reset-values -f=- web /charts/shop", 0, "", |host| {
        released(host, r#"{"replicas":3.0}"#);
    });
    released(&mut host, r#"{"replicas":2}"#);
    let out = case(&RELEASE, args(json!({"values": {"replicas": 3}})), &mut host).unwrap();
    assert!(out.warnings[0].starts_with("The default idempotency check"), "{:?}", out.warnings);
}

#[test]
fn the_plugin_tells_what_would_change() {
    let mut host = helm()
        .answer("/usr/bin/helm plugin list", 0, "NAME\tVERSION\tDESCRIPTION\ndiff\t3.9.4\tPreview\n")
        .answer("/usr/bin/helm diff upgrade web /charts/shop --reset-values=True", 0, "- old\n+ new\n")
        .effect("/usr/bin/helm upgrade -i --reset-values web /charts/shop", 0, "", |host| {
            host.set_answer("/usr/bin/helm diff upgrade web /charts/shop --reset-values=True", 0, "");
        });
    released(&mut host, "null");
    let out = case(&RELEASE, args(json!({})), &mut host).unwrap();
    assert_eq!(out.diff[0].prepared.as_deref(), Some("- old\n+ new"));
}

#[test]
fn a_release_goes() {
    let mut host = helm().effect("/usr/bin/helm uninstall --keep-history web", 0, "", |host| {
        *host = nothing(host.clone());
    });
    released(&mut host, "null");
    let given = json!({"name": "web", "namespace": "n", "state": "absent", "purge": false});
    let out = case(&RELEASE, given, &mut host).unwrap();
    assert_eq!(out.values["command"], "/usr/bin/helm uninstall  --keep-history web");
    assert_eq!(out.values["status"], Json::Null);
}

#[test]
fn faults_are_the_references() {
    for (given, msg) in [
        (json!({"plain_http": true, "binary_path": "/usr/bin/helm"}), ""),
        (json!({"take_ownership": true}), "take_ownership requires helm >= 3.17.0, current version is 3.14.0"),
        (
            json!({"kubeconfig": {"clusters": []}}),
            "a kubeconfig as a mapping is not supported with helm, which reads files; name one on the host",
        ),
        (json!({"wait_timeout": "1m", "timeout": "1m"}), "parameters are mutually exclusive: wait_timeout|timeout"),
    ] {
        let mut host = nothing(helm()).answer("/usr/bin/helm show chart /charts/shop --plain-http", 0, CHART);
        match run(&RELEASE, args(given.clone()), &mut host, true) {
            Ok(_) => assert_eq!(msg, "", "{given}"),
            Err(failure) => assert_eq!(failure.msg, msg, "{given}"),
        }
    }
    let mut host = nothing(helm()).answer_err("/usr/bin/helm show chart /charts/shop", 1, "", "Error: no\n");
    let failure = run(&RELEASE, args(json!({})), &mut host, true).unwrap_err();
    assert_eq!(failure.msg, "Failure when executing Helm command. Exited 1.\nstdout: \nstderr: Error: no\n");
    assert_eq!(failure.values["command"], "/usr/bin/helm show chart '/charts/shop'");
}

#[test]
fn repositories_come_and_go() {
    const LIST: &str = "/usr/bin/helm repo list --output=json";
    const THERE: &str = r#"[{"name":"r","url":"https://r"}]"#;
    let add = "/usr/bin/helm repo add r https://r --username=u --password-stdin";
    let mut host = helm()
        .answer_err(LIST, 1, "", "Error: no repositories to show\n")
        .effect(add, 0, "added\n", |host| host.set_answer(LIST, 0, THERE))
        .effect("/usr/bin/helm repo rm r", 0, "gone\n", |host| host.set_answer(LIST, 0, "[]"));
    let given = json!({"name": "r", "repo_url": "https://r", "username": "u", "password": "s3cret"});
    let out = case(&REPOSITORY, given, &mut host).unwrap();
    assert_eq!(out.values["command"], "/usr/bin/helm repo add r https://r --username=u --password=******");
    assert_eq!(host.log().executed.last().unwrap().stdin.as_deref(), Some(&b"s3cret"[..]));
    let other = json!({"name": "r", "repo_url": "https://other"});
    let failure = run(&REPOSITORY, other, &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "Repository already have a repository named r");
    let out = case(&REPOSITORY, json!({"name": "r", "state": "absent"}), &mut host).unwrap();
    assert_eq!(out.values["stdout"], "gone\n");
}

#[test]
fn what_is_released_is_told() {
    let mut host = helm()
        .answer("/usr/bin/helm get manifest web", 0, "---\nkind: Service\n---\nkind: Deployment\n")
        .answer("/usr/bin/helm get notes web", 0, "NOTES:\nhello\n")
        .answer("/usr/bin/helm get hooks web", 0, "");
    released(&mut host, "null");
    let out = once(&INFO, json!({"name": "web", "namespace": "n"}), &mut host).unwrap();
    let status = &out.values["status"];
    assert_eq!(status["manifest"], json!([{"kind": "Service"}, {"kind": "Deployment"}]));
    assert_eq!((&status["values"], &status["hooks"]), (&json!({}), &json!([])));
}
