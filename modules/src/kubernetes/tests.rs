//! Data cases of the modules, against a small API server.

use super::scripted::Scripted;
use super::{K8s, K8sInfo};
use crate::contract::{Entry, Json};
use crate::host::fake::Fake;
use crate::host::testing::{case, once, run};
use serde_json::json;

const K8S: Entry = Entry::of::<K8s>();
const INFO: Entry = Entry::of::<K8sInfo>();
const MAPS: &str = "/api/v1/namespaces/n/configmaps";

fn map(name: &str, data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data})
}

#[test]
fn an_object_comes_changes_and_goes() {
    let server = Scripted::start();
    let mut host = Fake::new();
    let args =
        |data: Json| server.args(json!({"definition": {"data": data}, "kind": "co", "name": "a", "namespace": "n"}));
    let out = case(&K8S, args(json!({"k": "1"})), &mut host).unwrap();
    assert_eq!((out.changed, &out.values["method"]), (true, &json!("create")));
    assert_eq!(out.values["result"]["kind"], "ConfigMap");
    let strategic = "strategic-merge-patch+json";
    assert_eq!(
        server.changes(),
        [format!("POST {MAPS} tried json"), format!("POST {MAPS} json"), format!("PATCH {MAPS}/a {strategic}")]
    );
    let out = case(&K8S, args(json!({"k": "2"})), &mut host).unwrap();
    assert_eq!(out.values["method"], "update");
    let diff = &out.diff[0];
    assert_eq!(diff.before, Some(json!({"metadata": {"resourceVersion": "1"}, "data": {"k": "1"}})));
    assert_eq!(diff.after, Some(json!({"metadata": {"resourceVersion": "3"}, "data": {"k": "2"}})));
    let absent =
        server.args(json!({"kind": "ConfigMap", "name": "a", "namespace": "n", "state": "absent", "wait": true}));
    let out = case(&K8S, absent, &mut host).unwrap();
    assert_eq!((&out.values["method"], &out.values["duration"]), (&json!("delete"), &json!(0)));
    assert_eq!(server.object(&format!("{MAPS}/a")), None);
    assert!(host.log().writes.is_empty() && host.executed().is_empty());
}

#[test]
fn what_was_applied_and_is_no_longer_wanted_goes() {
    let server = Scripted::start();
    let mut host = Fake::new();
    let args = |data: Json| server.args(json!({"definition": map("a", data), "apply": true}));
    case(&K8S, args(json!({"k": "1", "l": "2"})), &mut host).unwrap();
    case(&K8S, args(json!({"k": "1"})), &mut host).unwrap();
    let kept = server.object(&format!("{MAPS}/a")).unwrap();
    assert_eq!(kept["data"], json!({"k": "1", "l": null}), "the patch told so");
    let changes = server.changes();
    assert_eq!(changes.last().unwrap(), &format!("PATCH {MAPS}/a merge-patch+json"));
}

#[test]
fn several_objects_and_what_goes_wrong() {
    let server = Scripted::start();
    let mut host = Fake::new();
    let both = json!([map("bad", json!({})), null, map("good", json!({}))]);
    let out = once(&K8S, server.args(json!({"definition": both, "continue_on_error": true})), &mut host).unwrap();
    let results = &out.values["result"]["results"];
    assert!(results[0]["error"]["msg"].as_str().unwrap().contains("it is bad"), "{results}");
    assert_eq!((out.changed, &results[1]["method"]), (true, &json!("create")));
    let failure = run(&K8S, server.args(json!({"definition": both})), &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "Failed to create object: {\"message\":\"it is bad\"}");
    let list =
        json!({"kind": "ConfigMapList", "apiVersion": "v1", "items": [{"metadata": {"name": "l", "namespace": "n"}}]});
    case(&K8S, server.args(json!({"definition": list})), &mut host).unwrap();
    let all = json!({"kind": "ConfigMap", "namespace": "n", "state": "absent", "delete_all": true});
    let out = case(&K8S, server.args(all), &mut host).unwrap();
    assert_eq!(out.values["result"]["results"].as_array().unwrap().len(), 2);
}

