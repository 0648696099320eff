//! The url lookup.

use super::{How, LOOKUP, Lookup};
use crate::template::UrlRequest;
use crate::template::filters::optional;
use crate::template::runtime::{Args, Cx, Fault, Res, V, split_lines, text};

pub const LOOKUPS: &[Lookup] = &[Lookup {
    name: "url",
    acts: true,
    summary: "What URLs answer, by lines.",
    params: &[
        optional("validate_certs", "bool", "True"),
        optional("split_lines", "bool", "True"),
        optional("use_proxy", "bool", "True"),
        optional("username", "str", "None"),
        optional("password", "str", "None"),
        optional("headers", "dict", "{}"),
        optional("force", "bool", "False"),
        optional("timeout", "float", "10"),
        optional("http_agent", "str", "'ansible-httpget'"),
        optional("follow_redirects", "str", "'urllib2'"),
        optional("ca_path", "str", "None"),
    ],
    example: ("query('url', 'http://localhost/', errors='ignore')", "[]"),
    run: url,
    ..LOOKUP
}];

fn url(cx: &Cx, terms: &[V], args: &Args, _: How) -> Res<Vec<V>> {
    let mut headers = vec![];
    if let Some(V::Dict(dict)) = args.get("headers") {
        for (key, value) in dict.items(cx) {
            headers.push((key.to_json_key(), text(cx, &value)?));
        }
    }
    let by_line = args.flag("split_lines", true)?;
    let mut out = vec![];
    for term in terms {
        let request = UrlRequest {
            url: text(cx, term)?,
            method: None,
            headers: headers.clone(),
            body: None,
            username: args.text(cx, "username")?,
            password: args.text(cx, "password")?,
            validate_certs: args.flag("validate_certs", true)?,
            follow_redirects: args.text_or(cx, "follow_redirects", "urllib2")?,
            use_proxy: args.flag("use_proxy", true)?,
            timeout_seconds: args.float("timeout", 10.0)?,
            ca_path: args.text(cx, "ca_path")?,
            http_agent: args.text_or(cx, "http_agent", "ansible-httpget")?,
        };
        let body = cx.engine.outside.url(&request).map_err(Fault::raw)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if by_line {
            out.extend(split_lines(&body, false).into_iter().map(V::str));
        } else {
            out.push(V::str(body));
        }
    }
    Ok(out)
}
