//! `kubernetes.core.k8s`: objects of a cluster, there, gone or patched.

use super::api::{Answer, Api, ApiError, Resource, Send};
use super::reach::{AUTH_ARGS, Reach};
use super::wait::{Patience, Sight, WAIT_ARGS, exists, is_list};
use super::{definitions, hash, hidden, merge, selector};
use crate::contract::{
    Arg, ArgType, Call, Diff, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule,
};
use crate::host::{Change, Hand, Observe};
use serde::Deserialize;
use serde_json::json;

pub struct K8s;

#[derive(Clone, Deserialize)]
pub struct Args {
    state: State,
    kind: Option<String>,
    api_version: String,
    name: Option<String>,
    generate_name: Option<String>,
    namespace: Option<String>,
    resource_definition: Option<Json>,
    src: Option<String>,
    template: Option<Json>,
    merge_type: Option<Vec<String>>,
    validate: Option<Json>,
    append_hash: bool,
    apply: bool,
    server_side_apply: Option<ServerSide>,
    delete_options: Option<Json>,
    delete_all: bool,
    continue_on_error: bool,
    force: bool,
    label_selectors: Option<Vec<String>>,
    hidden_fields: Option<Vec<String>>,
    #[serde(flatten)]
    patience: Patience,
    #[serde(flatten)]
    reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
    Patched,
}

#[derive(Clone, Deserialize)]
struct ServerSide {
    field_manager: String,
    force_conflicts: bool,
}

pub enum Work {
    /// To be done.
    Wanted(Box<Args>, Vec<Json>),
    /// What the server says would come of it.
    Tried(Outcome),
}

