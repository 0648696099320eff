use super::DockerContainer;
use crate::containers::scripted::Scripted;
use crate::containers::{DockerNetwork, DockerVolume};
use crate::contract::{Entry, Json, Outcome};
use crate::host::fake::Fake;
use crate::host::testing::run;
use serde_json::json;

const CONTAINER: Entry = Entry::of::<DockerContainer>();

/// In check mode, for good, and again; what changed the engine is compared.
fn case(entry: &Entry, engine: &Scripted, args: Json, changes: &[&str]) -> Outcome {
    let args = engine.args(args);
    let preview = run(entry, args.clone(), &mut Fake::new(), true).unwrap();
    assert!(engine.changes().is_empty(), "check mode changed the engine");
    let outcome = run(entry, args.clone(), &mut Fake::new(), false).unwrap();
    assert_eq!(engine.changes(), changes);
    assert_eq!((preview.changed, outcome.changed), (!changes.is_empty(), !changes.is_empty()));
    let again = run(entry, args, &mut Fake::new(), false).unwrap();
    assert!(!again.changed && engine.changes().is_empty(), "the second run changed something: {again:#?}");
    outcome
}

#[test]
fn a_container_comes_changes_and_goes() {
    let engine = Scripted::start();
    let base = json!({"name": "c", "image": "app:1", "env": {"A": "1"}, "ports": ["8080:80"], "memory": "64M",
        "volumes": ["/srv:/data:ro"], "restart_policy": "always", "ulimits": ["nofile:1:2"]});
    let with = |more: Json| {
        let mut args = base.clone();
        more.as_object().unwrap().iter().for_each(|(k, v)| args[k] = v.clone());
        args
    };
    let out = case(&CONTAINER, &engine, base.clone(), &["POST /containers/create", "POST /containers/id-1/start"]);
    let host = &out.values["container"]["HostConfig"];
    assert_eq!(host["PortBindings"], json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}));
    assert_eq!((&host["Memory"], &host["Binds"]), (&json!(67_108_864), &json!(["/srv:/data:ro"])));
    // Fewer variables are no difference, unless they are compared strictly.
    case(&CONTAINER, &engine, with(json!({"env": {}})), &[]);
    case(&CONTAINER, &engine, with(json!({"memory": "128M"})), &["POST /containers/id-1/update"]);
    let anew = |id: u32, new: u32| {
        [
            format!("POST /containers/id-{id}/stop"),
            format!("DELETE /containers/id-{id}"),
            "POST /containers/create".to_owned(),
            format!("POST /containers/id-{new}/start"),
        ]
    };
    let strict = with(json!({"env": {}, "comparisons": {"env": "strict"}}));
    case(&CONTAINER, &engine, strict, &anew(1, 3).each_ref().map(String::as_str));
    case(&CONTAINER, &engine, json!({"name": "c", "state": "stopped"}), &["POST /containers/id-3/stop"]);
    case(&CONTAINER, &engine, json!({"name": "c", "state": "absent"}), &["DELETE /containers/id-3"]);
}

#[test]
fn what_cannot_be() {
    let engine = Scripted::start();
    for (args, expected) in [
        (json!({"name": "c"}), "Cannot create container when image is not specified!"),
        (
            json!({"name": "c", "image": "app:1", "env": {"A": 1}}),
            "Non-string value found for env option. Ambiguous env options must be wrapped in quotes to avoid them being interpreted. Key: A",
        ),
        (
            json!({"name": "c", "image": "other:2", "pull": "never"}),
            "Cannot find image with name other:2, and pull=never",
        ),
        (
            json!({"name": "c", "image": "app:1", "networks": [{"name": "n"}]}),
            "Parameter error: network named n could not be found. Does it exist?",
        ),
        (
            json!({"name": "c", "image": "app:1", "volumes": ["/a:/b", "/c:/b"]}),
            "The mount point \"/b\" appears twice in the volumes option",
        ),
        (
            json!({"name": "c", "image": "app:1", "pull": "often"}),
            "value of pull must be one of: never, missing, always, True, False, got: often",
        ),
    ] {
        let failure = run(&CONTAINER, engine.args(args), &mut Fake::new(), false).unwrap_err();
        assert_eq!(failure.msg, expected);
    }
    assert!(engine.changes().is_empty());
    let nobody = json!({"name": "c", "docker_host": "unix:///nowhere.sock"});
    let failure = run(&CONTAINER, nobody, &mut Fake::new(), false).unwrap_err();
    assert_eq!(
        failure.msg,
        "Error connecting: Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))"
    );
}

#[test]
fn networks_and_volumes() {
    let engine = Scripted::start();
    let network = Entry::of::<DockerNetwork>();
    let args = json!({"name": "n", "driver_options": {"a": true}, "ipam_config": [{"subnet": "10.1.0.0/24"}]});
    let out = case(&network, &engine, args, &["POST /networks/create"]);
    assert_eq!(out.values["network"]["Options"], json!({"a": "true"}));
    let other = json!({"name": "n", "ipam_config": [{"subnet": "10.2.0.0/24"}], "labels": {"l": 1}});
    case(&network, &engine, other, &["DELETE /networks/n", "POST /networks/create"]);
    case(&network, &engine, json!({"name": "n", "state": "absent"}), &["DELETE /networks/n"]);
    let volume = Entry::of::<DockerVolume>();
    case(&volume, &engine, json!({"name": "v", "labels": {"a": "b"}}), &["POST /volumes/create"]);
    case(&volume, &engine, json!({"name": "v", "labels": {"a": "c"}}), &[]);
    let anew = json!({"name": "v", "labels": {"a": "c"}, "recreate": "options-changed"});
    case(&volume, &engine, anew, &["DELETE /volumes/v", "POST /volumes/create"]);
    case(&volume, &engine, json!({"name": "v", "state": "absent"}), &["DELETE /volumes/v"]);
}
