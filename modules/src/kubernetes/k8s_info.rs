//! `kubernetes.core.k8s_info`: objects of a cluster, as they are.

use super::api::{Api, ApiError};
use super::hidden;
use super::reach::{AUTH_ARGS, Reach};
use super::wait::{Patience, Sight, WAIT_ARGS, is_list};
use crate::contract::{Arg, ArgType, Call, Failure, Json, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct K8sInfo;

#[derive(Clone, Deserialize)]
pub struct Args {
    kind: String,
    api_version: String,
    name: Option<String>,
    namespace: Option<String>,
    label_selectors: Vec<String>,
    field_selectors: Vec<String>,
    hidden_fields: Option<Vec<String>>,
    #[serde(flatten)]
    patience: Patience,
    #[serde(flatten)]
    reach: Reach,
}

impl Module for K8sInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        shared: &[AUTH_ARGS, WAIT_ARGS],
        examples: "- name: Pods of the shop\n  kubernetes.core.k8s_info:\n    kind: Pod\n    namespace: shop\n    label_selectors: [app=web]\n",
        returns: &[
            Return { name: "api_found", when: "always", doc: "Whether the cluster knows this kind." },
            Return { name: "resources", when: "always", doc: "The objects." },
        ],
        differs: "Speaks with the API itself, without Python and kubectl; see kubernetes.core.k8s for what is refused.",
        ..ModuleSpec::new(
            "kubernetes.core.k8s_info",
            "Tells of objects of Kubernetes.",
            &[
                Arg::str("kind").required().doc("Kind of the objects."),
                Arg::str("api_version")
                    .aliases(&["api", "version"])
                    .default(Literal::Str("v1"))
                    .doc("Version of the API."),
                Arg::str("name").doc("Name of the object; all of them without."),
                Arg::str("namespace").doc("Its namespace; all of them without."),
                Arg::list("label_selectors", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Only objects with these labels."),
                Arg::list("field_selectors", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Only objects with these fields."),
                Arg::list("hidden_fields", ArgType::Str).doc("Parts that results leave out."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<()>, Failure> {
        let api = Api::reach(host, call, &args.reach)?;
        look(&args, &api, host).map(Plan::Done)
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}

fn look(args: &Args, api: &Api<'_>, host: &dyn Observe) -> Result<Outcome, Failure> {
    let failed = |e: ApiError| {
        let failure = Failure::new(format!("Failed to retrieve requested object: {e}"));
        e.reason.into_iter().fold(failure, |f, reason| f.with("reason", reason))
    };
    let found = api.resource(host, &args.kind, &args.api_version).map_err(failed)?;
    let mut outcome =
        Outcome::unchanged().with("resources", Json::Array(Vec::new())).with("api_found", found.is_some());
    let Some(resource) = found else {
        let msg = format!(
            "Failed to find API for resource with apiVersion \"{}\" and kind \"{}\"",
            args.api_version, args.kind
        );
        return Ok(outcome.with("msg", msg));
    };
    let mut query = Vec::new();
    for (name, list) in [("labelSelector", &args.label_selectors), ("fieldSelector", &args.field_selectors)] {
        if !list.is_empty() {
            query.push((name, list.join(",")));
        }
    }
    let sight = Sight { resource: &resource, name: args.name.as_deref(), namespace: args.namespace.as_deref(), query };
    let there = match args.patience.find(api, host, &sight) {
        Ok(waited) => waited.object,
        Err(e) if e.status == 400 => return Ok(outcome),
        Err(e) => return Err(failed(e)),
    };
    let mut objects = match there {
        Some(mut list) if is_list(&list) => list["items"].as_array_mut().map(std::mem::take).unwrap_or_default(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    if args.patience.wait {
        for object in &mut objects {
            let metadata = object["metadata"].clone();
            let sight = Sight {
                resource: &resource,
                name: metadata["name"].as_str(),
                namespace: metadata["namespace"].as_str(),
                query: Vec::new(),
            };
            let waited = args.patience.wait(api, host, &sight, true).map_err(failed)?;
            if !waited.success {
                return Err(Failure::new(format!(
                    "Failed to gather information about {}(s) even after waiting for {} seconds",
                    resource.kind, waited.duration
                )));
            }
            *object = waited.object.unwrap_or_default();
        }
    }
    if let Some(fields) = args.hidden_fields.as_deref().filter(|f| !f.is_empty()) {
        objects.iter_mut().for_each(|object| *object = hidden::without(object, fields));
    }
    outcome.set("resources", objects);
    Ok(outcome)
}