impl Module for K8s {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[AUTH_ARGS, WAIT_ARGS],
        rules: &[
            Rule::MutuallyExclusive(&["resource_definition", "src"]),
            Rule::MutuallyExclusive(&["merge_type", "apply"]),
            Rule::MutuallyExclusive(&["template", "resource_definition"]),
            Rule::MutuallyExclusive(&["template", "src"]),
            Rule::MutuallyExclusive(&["name", "generate_name"]),
        ],
        examples: "- name: A namespace\n  kubernetes.core.k8s:\n    kind: Namespace\n    name: shop\n\n- name: What a template says, and wait for it\n  kubernetes.core.k8s:\n    template: shop.yml.j2\n    namespace: shop\n    apply: true\n    wait: true\n",
        returns: &[
            Return { name: "result", when: "success", doc: "The object, or `results` with one entry for each." },
            Return { name: "method", when: "one object", doc: "create, update, replace, apply or delete." },
            Return { name: "duration", when: "wait", doc: "Seconds waited." },
            Return { name: "error", when: "continue_on_error", doc: "What went wrong." },
        ],
        differs: "Speaks with the API itself, without Python and kubectl. `validate`, `proxy_headers`, `no_proxy`, OpenShift's project requests and, in a kubeconfig, `auth-provider`, `tls-server-name` and impersonation are refused; programs named by `exec` are run. Nothing is kept between calls, so `persist_config` changes nothing.",
        ..ModuleSpec::new(
            "kubernetes.core.k8s",
            "Manages objects of Kubernetes.",
            &[
                Arg::str("state")
                    .choices(&["present", "absent", "patched"])
                    .default(Literal::Str("present"))
                    .doc("What is to be of them; `patched` makes nothing new."),
                Arg::str("kind").doc("Kind of the object."),
                Arg::str("api_version")
                    .aliases(&["api", "version"])
                    .default(Literal::Str("v1"))
                    .doc("Version of the API."),
                Arg::str("name").doc("Name of the object."),
                Arg::str("generate_name").doc("How a name begins that the server makes."),
                Arg::str("namespace").doc("Its namespace."),
                Arg::raw("resource_definition")
                    .aliases(&["definition", "inline"])
                    .doc("The object: a mapping, YAML, or a list of these."),
                Arg::path("src")
                    .doc("A file with it: on the host, or on the controller with a local connection; or a URL."),
                Arg::raw("template").doc("A template on the controller that gives it."),
                Arg::list("merge_type", ArgType::Str)
                    .choices(&["merge", "strategic-merge"])
                    .doc("Kinds of patches, tried in turn."),
                Arg::dict("validate")
                    .options(&[
                        Arg::bool("fail_on_error").doc("Refused."),
                        Arg::str("version").doc("Refused."),
                        Arg::bool("strict").default(Literal::Bool(true)).doc("Refused."),
                    ])
                    .doc("Refused."),
                Arg::bool("append_hash")
                    .default(Literal::Bool(false))
                    .doc("Add a hash of the content to the name of a ConfigMap or Secret."),
                Arg::bool("apply")
                    .default(Literal::Bool(false))
                    .doc("Compare with what was applied before: what is no longer wanted goes."),
                Arg::dict("server_side_apply")
                    .options(&[
                        Arg::str("field_manager").required().doc("Who manages the fields."),
                        Arg::bool("force_conflicts")
                            .default(Literal::Bool(false))
                            .doc("Take fields over that others manage."),
                    ])
                    .doc("With `apply`: the server compares."),
                Arg::dict("delete_options")
                    .options(&[
                        Arg::str("propagationPolicy")
                            .choices(&["Foreground", "Background", "Orphan"])
                            .doc("What comes of dependents."),
                        Arg::int("gracePeriodSeconds").doc("Seconds until it is ended."),
                        Arg::dict("preconditions")
                            .options(&[
                                Arg::str("resourceVersion").doc("Only if it is of this version."),
                                Arg::str("uid").doc("Only if it has this id."),
                            ])
                            .doc("What must be so."),
                    ])
                    .doc("How it is deleted."),
                Arg::bool("delete_all")
                    .aliases(&["all"])
                    .default(Literal::Bool(false))
                    .doc("With state absent and a kind without a name: all of the namespace."),
                Arg::bool("continue_on_error").default(Literal::Bool(false)).doc("Go on with the next object."),
                Arg::bool("force").default(Literal::Bool(false)).doc("Replace the object instead of patching it."),
                Arg::list("label_selectors", ArgType::Str).doc("Only objects with these labels."),
                Arg::list("hidden_fields", ArgType::Str).doc("Parts that results leave out."),
            ],
        )
    };
    type Args = Args;
    type Work = Work;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work>, Failure> {
        if args.validate.is_some() {
            return Err(Failure::new("validate is not supported: the server itself validates what it is given"));
        }
        if args.src.is_some() || args.template.is_some() {
            return Err(Failure::new("src and template are read before the module is called"));
        }
        let defaults = definitions::Defaults {
            kind: args.kind.as_deref(),
            api_version: &args.api_version,
            namespace: args.namespace.as_deref(),
            name: args.name.as_deref(),
            generate_name: args.generate_name.as_deref(),
        };
        let objects = definitions::read(args.resource_definition.as_ref(), &defaults)
            .map_err(|e| Failure::new(format!("Failed to load resource definition: {e}")))?;
        if !call.check {
            return Ok(Plan::Work(Work::Wanted(Box::new(args), objects)));
        }
        let outcome = all(&args, objects, &mut Hand::look(host), call)?;
        Ok(if outcome.changed { Plan::Work(Work::Tried(outcome)) } else { Plan::Done(outcome) })
    }

    fn preview(work: &Work, _: &Call) -> Outcome {
        match work {
            Work::Tried(outcome) => outcome.clone(),
            Work::Wanted(..) => Outcome::changed(true),
        }
    }

    fn apply(work: Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        match work {
            Work::Wanted(args, objects) => all(&args, objects, &mut Hand::Change(host), call),
            Work::Tried(outcome) => Ok(outcome),
        }
    }
}

/// What came of one object.
#[derive(Default)]
struct Done {
    changed: bool,
    values: JsonMap,
    diff: Option<Diff>,
    warnings: Vec<String>,
}

/// What went wrong with one object.
struct Wrong {
    msg: String,
    reason: Option<String>,
    /// What was done nonetheless.
    done: Option<Box<Done>>,
}

impl Wrong {
    fn new(msg: impl Into<String>) -> Self {
        Wrong { msg: msg.into(), reason: None, done: None }
    }
    fn because(what: &str, error: ApiError) -> Self {
        Wrong { msg: format!("Failed to {what}: {error}"), reason: error.reason, done: None }
    }
    fn values(&self) -> JsonMap {
        let mut values = self.done.as_ref().map(|d| d.values.clone()).unwrap_or_default();
        if let Some(reason) = &self.reason {
            values.insert("reason".to_owned(), reason.as_str().into());
        }
        values
    }
}

