//! Waiting until objects are as wanted: ready, of a condition, there, or gone.

use super::api::{Answer, Api, Resource};
use crate::contract::{Arg, Json, Literal};
use crate::host::Observe;
use serde::Deserialize;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Arguments by which modules are told to wait.
pub const WAIT_ARGS: &[Arg] = &[
    Arg::bool("wait").default(Literal::Bool(false)).doc("Wait until it is ready, of the condition, or gone."),
    Arg::int("wait_sleep").default(Literal::Int(5)).doc("Seconds between two looks."),
    Arg::int("wait_timeout").default(Literal::Int(120)).doc("Seconds to wait at most."),
    Arg::dict("wait_condition")
        .options(&[
            Arg::str("type").doc("Type of the condition."),
            Arg::str("status").choices(&["True", "False", "Unknown"]).default(Literal::Str("True")).doc("Its status."),
            Arg::str("reason").doc("Its reason."),
        ])
        .doc("The condition that is waited for."),
];

/// The values of [`WAIT_ARGS`].
#[derive(Clone, Default, Deserialize)]
pub struct Patience {
    pub wait: bool,
    wait_sleep: i64,
    pub wait_timeout: i64,
    wait_condition: Option<Condition>,
}

#[derive(Clone, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: Option<String>,
    status: String,
    reason: Option<String>,
}

/// What is looked at.
pub struct Sight<'a> {
    pub resource: &'a Resource,
    pub name: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub query: Vec<(&'a str, String)>,
}

/// What waiting came to.
pub struct Waited {
    pub success: bool,
    /// What was there at last.
    pub object: Option<Json>,
    /// Seconds.
    pub duration: u64,
}

type Predicate<'p> = &'p dyn Fn(Option<&Json>) -> bool;

impl Patience {
    /// Waits until the object is as `present` or the condition wants it, or is gone.
    ///
    /// # Errors
    /// The server refuses, or did not answer at last.
    pub fn wait(&self, api: &Api<'_>, host: &dyn Observe, sight: &Sight<'_>, present: bool) -> Answer<Waited> {
        let condition = self.wait_condition.as_ref().and_then(|c| Some((c.kind.as_deref()?, c)));
        let kind = sight.resource.kind.as_str();
        self.until(api, host, sight, &|object| match (present, condition) {
            (false, _) => !exists(object),
            (true, Some((kind, condition))) => object.is_some_and(|o| condition.holds(kind, o)),
            (true, None) => ready(kind, object),
        })
    }

    /// Waits until it is there; with `once`, looks only.
    ///
    /// # Errors
    /// The server refuses, or did not answer at last.
    pub fn find(&self, api: &Api<'_>, host: &dyn Observe, sight: &Sight<'_>) -> Answer<Waited> {
        let look = Patience { wait_timeout: if self.wait { self.wait_timeout } else { 0 }, ..self.clone() };
        look.until(api, host, sight, &exists)
    }

    fn until(&self, api: &Api<'_>, host: &dyn Observe, sight: &Sight<'_>, done: Predicate<'_>) -> Answer<Waited> {
        let start = Instant::now();
        let limit = Duration::from_secs(u64::try_from(self.wait_timeout).unwrap_or(0));
        let pause = Duration::from_secs(u64::try_from(self.wait_sleep).unwrap_or(0)).max(Duration::from_millis(100));
        let path = sight.resource.path(sight.name, sight.namespace);
        let mut duration = 0;
        loop {
            let found = match api.get(host, &path, sight.query.clone()) {
                Ok(object) => Ok(Some(object)),
                Err(e) if e.status == 404 => Ok(None),
                // The network may come back.
                Err(e) if e.unanswered() => Err(e),
                Err(e) => return Err(e),
            };
            let success = found.as_ref().is_ok_and(|object| done(object.as_ref()));
            if success || start.elapsed() >= limit {
                return Ok(Waited { success, object: found?, duration });
            }
            sleep(pause);
            duration = start.elapsed().as_secs();
        }
    }
}

impl Condition {
    fn holds(&self, kind: &str, object: &Json) -> bool {
        let conditions = object["status"]["conditions"].as_array();
        let Some(found) = conditions.into_iter().flatten().find(|c| c["type"] == kind) else { return false };
        let status = found["status"].as_str().filter(|word| ["True", "Unknown"].contains(word)).unwrap_or("False");
        status == self.status && self.reason.as_ref().is_none_or(|r| r.is_empty() || found["reason"] == r.as_str())
    }
}

