//! How the modules reach a cluster: their arguments, the environment, the account of a pod, or a kubeconfig.

use super::kubeconfig;
use crate::contract::{Arg, ArgType, Failure, Json};
use crate::host::Observe;
use crate::network::http::base64;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Arguments by which all modules reach the cluster.
pub const AUTH_ARGS: &[Arg] = &[
    Arg::raw("kubeconfig").no_log().doc("A kubeconfig: its path on the host, or its content as a mapping."),
    Arg::str("context").doc("Context of the kubeconfig."),
    Arg::str("host").doc("Address of the API."),
    Arg::str("api_key").no_log().doc("Token."),
    Arg::str("username").doc("Name, for servers that know passwords."),
    Arg::str("password").no_log().doc("Password."),
    Arg::bool("validate_certs").aliases(&["verify_ssl"]).doc("Check the server's certificate."),
    Arg::path("ca_cert").aliases(&["ssl_ca_cert"]).doc("Certificates of the authority."),
    Arg::path("client_cert").aliases(&["cert_file"]).doc("Certificate of the client."),
    Arg::path("client_key").aliases(&["key_file"]).doc("Key of that certificate."),
    Arg::str("proxy").doc("Address of a proxy."),
    Arg::str("no_proxy").doc("Refused."),
    Arg::dict("proxy_headers")
        .options(&[
            Arg::str("proxy_basic_auth").no_log().doc("Refused."),
            Arg::str("basic_auth").no_log().doc("Refused."),
            Arg::str("user_agent").doc("Refused."),
        ])
        .doc("Refused."),
    Arg::bool("persist_config").doc("Changes nothing: no token is refreshed, so none is kept."),
    Arg::str("impersonate_user").doc("Act as this user."),
    Arg::list("impersonate_groups", ArgType::Str).doc("Act as one of these groups."),
];

/// The values of [`AUTH_ARGS`].
#[derive(Clone, Default, Deserialize)]
pub struct Reach {
    kubeconfig: Option<Json>,
    context: Option<String>,
    host: Option<String>,
    api_key: Option<String>,
    username: Option<String>,
    password: Option<String>,
    validate_certs: Option<bool>,
    ca_cert: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    proxy: Option<String>,
    no_proxy: Option<String>,
    proxy_headers: Option<Json>,
    impersonate_user: Option<String>,
    impersonate_groups: Option<Vec<String>>,
}

/// Where the API is, and who asks.
#[derive(Clone, Default)]
pub struct Cluster {
    pub server: String,
    /// Certificates of the authority; the host's own where there are none.
    pub authority: Option<Vec<u8>>,
    pub insecure: bool,
    /// The client's certificates and key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    pub authorization: Option<String>,
    pub proxy: Option<String>,
    pub impersonate: Vec<(String, String)>,
}

impl Cluster {
    pub fn bearer(token: &str) -> String {
        format!("Bearer {}", token.trim())
    }
    pub fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
    }
}

