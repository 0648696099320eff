//! `kubernetes.core.helm_info`: a release of a chart, as it is.

use super::client::{HELM_ARGS, Helm, HelmArgs, STATES, documents};
use crate::contract::{Arg, ArgType, Call, Failure, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule};
use crate::host::{Change, Observe};
use serde::Deserialize;

pub struct HelmInfo;

#[derive(Clone, Deserialize)]
pub struct Args {
    release_name: String,
    release_namespace: String,
    release_state: Vec<String>,
    get_all_values: bool,
    #[serde(flatten)]
    helm: HelmArgs,
}

impl Module for HelmInfo {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        shared: &[HELM_ARGS],
        rules: &[
            Rule::MutuallyExclusive(&["context", "ca_cert"]),
            Rule::MutuallyExclusive(&["context", "validate_certs"]),
        ],
        examples: "- name: What runs of the shop\n  kubernetes.core.helm_info:\n    name: shop\n    namespace: shop\n",
        returns: &[Return {
            name: "status",
            when: "there is one",
            doc: "The release, with values, manifest, notes and hooks.",
        }],
        differs: "A kubeconfig as a mapping is refused.",
        ..ModuleSpec::new(
            "kubernetes.core.helm_info",
            "Tells of a release of a chart.",
            &[
                Arg::str("release_name").required().aliases(&["name"]).doc("Name of the release."),
                Arg::str("release_namespace").required().aliases(&["namespace"]).doc("Its namespace."),
                Arg::list("release_state", ArgType::Str)
                    .default(Literal::Strs(&[]))
                    .doc("Only releases in one of these states; deployed ones without."),
                Arg::bool("get_all_values").default(Literal::Bool(false)).doc("Tell of the chart's own values too."),
            ],
        )
    };
    type Args = Args;
    type Work = ();

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<()>, Failure> {
        let helm = Helm::of(host, &args.helm, Some(&args.release_namespace))?;
        let name = args.release_name.as_str();
        // What is no state is passed over.
        let wanted = |state: &&str| args.release_state.iter().any(|given| given == "all" || given == state);
        let states: Vec<&str> = STATES.into_iter().filter(wanted).collect();
        let Some(mut release) = helm.release(host, name, &states, args.get_all_values)? else {
            return Ok(Plan::Done(Outcome::unchanged()));
        };
        let get = |what: &str| helm.told(host, &format!("{} get {what} {name}", helm.program), None);
        release["manifest"] = documents(&get("manifest")?)?.into();
        release["notes"] = get("notes")?.into();
        release["hooks"] = documents(&get("hooks")?)?.into();
        Ok(Plan::Done(Outcome::unchanged().with("status", release)))
    }

    fn preview((): &(), _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply((): (), _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        Ok(Outcome::unchanged())
    }
}