fn all(args: &Args, objects: Vec<Json>, hand: &mut Hand<'_>, call: &Call) -> Result<Outcome, Failure> {
    let api = Api::reach(hand.host(), call, &args.reach)?;
    let named = args.name.is_some() || args.resource_definition.is_some();
    let objects =
        if args.delete_all && args.state == State::Absent && !named { listed(args, &api, hand)? } else { objects };
    let single = objects.len() == 1;
    let mut changed = false;
    let mut results = Vec::new();
    for object in objects {
        let one = One { args, api: &api, diff: call.diff, object };
        match one.manage(hand) {
            Ok(done) if single => {
                let mut outcome = Outcome::changed(done.changed);
                outcome.values = done.values;
                outcome.diff.extend(done.diff);
                outcome.warnings = done.warnings;
                return Ok(outcome);
            }
            Ok(done) => {
                changed |= done.changed;
                results.push(done.into_json());
            }
            Err(wrong) if args.continue_on_error => {
                let mut error = wrong.values();
                error.insert("msg".to_owned(), wrong.msg.into());
                if single {
                    return Ok(Outcome::unchanged().with("result", json!({})).with("error", error));
                }
                results.push(json!({"changed": false, "result": {}, "error": error}));
            }
            Err(wrong) => {
                let mut failure = Failure { values: wrong.values(), ..Failure::new(wrong.msg) };
                if let Some(done) = wrong.done {
                    failure.changed = done.changed;
                    failure.diff.extend(done.diff);
                    failure.warnings = done.warnings;
                }
                return Err(failure);
            }
        }
    }
    Ok(Outcome::changed(changed).with("result", json!({"results": results})))
}

/// All objects of a kind in the namespace, for `delete_all`.
fn listed(args: &Args, api: &Api<'_>, hand: &Hand<'_>) -> Result<Vec<Json>, Failure> {
    let failed = |e: ApiError| Failure::new(format!("Failed to retrieve requested object: {e}"));
    let Some(kind) = &args.kind else {
        return Err(Failure::new("'kind' option is required to specify the resource type."));
    };
    let resource = find_resource(api, hand.host(), kind, &args.api_version).map_err(|wrong| Failure::new(wrong.msg))?;
    let query = selectors(args);
    match api.get(hand.host(), &resource.path(None, args.namespace.as_deref()), query) {
        Ok(mut list) => Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default()),
        Err(e) if matches!(e.status, 404 | 405) => Ok(Vec::new()),
        Err(e) => Err(failed(e)),
    }
}

fn selectors(args: &Args) -> Vec<(&'static str, String)> {
    let list = args.label_selectors.as_ref().filter(|l| !l.is_empty());
    list.map(|l| ("labelSelector", l.join(","))).into_iter().collect()
}

fn find_resource(api: &Api<'_>, host: &dyn Observe, kind: &str, version: &str) -> Result<Resource, Wrong> {
    let found = api.resource(host, kind, version).map_err(|e| Wrong::because("retrieve requested object", e))?;
    found.ok_or_else(|| {
        Wrong::new(format!("Failed to find exact match for {version}.{kind} by [kind, name, singularName, shortNames]"))
    })
}

/// One object that is managed.
struct One<'a> {
    args: &'a Args,
    api: &'a Api<'a>,
    diff: bool,
    object: Json,
}

