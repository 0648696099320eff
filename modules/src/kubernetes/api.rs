//! The API of Kubernetes: what kinds there are, where their objects live, and requests for them.

use super::reach::{Cluster, Reach};
use crate::contract::{Call, Failure, Json};
use crate::host::Observe;
use crate::network::http::{self, Follow, Request, quote};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

/// The server refused, or did not answer (`status` 0).
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: u16,
    /// `Not Found`
    pub reason: Option<String>,
    /// What the server says, or why there is no answer.
    pub body: String,
}

impl ApiError {
    pub fn of(text: impl Into<String>) -> Self {
        ApiError { status: 0, reason: None, body: text.into() }
    }
    /// Whether nothing came back at all.
    pub fn unanswered(&self) -> bool {
        self.status == 0 && self.reason.is_none()
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.body)
    }
}

pub type Answer<T> = Result<T, ApiError>;

/// A kind of objects, as the server lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `/api` or `/apis`
    prefix: &'static str,
    /// `v1`, `apps/v1`
    pub group_version: String,
    /// In URLs: `pods`.
    plural: String,
    pub kind: String,
    pub namespaced: bool,
    singular: String,
    short: Vec<String>,
    verbs: usize,
}

impl Resource {
    /// Where an object lives, or all of them.
    pub fn path(&self, name: Option<&str>, namespace: Option<&str>) -> String {
        let mut path = format!("{}/{}", self.prefix, self.group_version);
        if let Some(namespace) = namespace.filter(|n| self.namespaced && !n.is_empty()) {
            path.push_str(&format!("/namespaces/{}", quote(namespace, "")));
        }
        path.push_str(&format!("/{}", self.plural.to_lowercase()));
        if let Some(name) = name.filter(|n| !n.is_empty()) {
            path.push_str(&format!("/{}", quote(name, ":")));
        }
        path
    }

    /// The namespace that an object of this kind cannot do without.
    ///
    /// # Errors
    /// There is none.
    pub fn needs_namespace(&self, namespace: Option<&str>) -> Answer<()> {
        if self.namespaced && namespace.is_none_or(str::is_empty) {
            return Err(ApiError::of(format!("Namespace is required for {}.{}", self.group_version, self.kind)));
        }
        Ok(())
    }
}

/// What goes with a request.
#[derive(Default)]
pub struct Send<'a> {
    pub query: Vec<(&'a str, String)>,
    pub body: Option<&'a Json>,
    /// `application/json` where there is none.
    pub content_type: Option<&'a str>,
}

/// A cluster that is asked.
pub struct Api<'a> {
    call: &'a Call<'a>,
    request: Request,
    /// Kinds of a version (`/apis/apps/v1`), as far as they were asked for.
    known: RefCell<BTreeMap<String, Vec<Resource>>>,
}

impl<'a> Api<'a> {
    /// Finds out where the cluster is. Nothing is asked of it yet.
    ///
    /// # Errors
    /// Nothing tells of a cluster.
    pub fn reach(host: &dyn Observe, call: &'a Call<'a>, reach: &Reach) -> Result<Self, Failure> {
        let Cluster { server, authority, insecure, identity, authorization, proxy, impersonate } =
            reach.cluster(host)?;
        let mut request = Request::get(&server);
        request.ca_pem = authority;
        request.validate_certs = !insecure;
        request.identity = identity;
        request.proxy = proxy;
        request.timeout = Duration::from_secs(60);
        request.follow = Follow::None;
        "tightbeam".clone_into(&mut request.agent);
        request.headers = impersonate;
        request.headers.push(("Accept".to_owned(), "application/json".to_owned()));
        request.headers.extend(authorization.map(|value| ("Authorization".to_owned(), value)));
        Ok(Api { call, request, known: RefCell::default() })
    }

    fn ask(&self, host: &dyn Observe, method: &str, path: &str, send: &Send<'_>) -> Answer<(Json, Vec<String>)> {
        let mut request = self.request.clone();
        method.clone_into(&mut request.method);
        request.url.push_str(path);
        for (i, (name, value)) in send.query.iter().enumerate() {
            request.url.push_str(&format!("{}{name}={}", if i == 0 { '?' } else { '&' }, quote(value, "")));
        }
        if let Some(body) = send.body {
            let kind = send.content_type.unwrap_or("application/json");
            request.headers.push(("Content-Type".to_owned(), kind.to_owned()));
            request.body = Some(body.to_string().into_bytes());
        }
        let mut response = http::send(host, self.call, &request).map_err(ApiError::of)?;
        let mut bytes = Vec::new();
        response.body.read_to_end(&mut bytes).map_err(|e| ApiError::of(e.to_string()))?;
        if !(200..300).contains(&response.status) {
            return Err(ApiError {
                status: response.status,
                reason: Some(response.reason.clone()),
                body: String::from_utf8_lossy(&bytes).into_owned(),
            });
        }
        let warnings = response.header("warning").map(warnings).unwrap_or_default();
        let answer = serde_json::from_slice(&bytes)
            .map_err(|e| ApiError::of(format!("the answer to {method} {path} is no JSON: {e}")))?;
        Ok((whole(answer), warnings))
    }

