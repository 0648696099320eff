//! HTTP and HTTPS for `get_url`, `uri` and others: ureq over rustls, names resolved by the host's own `getent`,
//! certificates from the host's own store, redirects as Ansible follows them. Only this and `unix.rs` name ureq.

use super::unix::UnixConnector;
use crate::contract::Call;
use crate::host::{Command, Observe};
use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy, SendBody};

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    None,
    /// Only for GET and HEAD.
    Safe,
    /// GET and HEAD; POST with 301, 302 and 303, as a GET. Python's urllib.
    Urllib,
    All,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Header names that a redirected request does not carry.
    pub unredirected: Vec<String>,
    pub body: Option<Vec<u8>>,
    /// A file of the host's that is sent instead of `body`.
    pub body_file: Option<PathBuf>,
    /// The socket on which the server listens, whatever host the URL names.
    pub socket: Option<PathBuf>,
    /// For connecting and for each read.
    pub timeout: Duration,
    pub follow: Follow,
    pub validate_certs: bool,
    pub ca_path: Option<PathBuf>,
    pub client_cert: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// Certificates of authorities at hand, instead of a file.
    pub ca_pem: Option<Vec<u8>>,
    /// The client's certificates and its key at hand, instead of files.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Sends the password without being asked.
    pub force_basic_auth: bool,
    pub use_proxy: bool,
    /// A proxy, instead of the one that the environment names.
    pub proxy: Option<String>,
    /// Undoes `Content-Encoding: gzip`.
    pub decompress: bool,
    pub agent: String,
}

impl Request {
    pub fn get(url: &str) -> Self {
        Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            unredirected: Vec::new(),
            body: None,
            body_file: None,
            socket: None,
            timeout: Duration::from_secs(10),
            follow: Follow::Urllib,
            validate_certs: true,
            ca_path: None,
            client_cert: None,
            client_key: None,
            ca_pem: None,
            identity: None,
            user: None,
            password: None,
            force_basic_auth: false,
            use_proxy: true,
            proxy: None,
            decompress: true,
            agent: "ansible-httpget".to_owned(),
        }
    }
    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }
}

/// The answer to the last request of a chain of redirects.
pub struct Response {
    pub status: u16,
    pub reason: String,
    pub url: String,
    /// Names in lower case; repeated headers are joined with a comma, cookies kept apart.
    pub headers: Vec<(String, String)>,
    pub body: Box<dyn Read>,
    cookies: Vec<String>,
}