/// Where a pod finds its account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Reach {
    /// Takes from the environment what the arguments leave open, as the collection does.
    fn with_environment(&self, host: &dyn Observe) -> Self {
        let var = |names: &[&str]| {
            names.iter().find_map(|n| host.env(&format!("K8S_AUTH_{n}")).filter(|value| !value.is_empty()))
        };
        let text = |given: &Option<String>, names: &[&str]| given.clone().or_else(|| var(names));
        let path = |given: &Option<PathBuf>, names: &[&str]| given.clone().or_else(|| var(names).map(PathBuf::from));
        let word = var(&["VALIDATE_CERTS", "VERIFY_SSL"]);
        let groups = || var(&["IMPERSONATE_GROUPS"]).map(|l| l.split(',').map(str::to_owned).collect());
        Reach {
            kubeconfig: self.kubeconfig.clone().or_else(|| var(&["KUBECONFIG"]).map(Json::from)),
            context: text(&self.context, &["CONTEXT"]),
            host: text(&self.host, &["HOST"]).map(|h| h.trim_end_matches('/').to_owned()),
            api_key: text(&self.api_key, &["API_KEY"]),
            username: text(&self.username, &["USERNAME"]),
            password: text(&self.password, &["PASSWORD"]),
            validate_certs: self
                .validate_certs
                .or_else(|| word.map(|w| !["0", "false", "no"].contains(&w.to_lowercase().as_str()))),
            ca_cert: path(&self.ca_cert, &["CA_CERT", "SSL_CA_CERT"]),
            client_cert: path(&self.client_cert, &["CLIENT_CERT", "CERT_FILE"]),
            client_key: path(&self.client_key, &["CLIENT_KEY", "KEY_FILE"]),
            proxy: text(&self.proxy, &["PROXY"]),
            no_proxy: text(&self.no_proxy, &["NO_PROXY"]),
            proxy_headers: self.proxy_headers.clone().filter(|h| !h.is_null()),
            impersonate_user: text(&self.impersonate_user, &["IMPERSONATE_USER"]),
            impersonate_groups: self.impersonate_groups.clone().or_else(groups),
        }
    }

    /// Where the API is, and who asks.
    ///
    /// # Errors
    /// Nothing tells of a cluster, or what tells of one cannot be read or is not supported.
    pub fn cluster(&self, host: &dyn Observe) -> Result<Cluster, Failure> {
        let all = self.with_environment(host);
        for (refused, name) in [(all.no_proxy.is_some(), "no_proxy"), (all.proxy_headers.is_some(), "proxy_headers")] {
            if refused {
                return Err(Failure::new(format!("{name} is not supported")));
            }
        }
        all.found(host).map_err(|e| Failure::new(format!("Could not create API client: {e}")))
    }

    fn found(&self, host: &dyn Observe) -> Result<Cluster, String> {
        let enough = self.host.is_some()
            && (self.username.is_some() && self.password.is_some()
                || self.api_key.is_some()
                || self.client_cert.is_some() && self.client_key.is_some());
        let from_file = || kubeconfig::cluster(host, self.kubeconfig.as_ref(), self.context.as_deref());
        let mut cluster = match in_pod(host) {
            _ if enough => Cluster::default(),
            _ if self.kubeconfig.is_some() || self.context.is_some() => from_file()?,
            Some(cluster) => cluster,
            None => from_file()?,
        };
        if let Some(server) = &self.host {
            cluster.server.clone_from(server);
        }
        if !cluster.server.contains("://") {
            cluster.server = format!("https://{}", cluster.server);
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            cluster.authorization = Some(Cluster::basic(user, password));
        }
        if let Some(token) = &self.api_key {
            cluster.authorization = Some(Cluster::bearer(token));
        }
        let read = |path: &Path| host.read(path).map_err(|e| format!("cannot read {}: {e}", path.display()));
        if let Some(path) = &self.ca_cert {
            cluster.authority = Some(read(path)?);
        }
        if let Some(path) = &self.client_cert {
            cluster.identity = Some((read(path)?, read(self.client_key.as_ref().unwrap_or(path))?));
        }
        if let Some(validate) = self.validate_certs {
            cluster.insecure = !validate;
        }
        cluster.proxy = self.proxy.clone().or(cluster.proxy);
        let groups = self.impersonate_groups.iter().flatten().filter(|g| !g.is_empty());
        let user = self.impersonate_user.iter().map(|u| ("Impersonate-User".to_owned(), u.clone()));
        cluster.impersonate = user.chain(groups.map(|g| ("Impersonate-Group".to_owned(), g.clone()))).collect();
        Ok(cluster)
    }
}

/// The account that a pod is given.
fn in_pod(host: &dyn Observe) -> Option<Cluster> {
    let name = host.env("KUBERNETES_SERVICE_HOST").filter(|n| !n.is_empty())?;
    let port = host.env("KUBERNETES_SERVICE_PORT").filter(|p| !p.is_empty())?;
    let name = if name.contains(':') { format!("[{name}]") } else { name };
    let token = host.read_text(&Path::new(ACCOUNT).join("token")).ok().filter(|t| !t.trim().is_empty())?;
    let authority = host.read(&Path::new(ACCOUNT).join("ca.crt")).ok().filter(|c| !c.is_empty())?;
    Some(Cluster {
        server: format!("https://{name}:{port}"),
        authority: Some(authority),
        authorization: Some(Cluster::bearer(&token)),
        ..Cluster::default()
    })
}