    /// Reads an object, or a list of them.
    ///
    /// # Errors
    /// The server refuses, or does not answer.
    pub fn get(&self, host: &dyn Observe, path: &str, query: Vec<(&str, String)>) -> Answer<Json> {
        Ok(self.ask(host, "GET", path, &Send { query, ..Send::default() })?.0)
    }

    /// Changes something, or with `dryRun` only tries; also what the server warns of.
    ///
    /// # Errors
    /// The server refuses, or does not answer.
    pub fn act(&self, host: &dyn Observe, method: &str, path: &str, send: &Send<'_>) -> Answer<(Json, Vec<String>)> {
        self.ask(host, method, path, send)
    }

    /// The kinds of one version of the API. A version that is not there, or whose server is down, has none.
    fn kinds(&self, host: &dyn Observe, prefix: &'static str, version: &str) -> Answer<Vec<Resource>> {
        let path = format!("{prefix}/{version}");
        if let Some(known) = self.known.borrow().get(&path) {
            return Ok(known.clone());
        }
        let listed = match self.get(host, &path, Vec::new()) {
            Ok(listed) => listed,
            Err(e) if matches!(e.status, 404 | 503) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let text = |item: &Json, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let texts = |item: &Json, key: &str| -> Vec<String> {
            item[key].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let items = listed["resources"].as_array().into_iter().flatten();
        let kinds: Vec<Resource> = items
            .filter(|item| item["name"].as_str().is_some_and(|n| !n.contains('/')))
            .map(|item| Resource {
                prefix,
                group_version: version.to_owned(),
                plural: text(item, "name"),
                kind: text(item, "kind"),
                namespaced: item["namespaced"] == true,
                singular: text(item, "singularName"),
                short: texts(item, "shortNames"),
                verbs: item["verbs"].as_array().map_or(0, Vec::len),
            })
            .collect();
        self.known.borrow_mut().insert(path, kinds.clone());
        Ok(kinds)
    }

    /// Finds a kind by its name, its plural, its singular or a short name; `None` where there is none, or more than one.
    /// A version without a group is that of the core, else that of any group.
    ///
    /// # Errors
    /// The server refuses, or does not answer.
    pub fn resource(&self, host: &dyn Observe, kind: &str, api_version: &str) -> Answer<Option<Resource>> {
        if api_version.contains('/') {
            return self.pick(host, &[("/apis", api_version.to_owned())], kind, api_version);
        }
        let core = [("/api", api_version.to_owned())];
        if let Some(found) = self.pick(host, &core, kind, api_version)? {
            return Ok(Some(found));
        }
        let groups = self.get(host, "/apis", Vec::new())?;
        let versions = groups["groups"].as_array().into_iter().flatten().flat_map(|g| g["versions"].as_array());
        let places: Vec<(&str, String)> = versions
            .flatten()
            .filter(|v| v["version"] == api_version)
            .filter_map(|v| v["groupVersion"].as_str())
            .map(|version| ("/apis", version.to_owned()))
            .collect();
        self.pick(host, &places, kind, api_version)
    }

    fn pick(
        &self,
        host: &dyn Observe,
        places: &[(&'static str, String)],
        wanted: &str,
        version: &str,
    ) -> Answer<Option<Resource>> {
        let mut all = Vec::new();
        for (prefix, version) in places {
            all.extend(self.kinds(host, prefix, version)?);
        }
        let ways: [fn(&Resource, &str) -> bool; 4] =
            [|r, w| r.kind == w, |r, w| r.plural == w, |r, w| r.singular == w, |r, w| r.short.iter().any(|s| s == w)];
        for fits in ways {
            let mut found: Vec<&Resource> = all.iter().filter(|r| fits(r, wanted)).collect();
            if found.len() > 1 {
                found.retain(|r| r.group_version == version);
            }
            let most = found.iter().map(|r| r.verbs).max();
            let best: Vec<&&Resource> = found.iter().filter(|r| Some(r.verbs) == most).collect();
            if let [one] = best.as_slice() {
                return Ok(Some((**one).clone()));
            }
        }
        Ok(None)
    }
}

/// A list's items are given the kind and the version that only the list tells.
fn whole(mut answer: Json) -> Json {
    let Some(kind) = answer["kind"].as_str().and_then(|k| k.strip_suffix("List")).map(str::to_owned) else {
        return answer;
    };
    let version = answer["apiVersion"].clone();
    let Some(items) = answer.get_mut("items") else { return answer };
    if items.is_null() {
        *items = Json::Array(Vec::new());
    }
    for item in items.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        item.entry("apiVersion").or_insert_with(|| version.clone());
        item.entry("kind").or_insert_with(|| kind.clone().into());
    }
    answer
}

/// The texts of a `Warning` header: `299 - "text"`, several with commas between.
fn warnings(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in header.split(", ") {
        let Some(quoted) = part.get(3..).and_then(|rest| rest.split_once(" \"")).map(|(_, q)| q) else { continue };
        let mut text = String::new();
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => {
                    found.push(text);
                    break;
                }
                '\\' => text.extend(chars.next()),
                c => text.push(c),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_and_warnings() {
        let list = whole(json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {}}]}));
        assert_eq!(list["items"][0], json!({"metadata": {}, "apiVersion": "v1", "kind": "Pod"}));
        assert_eq!(warnings(r#"299 - "old \"x\"", 299 - "gone""#), ["old \"x\"", "gone"]);
    }
}