impl Response {
    /// Each `Set-Cookie` header.
    pub fn cookies(&self) -> &[String] {
        &self.cookies
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// What Ansible calls `msg`: `OK (123 bytes)` or `HTTP Error 404: Not Found`.
    pub fn msg(&self) -> String {
        if self.status >= 400 || (300..400).contains(&self.status) {
            format!("HTTP Error {}: {}", self.status, self.reason)
        } else {
            format!("OK ({} bytes)", self.header("content-length").unwrap_or("unknown"))
        }
    }
}

/// Downloads a whole file with the defaults, into memory.
///
/// # Errors
/// Why not, in words.
pub fn download(host: &dyn Observe, call: &Call, url: &str) -> Result<Vec<u8>, String> {
    let mut response = send(host, call, &Request::get(url))?;
    if response.status != 200 {
        return Err(response.msg());
    }
    let mut bytes = Vec::new();
    response.body.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

const MAX_REDIRECTS: usize = 10;

/// Sends a request and follows redirects. An HTTP error status is a response, not an error.
///
/// # Errors
/// No response could be had, in words as Ansible's `msg` with status -1.
pub fn send(host: &dyn Observe, call: &Call, request: &Request) -> Result<Response, String> {
    let mut request = request.clone();
    take_credentials(&mut request);
    let mut challenged = false;
    for _ in 0..=MAX_REDIRECTS {
        let response = if let Some(path) = request.url.strip_prefix("file://") {
            return file(host, path, &request.url);
        } else {
            send_once(host, call, &request)?
        };
        let asks = response.header("www-authenticate").is_some_and(|h| h.to_lowercase().contains("basic"));
        if response.status == 401 && asks && request.user.is_some() && !request.force_basic_auth && !challenged {
            challenged = true;
            request.force_basic_auth = true;
            continue;
        }
        let Some(next) = redirect(&request, &response)? else { return Ok(response) };
        request = next;
    }
    Err("The HTTP server returned a redirect error that would lead to an infinite loop.".to_owned())
}

/// Credentials within the URL count as user and password.
fn take_credentials(request: &mut Request) {
    let Some((scheme, rest)) = request.url.split_once("://") else { return };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some((who, place)) = authority.rsplit_once('@') {
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        request.user.get_or_insert_with(|| user.to_owned());
        request.password.get_or_insert_with(|| password.to_owned());
        request.url = format!("{scheme}://{place}{tail}");
    }
}

fn redirect(request: &Request, response: &Response) -> Result<Option<Request>, String> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.header("location") else { return Ok(None) };
    let reading = matches!(request.method.as_str(), "GET" | "HEAD");
    let follow = match request.follow {
        Follow::None => false,
        Follow::Safe => reading,
        Follow::Urllib => reading || (request.method == "POST" && matches!(response.status, 301..=303)),
        Follow::All => true,
    };
    if !follow {
        return Ok(None);
    }
    let mut next = request.clone();
    next.url = resolve_url(&request.url, location)?;
    let keeps_method = matches!(response.status, 307 | 308);
    if !keeps_method && request.method != "HEAD" {
        next.method = "GET".to_owned();
        next.body = None;
        next.headers
            .retain(|(n, _)| !n.eq_ignore_ascii_case("content-type") && !n.eq_ignore_ascii_case("content-length"));
    }
    next.headers.retain(|(n, _)| !request.unredirected.iter().any(|u| u.eq_ignore_ascii_case(n)));
    if authority(&next.url) != authority(&request.url) {
        next.headers.retain(|(n, _)| !n.eq_ignore_ascii_case("authorization") && !n.eq_ignore_ascii_case("cookie"));
        (next.user, next.password) = (None, None);
    }
    Ok(Some(next))
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
}

/// A redirect's target, relative to the address that it came from.
///
/// # Errors
/// The base is no address.
pub fn resolve_url(base: &str, location: &str) -> Result<String, String> {
    let (scheme, rest) = base.split_once("://").ok_or_else(|| format!("unknown url type: {base}"))?;
    let place = authority(base);
    Ok(if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{place}{location}")
    } else {
        let path = rest[place.len()..].split(['?', '#']).next().unwrap_or("/");
        let dir = path.rsplit_once('/').map_or("", |(d, _)| d);
        format!("{scheme}://{place}{dir}/{location}")
    })
}