impl One<'_> {
    fn name(&self) -> Option<&str> {
        self.object["metadata"]["name"].as_str().filter(|n| !n.is_empty())
    }
    fn namespace(&self) -> Option<&str> {
        self.object["metadata"]["namespace"].as_str().filter(|n| !n.is_empty())
    }

    fn manage(mut self, hand: &mut Hand<'_>) -> Result<Done, Wrong> {
        let args = self.args;
        let text = |value: &Json| value.as_str().unwrap_or("None").to_owned();
        let (kind, version) = (text(&self.object["kind"]), text(&self.object["apiVersion"]));
        let told = text(&self.object["metadata"]["name"]);
        let resource = find_resource(self.api, hand.host(), &kind, &version)?;
        self.object["kind"] = resource.kind.as_str().into();
        self.object["apiVersion"] = resource.group_version.as_str().into();
        if args.append_hash && ["ConfigMap", "Secret"].contains(&resource.kind.as_str()) {
            let hash = hash::of(&self.object);
            let key = if self.name().is_some() { "name" } else { "generateName" };
            if let Some(name) = self.object["metadata"][key].as_str().filter(|n| !n.is_empty()) {
                self.object["metadata"][key] = format!("{name}-{hash}").into();
            }
        }
        let existing = self.retrieve(&resource, hand)?;
        let mut done = Done::default();
        let instance = if args.state == State::Absent {
            done.changed = exists(existing.as_ref());
            done.method("delete");
            self.delete(&resource, existing.as_ref(), hand)?
        } else {
            if let Some(list) = args.label_selectors.as_ref().filter(|l| !l.is_empty())
                && !selector::fits(list, &self.object)
            {
                let namespace = self.namespace().unwrap_or("None");
                done.values.insert("result".to_owned(), json!({}));
                done.values.insert(
                    "msg".to_owned(),
                    format!("resource 'kind={kind},name={told},namespace={namespace}' filtered by label_selectors.")
                        .into(),
                );
                return Ok(done);
            }
            let (instance, warnings) = if args.apply {
                done.method("apply");
                self.apply(&resource, hand).map_err(|e| Wrong::because("apply object", e))?
            } else if existing.is_none() && args.state == State::Patched {
                done.values.insert("result".to_owned(), json!({}));
                done.warnings.push(format!(
                    "resource 'kind={kind},name={told}' was not found but will not be created as 'state' parameter has been set to 'patched'"
                ));
                return Ok(done);
            } else if existing.is_none() {
                done.method("create");
                done.changed = true;
                self.create(&resource, hand, &mut done.warnings)?
            } else if args.force {
                done.method("replace");
                self.replace(&resource, hand).map_err(|e| Wrong::because("replace object", e))?
            } else {
                done.method("update");
                self.update(&resource, hand).map_err(|e| Wrong::because("patch object", e))?
            };
            done.warnings.extend(warnings);
            instance
        };
        self.settle(&resource, existing, instance, &told, done, hand)
    }

    /// Waits where that is asked for, and tells what came of it.
    fn settle(
        &self,
        resource: &Resource,
        existing: Option<Json>,
        mut instance: Json,
        told: &str,
        mut done: Done,
        hand: &Hand<'_>,
    ) -> Result<Done, Wrong> {
        let args = self.args;
        let deleted = args.state == State::Absent;
        let mut success = true;
        if args.patience.wait && !hand.only_looks() {
            let whose = if deleted { &self.object } else { &instance };
            let metadata = whose["metadata"].clone();
            let sight = Sight {
                resource,
                name: metadata["name"].as_str(),
                namespace: metadata["namespace"].as_str(),
                query: selectors(args),
            };
            let waited = args
                .patience
                .wait(self.api, hand.host(), &sight, !deleted)
                .map_err(|e| Wrong::because("retrieve requested object", e))?;
            done.values.insert("duration".to_owned(), waited.duration.into());
            success = waited.success;
            if !deleted {
                instance = waited.object.unwrap_or_else(|| json!({}));
            }
        }
        if !deleted && done.values.get("method") != Some(&json!("create")) {
            done.compare(existing, &instance, args.hidden_fields.as_deref(), self.diff).map_err(Wrong::new)?;
        }
        let shown = match args.hidden_fields.as_deref() {
            Some(fields) if !fields.is_empty() => hidden::without(&instance, fields),
            _ => instance,
        };
        done.values.insert("result".to_owned(), shown);
        if !success {
            let msg = format!("\"{}\" \"{told}\": Timed out waiting on resource", resource.kind);
            return Err(Wrong { done: Some(Box::new(done)), ..Wrong::new(msg) });
        }
        Ok(done)
    }

    fn retrieve(&self, resource: &Resource, hand: &Hand<'_>) -> Result<Option<Json>, Wrong> {
        let query = selectors(self.args);
        if self.name().is_none() && query.is_empty() {
            return Ok(None);
        }
        match self.api.get(hand.host(), &resource.path(self.name(), self.namespace()), query) {
            Ok(found) => Ok(Some(found)),
            Err(e) if matches!(e.status, 404 | 405) => Ok(None),
            Err(e) => Err(Wrong::because("retrieve requested object", e)),
        }
    }

    /// Changes something; in check mode the server only tries.
    fn act(&self, hand: &mut Hand<'_>, method: &str, path: &str, mut send: Send<'_>) -> Answer<(Json, Vec<String>)> {
        match hand.change() {
            Some(host) => self.api.act(host.observe(), method, path, &send),
            None => {
                send.query.push(("dryRun", "All".to_owned()));
                self.api.act(hand.host(), method, path, &send)
            }
        }
    }

    fn create(
        &self,
        resource: &Resource,
        hand: &mut Hand<'_>,
        notes: &mut Vec<String>,
    ) -> Result<(Json, Vec<String>), Wrong> {
        match self.created(resource, &self.object, hand) {
            Err(e) if e.status == 409 => {
                notes.push(format!(
                    "{} was not found, but creating it returned a 409 Conflict error. This can happen if the resource you are creating does not directly create a resource of the same kind.",
                    self.name().unwrap_or("None")
                ));
                Ok((json!({}), Vec::new()))
            }
            other => other.map_err(|e| Wrong::because("create object", e)),
        }
    }

    fn created(&self, resource: &Resource, body: &Json, hand: &mut Hand<'_>) -> Answer<(Json, Vec<String>)> {
        resource.needs_namespace(self.namespace())?;
        let path = resource.path(None, self.namespace());
        self.act(hand, "POST", &path, Send { body: Some(body), ..Send::default() })
    }

    /// Where the object itself lives, for a change that needs its name.
    fn own_path(&self, resource: &Resource, what: &str) -> Answer<String> {
        let Some(name) = self.name() else {
            return Err(ApiError::of(format!(
                "name is required to {what} {}.{}",
                resource.group_version, resource.kind
            )));
        };
        resource.needs_namespace(self.namespace())?;
        Ok(resource.path(Some(name), self.namespace()))
    }

    fn replace(&self, resource: &Resource, hand: &mut Hand<'_>) -> Answer<(Json, Vec<String>)> {
        let path = self.own_path(resource, "replace")?;
        self.act(hand, "PUT", &path, Send { body: Some(&self.object), ..Send::default() })
    }

    fn patched(
        &self,
        resource: &Resource,
        body: &Json,
        kind: &str,
        hand: &mut Hand<'_>,
    ) -> Answer<(Json, Vec<String>)> {
        let path = self.own_path(resource, "patch")?;
        let kind = format!("application/{kind}-patch+json");
        self.act(hand, "PATCH", &path, Send { body: Some(body), content_type: Some(&kind), ..Send::default() })
    }

    /// Patches the object: of several kinds of patches, the first that the server takes.
    fn update(&self, resource: &Resource, hand: &mut Hand<'_>) -> Answer<(Json, Vec<String>)> {
        let given: Vec<&str> = self.args.merge_type.iter().flatten().map(String::as_str).collect();
        let kinds = if given.is_empty() { vec!["strategic-merge", "merge"] } else { given };
        let mut last = Err(ApiError::of("no kind of patch is left"));
        for kind in kinds {
            last = self.patched(resource, &self.object, kind, hand);
            if last.is_ok() {
                break;
            }
        }
        last
    }

    fn apply(&self, resource: &Resource, hand: &mut Hand<'_>) -> Answer<(Json, Vec<String>)> {
        let Some(name) = self.name() else {
            let kind = &resource.kind;
            return Err(ApiError::of(format!("name is required to apply {}.{kind}", resource.group_version)));
        };
        let path = self.own_path(resource, "apply")?;
        if let Some(how) = &self.args.server_side_apply {
            let mut query = vec![("fieldManager", how.field_manager.clone())];
            query.push(("force", how.force_conflicts.to_string()));
            let content_type = Some("application/apply-patch+yaml");
            return self.act(hand, "PATCH", &path, Send { query, body: Some(&self.object), content_type });
        }
        let actual = match self.api.get(hand.host(), &path, Vec::new()) {
            Ok(actual) => actual,
            Err(e) if e.status == 404 => return self.created(resource, &merge::annotated(&self.object), hand),
            Err(e) => return Err(e),
        };
        let patch = merge::patch(&actual, &self.object)
            .map_err(|e| ApiError::of(format!("Could not apply strategic merge to {}/{name}: {e}", resource.kind)))?;
        match patch {
            Some(patch) => self.patched(resource, &patch, "merge", hand),
            None => Ok((actual, Vec::new())),
        }
    }

    fn delete(&self, resource: &Resource, existing: Option<&Json>, hand: &mut Hand<'_>) -> Result<Json, Wrong> {
        let Some(existing) = existing.filter(|e| exists(Some(e))) else { return Ok(json!({})) };
        if is_list(existing) {
            let items = existing["items"].as_array().into_iter().flatten();
            return items.map(|item| self.deleted(resource, item, hand)).collect();
        }
        self.deleted(resource, &self.object, hand)
    }

    fn deleted(&self, resource: &Resource, object: &Json, hand: &mut Hand<'_>) -> Result<Json, Wrong> {
        let metadata = |key: &str| object["metadata"][key].as_str().filter(|t| !t.is_empty());
        let (name, namespace, query) = (metadata("name"), metadata("namespace"), selectors(self.args));
        let lacks = |what: &str| Wrong::new(format!("Failed to delete object: At least one of {what} is required"));
        if name.is_none() && query.is_empty() {
            return Err(lacks("name|label_selector|field_selector"));
        }
        if resource.namespaced && namespace.is_none() && query.is_empty() {
            return Err(lacks("namespace|label_selector|field_selector"));
        }
        let options = self.args.delete_options.as_ref().filter(|_| !hand.only_looks()).map(|given| {
            let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
            for (key, value) in given.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()) {
                body[key] = value.clone();
            }
            if let Some(conditions) = body["preconditions"].as_object_mut() {
                conditions.retain(|_, value| !value.is_null());
            }
            body
        });
        let send = Send { query, body: options.as_ref(), content_type: None };
        let path = resource.path(name, namespace);
        self.act(hand, "DELETE", &path, send).map(|(answer, _)| answer).map_err(|e| Wrong::because("delete object", e))
    }
}