/// Whether it is there; a list, whether it has items.
pub fn exists(object: Option<&Json>) -> bool {
    object.is_some_and(|o| !is_list(o) || o["items"].as_array().is_some_and(|items| !items.is_empty()))
}

pub fn is_list(object: &Json) -> bool {
    object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
}

/// Whether an object of this kind does its work; of other kinds, whether it is there.
fn ready(kind: &str, object: Option<&Json>) -> bool {
    let Some(o) = object else { return false };
    let (spec, status) = (&o["spec"], &o["status"]);
    let count = |value: &Json| value.as_i64().unwrap_or(0);
    let seen = || status["observedGeneration"] == o["metadata"]["generation"];
    match kind {
        "Deployment" => {
            !status.is_null()
                && spec["replicas"].as_i64() == Some(count(&status["replicas"]))
                && status["availableReplicas"] == status["replicas"]
                && seen()
                && count(&status["unavailableReplicas"]) == 0
        }
        "Pod" => status["containerStatuses"].as_array().is_some_and(|all| all.iter().all(|c| c["ready"] == true)),
        "DaemonSet" => {
            let wanted = &status["desiredNumberScheduled"];
            !wanted.is_null()
                && Some(count(&status["updatedNumberScheduled"])) == wanted.as_i64()
                && status["numberReady"] == *wanted
                && seen()
                && count(&status["numberUnavailable"]) == 0
                && count(&status["unavailableReplicas"]) == 0
        }
        "StatefulSet" => {
            let seen = count(&status["observedGeneration"]) == count(&o["metadata"]["generation"]);
            let replicas = !status.is_null() && seen && status["replicas"] == spec["replicas"];
            let wanted = spec["replicas"].as_i64();
            match spec["updateStrategy"]["type"].as_str() {
                Some("OnDelete") => replicas,
                Some("RollingUpdate") => {
                    replicas
                        && status["updateRevision"] == status["currentRevision"]
                        && Some(count(&status["updatedReplicas"])) == wanted
                        && Some(count(&status["readyReplicas"])) == wanted
                }
                _ => false,
            }
        }
        "ClusterOperator" => {
            let conditions = status["conditions"].as_array();
            let is = |kind: &str, wanted: &str| {
                conditions.into_iter().flatten().rfind(|c| c["type"] == kind).is_some_and(|c| c["status"] == wanted)
            };
            is("Degraded", "False") && is("Progressing", "False") && is("Available", "True")
        }
        _ => exists(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_that_do_their_work() {
        let up = json!({"metadata": {"generation": 2}, "spec": {"replicas": 2},
            "status": {"replicas": 2, "availableReplicas": 2, "observedGeneration": 2}});
        let mut old = up.clone();
        old["status"]["observedGeneration"] = 1.into();
        let none = json!({"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}});
        let pod = |ready: bool| json!({"status": {"containerStatuses": [{"ready": true}, {"ready": ready}]}});
        let daemons = json!({"metadata": {"generation": 1}, "status": {"desiredNumberScheduled": 0, "numberReady": 0,
            "observedGeneration": 1}});
        let set = json!({"metadata": {"generation": 1}, "spec": {"replicas": 1, "updateStrategy": {"type": "RollingUpdate"}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}});
        for (kind, object, expected) in [
            ("Deployment", &up, true),
            ("Deployment", &old, false),
            ("Deployment", &none, true),
            ("Deployment", &json!({"spec": {"replicas": 1}}), false),
            ("Pod", &pod(true), true),
            ("Pod", &pod(false), false),
            ("Pod", &json!({}), false),
            ("DaemonSet", &daemons, true),
            ("DaemonSet", &json!({}), false),
            ("StatefulSet", &set, true),
            ("ConfigMap", &json!({"kind": "ConfigMap"}), true),
        ] {
            assert_eq!(ready(kind, Some(object)), expected, "{kind} {object}");
        }
        assert!(!exists(Some(&json!({"kind": "PodList", "items": []}))) && !exists(None));
    }

    #[test]
    fn conditions() {
        let object =
            json!({"status": {"conditions": [{"type": "Progressing", "status": "Unknown", "reason": "Paused"}]}});
        let holds = |kind: &str, status: &str, reason: Option<&str>| {
            let reason = reason.map(str::to_owned);
            Condition { kind: None, status: status.to_owned(), reason }.holds(kind, &object)
        };
        assert!(holds("Progressing", "Unknown", Some("Paused")) && holds("Progressing", "Unknown", None));
        assert!(!holds("Progressing", "Unknown", Some("Other")) && !holds("Progressing", "True", None));
        assert!(!holds("Available", "False", None));
    }
}