fn file(host: &dyn Observe, path: &str, url: &str) -> Result<Response, String> {
    let path = percent_decode(path);
    let content = host
        .read(Path::new(&path))
        .map_err(|e| format!("Request failed: <urlopen error [Errno {}] {e}>", e.raw_os_error().unwrap_or(2)))?;
    Ok(Response {
        status: 200,
        reason: "OK".to_owned(),
        url: url.to_owned(),
        headers: vec![("content-length".to_owned(), content.len().to_string())],
        body: Box::new(io::Cursor::new(content)),
        cookies: Vec::new(),
    })
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn send_once(host: &dyn Observe, call: &Call, request: &Request) -> Result<Response, String> {
    let uri: Uri = request.url.parse().map_err(|e| format!("Request failed: {}: {e}", request.url))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !matches!(scheme, "http" | "https") {
        return Err(format!("Request failed: <urlopen error unknown url type: {scheme}>"));
    }
    let name = uri.host().ok_or_else(|| format!("Request failed: no host given: {}", request.url))?;
    let direct = !request.use_proxy || request.socket.is_some();
    let proxy = match &request.proxy {
        _ if direct => None,
        Some(url) => Some(used_proxy(url)?),
        None => proxy(host, call, scheme, name)?,
    };
    let mut addresses = HashMap::new();
    let first_hop = proxy.as_ref().map_or(name, |p| p.host());
    let found = if request.socket.is_some() { vec![Ipv4Addr::LOCALHOST.into()] } else { resolve(host, first_hop)? };
    addresses.insert(first_hop.to_owned(), found);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(request.agent.as_str())
        .accept("")
        .accept_encoding(if request.decompress { "gzip" } else { "identity" })
        .tls_config(tls(host, request)?)
        .proxy(proxy)
        .timeout_connect(Some(request.timeout))
        .timeout_recv_response(Some(request.timeout))
        .timeout_per_read(Some(request.timeout))
        .timeout_per_write(Some(request.timeout))
        .build();
    let agent = match &request.socket {
        Some(socket) => Agent::with_parts(config, UnixConnector::new(socket), Known(addresses)),
        None => Agent::with_parts(config, DefaultConnector::default(), Known(addresses)),
    };
    let mut builder = ureq::http::Request::builder().method(request.method.as_str()).uri(uri);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let (true, Some(user), false) = (request.force_basic_auth, &request.user, request.has_header("authorization")) {
        let pair = format!("{user}:{}", request.password.as_deref().unwrap_or_default());
        builder = builder.header("Authorization", format!("Basic {}", base64(pair.as_bytes())));
    }
    let answer = match (&request.body, &request.body_file) {
        (None, Some(path)) => {
            let mut file = host.open(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            let body = SendBody::from_reader(&mut file);
            builder.body(body).map_err(ureq::Error::from).and_then(|r| agent.run(r))
        }
        (Some(body), _) => builder.body(body.as_slice()).map_err(ureq::Error::from).and_then(|r| agent.run(r)),
        (None, None) => builder.body(()).map_err(ureq::Error::from).and_then(|r| agent.run(r)),
    };
    let answer = answer.map_err(|e| explain(&e, request))?;
    let status = answer.status();
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match headers.iter_mut().find(|(n, _)| n == name.as_str()) {
            Some((_, old)) => *old = format!("{old}, {value}"),
            None => headers.push((name.as_str().to_owned(), value)),
        }
    }
    let cookies = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
        .collect();
    let gzip = headers.iter().any(|(n, v)| n == "content-encoding" && v == "gzip");
    let body = answer.into_body().into_with_config().limit(u64::MAX).reader();
    let body: Box<dyn Read> =
        if gzip && request.decompress { Box::new(flate2::read::MultiGzDecoder::new(body)) } else { Box::new(body) };
    Ok(Response {
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or("Unknown").to_owned(),
        url: request.url.clone(),
        headers,
        body,
        cookies,
    })
}

fn explain(error: &ureq::Error, request: &Request) -> String {
    use ureq::Error as E;
    match error {
        E::Timeout(_) => "Connection failure: The read operation timed out".to_owned(),
        E::Io(e) => match e.raw_os_error() {
            Some(errno) => format!("Request failed: <urlopen error [Errno {errno}] {}>", plain(e)),
            None if e.to_string().to_lowercase().contains("certificate") => invalid_certificate(e, request),
            None => format!("Request failed: <urlopen error {e}>"),
        },
        E::ConnectionFailed => "Request failed: <urlopen error [Errno 111] Connection refused>".to_owned(),
        E::HostNotFound => "Request failed: <urlopen error [Errno -2] Name or service not known>".to_owned(),
        E::Rustls(e) => invalid_certificate(e, request),
        other => format!("Connection failure: {other}"),
    }
}

fn invalid_certificate(error: &dyn std::fmt::Display, request: &Request) -> String {
    format!(
        "Failed to validate the SSL certificate for {}. Make sure your managed systems have a valid CA certificate installed. You can use validate_certs=False if you do not need to confirm the servers identity but this is unsafe and not recommended. The exception msg was: {error}.",
        authority(&request.url)
    )
}

fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Addresses of a host name, from `getent ahosts`: a static binary must not ask libc.
///
/// # Errors
/// The name is not known, in Python's words.
pub fn resolve(host: &dyn Observe, name: &str) -> Result<Vec<IpAddr>, String> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse() {
        return Ok(vec![ip]);
    }
    let out = host
        .query(&Command::new("getent").args(["ahosts", bare]))
        .map_err(|e| format!("could not run getent to resolve {bare}: {e}"))?;
    let mut found: Vec<IpAddr> = Vec::new();
    for address in out.stdout_text().lines().filter_map(|l| l.split_whitespace().next()) {
        if let Ok(ip) = address.parse()
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    if found.is_empty() {
        return Err("Request failed: <urlopen error [Errno -2] Name or service not known>".to_owned());
    }
    Ok(found)
}

/// Answers with addresses found beforehand.
#[derive(Debug)]
struct Known(HashMap<String, Vec<IpAddr>>);

impl Resolver for Known {
    fn resolve(&self, uri: &Uri, _: &ureq::config::Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        let mut out = self.empty();
        for ip in self.0.get(name).into_iter().flatten().take(16) {
            out.push(SocketAddr::new(*ip, port));
        }
        if out.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(out) }
    }
}