impl Done {
    fn method(&mut self, name: &str) {
        self.values.insert("method".to_owned(), name.into());
    }

    /// Whether the object is otherwise than before; its generation and version alone do not count.
    fn compare(
        &mut self,
        existing: Option<Json>,
        instance: &Json,
        hide: Option<&[String]>,
        show: bool,
    ) -> Result<(), String> {
        let object = |value: &Json| value.as_object().cloned().unwrap_or_default();
        let before = existing.as_ref().map(object).unwrap_or_default();
        let Some((left, right)) = merge::difference(&before, &object(instance))? else {
            self.changed = false;
            if show {
                self.diff = Some(Diff::default());
            }
            return Ok(());
        };
        let side = |side: JsonMap| match hide {
            Some(fields) if !fields.is_empty() => object(&hidden::without(&side.into(), fields)),
            _ => side,
        };
        let (left, right) = (side(left), side(right));
        let only_counts = |side: &JsonMap| {
            side.len() == 1
                && side
                    .get("metadata")
                    .and_then(Json::as_object)
                    .is_some_and(|m| m.keys().all(|key| ["generation", "resourceVersion"].contains(&key.as_str())))
        };
        self.changed = !(only_counts(&left) && only_counts(&right));
        if !self.changed {
            self.warnings.push("No meaningful diff was generated, but the API may not be idempotent (only metadata.generation or metadata.resourceVersion were changed)".to_owned());
        }
        if show {
            self.diff = Some(Diff::data(left, right));
        }
        Ok(())
    }

    /// As one entry among several.
    fn into_json(self) -> Json {
        let mut out = self.values;
        out.insert("changed".to_owned(), self.changed.into());
        if let Some(diff) = self.diff {
            out.insert("diff".to_owned(), serde_json::to_value(diff).unwrap_or_default());
        }
        if !self.warnings.is_empty() {
            out.insert("warnings".to_owned(), self.warnings.into());
        }
        out.into()
    }
}
