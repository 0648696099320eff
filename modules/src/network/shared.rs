//! What `get_url` and `uri` share: their arguments, dates, names of downloaded files.

use super::http::{Follow, Request};
use crate::contract::{Arg, ArgType, Failure, Json, JsonMap, Literal};
use crate::host::Observe;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of both.
pub const URL_ARGS: &[Arg] = &[
    Arg::str("url").required().doc("HTTP, HTTPS or file address."),
    Arg::bool("force").default(Literal::Bool(false)).doc("Do not ask whether the file has changed; bypass caches."),
    Arg::str("http_agent").default(Literal::Str("ansible-httpget")).doc("The `User-Agent` header."),
    Arg::bool("use_proxy").default(Literal::Bool(true)).doc("Use the proxies that the environment names."),
    Arg::bool("validate_certs").default(Literal::Bool(true)).doc("Check the server's certificate."),
    Arg::bool("force_basic_auth").default(Literal::Bool(false)).doc("Send user and password without being asked."),
    Arg::path("client_cert").doc("Client certificate (PEM), with its key if `client_key` is absent."),
    Arg::path("client_key").doc("Key of the client certificate (PEM)."),
    Arg::bool("use_gssapi").default(Literal::Bool(false)).doc("Not supported."),
    Arg::list("unredirected_headers", ArgType::Str)
        .default(Literal::Strs(&[]))
        .doc("Headers that a redirected request does not carry."),
    Arg::bool("decompress").default(Literal::Bool(true)).doc("Undo gzip encoding."),
    Arg::list("ciphers", ArgType::Str).doc("Not supported."),
    Arg::bool("use_netrc").default(Literal::Bool(true)).doc("Take credentials from `~/.netrc`."),
];

/// The values of [`URL_ARGS`] and what both modules have besides.
#[derive(Clone, Debug, Deserialize)]
pub struct UrlArgs {
    pub url: String,
    pub force: bool,
    pub http_agent: String,
    pub use_proxy: bool,
    pub validate_certs: bool,
    pub force_basic_auth: bool,
    pub client_cert: Option<String>,
    pub client_key: Option<String>,
    pub use_gssapi: bool,
    pub unredirected_headers: Vec<String>,
    pub decompress: bool,
    pub ciphers: Option<Vec<String>>,
    pub use_netrc: bool,
    pub url_username: Option<String>,
    pub url_password: Option<String>,
    pub headers: Option<JsonMap>,
    /// Seconds.
    pub timeout: u64,
}

impl UrlArgs {
    /// A GET request for the address, or for another one with the same settings.
    ///
    /// # Errors
    /// Settings that are not supported.
    pub fn request(&self, url: &str, host: &dyn Observe) -> Result<Request, Failure> {
        for (given, name) in [(self.use_gssapi, "use_gssapi"), (self.ciphers.is_some(), "ciphers")] {
            if given {
                return Err(Failure::new(format!("{name} is not supported by this module")));
            }
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in self.headers.iter().flatten() {
            headers.push((name.clone(), text(value)));
        }
        if self.force {
            headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
        }
        let mut request = Request {
            headers,
            unredirected: self.unredirected_headers.clone(),
            timeout: Duration::from_secs(self.timeout.max(1)),
            follow: Follow::Urllib,
            validate_certs: self.validate_certs,
            client_cert: self.client_cert.as_ref().map(PathBuf::from),
            client_key: self.client_key.as_ref().map(PathBuf::from),
            user: self.url_username.clone(),
            password: self.url_password.clone(),
            force_basic_auth: self.force_basic_auth,
            use_proxy: self.use_proxy,
            decompress: self.decompress,
            agent: self.http_agent.clone(),
            ..Request::get(url)
        };
        if self.use_netrc && request.user.is_none() && !url.contains('@') {
            netrc(&mut request, host);
        }
        Ok(request)
    }
}

/// A header's or a form's value as Python would write it.
pub fn text(value: &Json) -> String {
    crate::contract::python_text(value)
}

/// Credentials of the host from `~/.netrc`; they are sent without being asked for, as Ansible does.
fn netrc(request: &mut Request, host: &dyn Observe) {
    let file = host.env("NETRC").or_else(|| host.env("HOME").map(|h| format!("{h}/.netrc")));
    let Some(content) = file.and_then(|f| host.read_text(Path::new(&f)).ok()) else { return };
    let rest = request.url.split_once("://").map_or("", |(_, r)| r);
    let name = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let words: Vec<&str> = content.split_whitespace().collect();
    let mut matching = false;
    for pair in words.windows(2) {
        match pair[0] {
            "machine" => matching = pair[1] == name,
            "login" if matching => request.user = Some(pair[1].to_owned()),
            "password" if matching => request.password = Some(pair[1].to_owned()),
            _ => {}
        }
    }
    if request.user.is_some() {
        request.force_basic_auth = true;
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` of seconds since the epoch.
pub fn http_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds.div_euclid(86_400);
    let time = seconds.rem_euclid(86_400);
    let date = crate::accounts::date(days);
    let month = date.get(5..7).and_then(|m| m.parse::<usize>().ok()).unwrap_or(1);
    format!(
        "{}, {} {} {} {:02}:{:02}:{:02} GMT",
        DAYS[days.rem_euclid(7) as usize],
        &date[8..10],
        MONTHS[month - 1],
        &date[..4],
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// The last part of an address's path, `index.html` where it has none.
pub fn url_filename(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    match path.split_once('/').and_then(|(_, p)| p.rsplit('/').next()) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => "index.html".to_owned(),
    }
}

/// The file name in a `Content-Disposition` header, without directories.
pub fn disposition_filename(header: &str) -> Option<String> {
    let value = header.split(';').find_map(|p| p.trim().strip_prefix("filename="))?;
    let name = value.trim().trim_matches('"').rsplit('/').next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The address with user and password hidden.
pub fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((who, place)) if who.contains(':') => format!("{scheme}://****:****@{place}{tail}"),
        Some((_, place)) => format!("{scheme}://****@{place}{tail}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_names() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        for (url, name) in
            [("http://a/b/c.tgz?x#y", "c.tgz"), ("http://a", "index.html"), ("http://a/b/", "index.html")]
        {
            assert_eq!(url_filename(url), name);
        }
        assert_eq!(disposition_filename("attachment; filename=\"../x.deb\"").as_deref(), Some("x.deb"));
        assert_eq!(masked("http://u:p@h/x"), "http://****:****@h/x");
    }
}