/// The proxy that the environment names for this scheme and host.
fn proxy(host: &dyn Observe, call: &Call, scheme: &str, name: &str) -> Result<Option<Proxy>, String> {
    let var = |n: &str| {
        let get = |n: &str| call.environment.get(n).cloned().or_else(|| host.env(n)).filter(|v| !v.is_empty());
        get(&n.to_lowercase()).or_else(|| get(&n.to_uppercase()))
    };
    let Some(url) = var(&format!("{scheme}_proxy")).or_else(|| var("all_proxy")) else { return Ok(None) };
    let excluded = var("no_proxy").is_some_and(|list| {
        list.split(',').map(str::trim).any(|part| {
            let part = part.trim_start_matches('.');
            part == "*" || (!part.is_empty() && (name == part || name.ends_with(&format!(".{part}"))))
        })
    });
    if excluded {
        return Ok(None);
    }
    used_proxy(&url).map(Some)
}

fn used_proxy(url: &str) -> Result<Proxy, String> {
    Proxy::new(url).map_err(|e| format!("the proxy {url} cannot be used: {e}"))
}

/// Where distributions keep the certificates that they trust.
const CA_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

fn tls(host: &dyn Observe, request: &Request) -> Result<TlsConfig, String> {
    let mut builder = TlsConfig::builder().disable_verification(!request.validate_certs);
    if !request.url.starts_with("https:") {
        return Ok(builder.build());
    }
    if request.validate_certs {
        let store = host.env("SSL_CERT_FILE").map(PathBuf::from);
        let read = |p: &Path| host.read(p).map_err(|e| format!("cannot read certificates from {}: {e}", p.display()));
        let pem = match (&request.ca_pem, &request.ca_path, store) {
            (Some(pem), ..) => pem.clone(),
            (None, Some(path), _) => read(path)?,
            (None, None, Some(path)) => read(&path)?,
            (None, None, None) => CA_FILES.iter().find_map(|p| host.read(Path::new(p)).ok()).unwrap_or_default(),
        };
        builder = builder.root_certs(RootCerts::Specific(Arc::new(certificates(&pem))));
    }
    let read = |p: &Path| host.read(p).map_err(|e| format!("cannot read {}: {e}", p.display()));
    let (chain, key, whose) = match (&request.identity, &request.client_cert) {
        (Some((chain, key)), _) => (chain.clone(), key.clone(), "the client's certificate".to_owned()),
        (None, Some(path)) => {
            (read(path)?, read(request.client_key.as_ref().unwrap_or(path))?, path.display().to_string())
        }
        (None, None) => return Ok(builder.build()),
    };
    let key = PrivateKey::from_pem(&key).map_err(|e| format!("no private key for {whose}: {e}"))?;
    Ok(builder.client_cert(Some(ClientCert::new_with_certs(&certificates(&chain), key))).build())
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let one = |item| match item {
        Ok(PemItem::Certificate(c)) => Some(c),
        _ => None,
    };
    parse_pem(pem).filter_map(one).collect()
}

/// A text as part of a path or a query of a URL.
pub fn quote(text: &str, safe: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b) || safe.as_bytes().contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = if i <= chunk.len() { DIGITS[(n >> (18 - 6 * i) & 63) as usize] } else { b'=' };
            out.push(char::from(digit));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_redirects() {
        for (base, location, expected) in [
            ("http://a/b/c?x", "d", "http://a/b/d"),
            ("http://a/b", "/d", "http://a/d"),
            ("https://a", "//z/d", "https://z/d"),
            ("https://a", "http://z", "http://z"),
            ("http://a", "d", "http://a/d"),
        ] {
            assert_eq!(resolve_url(base, location).as_deref(), Ok(expected), "{base} {location}");
        }
        assert_eq!(base64(b"user:pw"), "dXNlcjpwdw==");
        assert_eq!(percent_decode("/a%20b%"), "/a b%");
    }
}