#[test]
fn kinds_waiting_and_merging() {
    let server = Scripted::start();
    let mut host = Fake::new();
    let web = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "n"}, "spec": {"replicas": 1}});
    // A version without a group is found in any; a server that knows no strategic patches is asked otherwise.
    case(&K8S, server.args(json!({"definition": web})), &mut host).unwrap();
    let waits = json!({"definition": web, "wait": true, "wait_timeout": 0, "merge_type": "merge"});
    let failure = run(&K8S, server.args(waits), &mut host, false).unwrap_err();
    assert_eq!(failure.msg, "\"Deployment\" \"web\": Timed out waiting on resource");
    assert_eq!(failure.values["result"]["kind"], "Deployment");
    let hashed = json!({"definition": map("h", json!({"a": "1"})), "append_hash": true});
    let out = case(&K8S, server.args(hashed), &mut host).unwrap();
    assert!(out.values["result"]["metadata"]["name"].as_str().unwrap().starts_with("h-"));
    let patched = json!({"kind": "Namespace", "name": "none", "state": "patched"});
    let out = case(&K8S, server.args(patched), &mut host).unwrap();
    assert!(out.warnings[0].contains("was not found but will not be created"));
}

#[test]
fn faults_are_the_references() {
    let server = Scripted::start();
    for (args, msg) in [
        (json!({"kind": "ConfigMap", "name": "a"}), "Failed to create object: Namespace is required for v1.ConfigMap"),
        (
            json!({"kind": "Nope", "name": "a"}),
            "Failed to find exact match for v1.Nope by [kind, name, singularName, shortNames]",
        ),
        (json!({"state": "absent", "delete_all": true}), "'kind' option is required to specify the resource type."),
        (json!({"kind": "ConfigMap", "apply": true}), "Failed to apply object: name is required to apply v1.ConfigMap"),
        (
            json!({"validate": {"strict": true}}),
            "validate is not supported: the server itself validates what it is given",
        ),
        (json!({"proxy_headers": {}, "kind": "Namespace"}), "proxy_headers is not supported"),
        (
            json!({"api_key": "wrong", "kind": "Namespace", "name": "a"}),
            "Failed to retrieve requested object: {\"message\":\"Unauthorized\"}",
        ),
    ] {
        let mut given = server.args(args.clone());
        given["api_key"] = args.get("api_key").cloned().unwrap_or(given["api_key"].clone());
        assert_eq!(run(&K8S, given, &mut Fake::new(), false).unwrap_err().msg, msg);
    }
    let msg = run(&K8S, json!({"kind": "Namespace"}), &mut Fake::new(), true).unwrap_err().msg;
    assert_eq!(msg, "Could not create API client: Invalid kube-config file. No configuration found.");
}

#[test]
fn a_kubeconfig_names_a_program_for_the_token() {
    let server = Scripted::start();
    let mut host = Fake::new()
        .file("/root/.kube/config", server.kubeconfig())
        .file_mode("/usr/bin/give-token", "", 0o755)
        .answer("give-token now", 0, r#"{"status": {"token": "s3cret"}}"#);
    case(&K8S, json!({"definition": map("a", json!({"k": "1"}))}), &mut host).unwrap();
    let info = |args: Json, host: &mut Fake| run(&INFO, args, host, false).unwrap().values;
    let found =
        info(json!({"kind": "ConfigMap", "namespace": "n", "hidden_fields": ["metadata.resourceVersion"]}), &mut host);
    assert_eq!(json!(found["resources"]), json!([map("a", json!({"k": "1"}))]));
    let found = info(json!({"kind": "ConfigMap", "namespace": "n", "name": "none"}), &mut host);
    assert_eq!((&found["resources"], &found["api_found"]), (&json!([]), &json!(true)));
    let found = info(json!({"kind": "Nope"}), &mut host);
    assert_eq!(found["api_found"], false);
    let failure = run(&INFO, json!({"kind": "ConfigMap", "context": "other"}), &mut host, false).unwrap_err();
    assert!(failure.msg.ends_with("object with name other in /root/.kube/config/contexts list"), "{}", failure.msg);
}
