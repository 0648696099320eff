//! `uri`: talks to web services.

use super::http::{self, Follow, Request, Response};
use super::shared::{URL_ARGS, UrlArgs, disposition_filename, http_date, masked, text, url_filename};
use crate::contract::{
    Arg, ArgType, Call, CheckMode, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return,
    Rule,
};
use crate::files::shared::sha1_hex;
use crate::host::{Change, FILE_ARGS, FileAttrs, Observe, WriteOptions, path_info};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub struct Uri;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    #[serde(flatten)]
    url: UrlArgs,
    dest: Option<String>,
    body: Option<Json>,
    body_format: String,
    src: Option<String>,
    method: String,
    return_content: bool,
    follow_redirects: String,
    creates: Option<String>,
    removes: Option<String>,
    status_code: Option<Vec<i64>>,
    unix_socket: Option<String>,
    ca_path: Option<String>,
    #[serde(flatten)]
    attrs: FileAttrs,
}

impl Module for Uri {
    const SPEC: ModuleSpec = ModuleSpec {
        check_mode: CheckMode::None,
        kind: Kind::Imperative,
        shared: &[URL_ARGS, FILE_ARGS],
        rules: &[Rule::MutuallyExclusive(&["body", "src"])],
        examples: "- name: The service is healthy\n  ansible.builtin.uri:\n    url: http://localhost:8080/health\n    return_content: true\n    status_code: [200, 204]\n- name: Create a thing\n  ansible.builtin.uri:\n    url: https://api.example.com/things\n    method: POST\n    body_format: json\n    body:\n      name: one\n    status_code: 201\n",
        returns: &[
            Return { name: "status", when: "always", doc: "HTTP status, -1 without an answer." },
            Return { name: "json", when: "the answer is JSON", doc: "The answer as data." },
            Return { name: "content", when: "return_content", doc: "The answer as text." },
            Return { name: "redirected", when: "always", doc: "Whether the answer came from another address." },
        ],
        differs: "FTP, GSSAPI, digest authentication, Unix sockets and form-multipart from the controller are not supported.",
        ..ModuleSpec::new(
            "ansible.builtin.uri",
            "Talks to web services.",
            &[
                Arg::path("dest").doc("File or directory to store the answer in."),
                Arg::str("url_username").aliases(&["user"]).doc("User for basic authentication."),
                Arg::str("url_password").aliases(&["password"]).no_log().doc("Its password."),
                Arg::raw("body").doc("What to send."),
                Arg::str("body_format")
                    .choices(&["form-urlencoded", "json", "raw", "form-multipart"])
                    .default(Literal::Str("raw"))
                    .doc("How the body is written."),
                Arg::path("src").doc("File on the host to send."),
                Arg::str("method").default(Literal::Str("GET")).doc("HTTP method."),
                Arg::bool("return_content").default(Literal::Bool(false)).doc("Return the answer's text."),
                Arg::str("follow_redirects")
                    .choices(&["all", "no", "none", "safe", "urllib2", "yes"])
                    .default(Literal::Str("safe"))
                    .doc("Which redirects are followed."),
                Arg::path("creates").doc("Do nothing if this file exists."),
                Arg::path("removes").doc("Do nothing if this file does not exist."),
                Arg::list("status_code", ArgType::Int).doc("Statuses that mean success; 200 without."),
                Arg::int("timeout").default(Literal::Int(30)).doc("Longest wait for an answer in seconds."),
                Arg::dict("headers").doc("Further headers."),
                Arg::path("unix_socket").doc("Not supported."),
                Arg::bool("remote_src").default(Literal::Bool(false)).doc("`src` is on the host already."),
                Arg::path("ca_path").doc("Certificates to trust (PEM)."),
            ],
        )
    };
    type Args = Args;
    /// The arguments; talking is the work.
    type Work = Args;

    fn plan(args: Args, host: &dyn Observe, _: &Call) -> Result<Plan<Args>, Failure> {
        if args.unix_socket.is_some() {
            return Err(Failure::new("unix_socket is not supported by this module"));
        }
        let method = args.method.to_uppercase();
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Failure::new("Parameter 'method' needs to be a single word in uppercase, like GET or POST."));
        }
        let skip = |why: String| Ok(Plan::Done(Outcome::unchanged().with("stdout", why)));
        if let Some(path) = args.creates.as_ref().filter(|p| host.stat(Path::new(p)).is_ok()) {
            return skip(format!("skipped, since '{path}' exists"));
        }
        if let Some(path) = args.removes.as_ref().filter(|p| host.stat(Path::new(p)).is_err()) {
            return skip(format!("skipped, since '{path}' does not exist"));
        }
        Ok(Plan::Work(Args { method, ..args }))
    }

    fn preview(_: &Args, _: &Call) -> Outcome {
        Outcome::unchanged()
    }

    fn apply(args: Args, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        let mut deprecations = Vec::new();
        if matches!(args.follow_redirects.as_str(), "yes" | "no") {
            deprecations.push(crate::contract::Deprecation {
                msg: "Using 'yes' or 'no' for 'follow_redirects' parameter is deprecated.".to_owned(),
                version: Some("2.22".to_owned()),
            });
        }
        let request = request(&args, host.observe())?;
        let start = Instant::now();
        let statuses = args.status_code.clone().unwrap_or_else(|| vec![200]);
        let answer = http::send(host.observe(), call, &request);
        let elapsed = start.elapsed().as_secs();
        let mut response = match answer {
            Ok(response) => response,
            Err(msg) => return no_answer(&args, &statuses, &msg, elapsed),
        };
        let mut outcome = Outcome { deprecations, ..describe(&args, &response).with("elapsed", elapsed) };
        let kind = ContentType::of(&response);
        let accepted = statuses.contains(&i64::from(response.status));
        let mut content = None;
        if kind.is_json || args.return_content || !accepted || args.dest.is_some() {
            let mut bytes = Vec::new();
            response
                .body
                .read_to_end(&mut bytes)
                .map_err(|e| Failure::io(format!("HTTP Error while fetching {}", masked(&args.url.url)), &e))?;
            content = Some(bytes);
        }
        // An error's page, where the author accepts the error.
        if response.status >= 300 && content.is_none() {
            let mut page = Vec::new();
            let _ = response.body.read_to_end(&mut page);
            outcome.set("body", kind.decode(&page));
        }
        if let (Some(dest), Some(bytes)) = (&args.dest, &content) {
            store(&args, dest, bytes, accepted, &response, host, call, &mut outcome)?;
        }
        if let Some(bytes) = &content {
            let text = kind.decode(bytes);
            if kind.is_json
                && let Ok(data) = serde_json::from_str::<Json>(&text)
            {
                outcome.set("json", data);
            }
            if args.return_content {
                outcome.set("content", text);
            }
        }
        if accepted {
            return Ok(outcome);
        }
        let msg = format!("Status code was {} and not {}: {}", response.status, shown(&statuses), response.msg());
        outcome.values.shift_remove("msg");
        Err(Failure { msg, values: outcome.values, changed: outcome.changed, ..Failure::default() })
    }
}

/// `[200, 201]`, as Python shows a list.
fn shown(statuses: &[i64]) -> String {
    text(&statuses.iter().map(|s| Json::from(*s)).collect())
}

fn no_answer(args: &Args, statuses: &[i64], msg: &str, elapsed: u64) -> Result<Outcome, Failure> {
    Err(Failure::new(format!("Status code was -1 and not {}: {msg}", shown(statuses)))
        .with("status", -1)
        .with("url", masked(&args.url.url))
        .with("redirected", false)
        .with("elapsed", elapsed))
}

fn request(args: &Args, host: &dyn Observe) -> Result<Request, Failure> {
    let mut request = args.url.request(&args.url.url, host)?;
    request.method = args.method.clone();
    request.follow = match args.follow_redirects.as_str() {
        "all" | "yes" => Follow::All,
        "none" | "no" => Follow::None,
        "urllib2" => Follow::Urllib,
        _ => Follow::Safe,
    };
    request.ca_path = args.ca_path.as_ref().map(PathBuf::from);
    if let Some(dest) = args.dest.as_ref().filter(|d| !host.is_dir(Path::new(d)))
        && let (Ok(stat), false) = (host.stat(Path::new(dest)), args.url.force)
    {
        request.headers.push(("If-Modified-Since".to_owned(), http_date(stat.mtime as i64)));
    }
    if let Some(src) = &args.src {
        let content = host
            .read(Path::new(src))
            .map_err(|_| Failure::new(format!("Unable to open source file {src}")).with("elapsed", 0))?;
        request.body = Some(content);
        return Ok(request);
    }
    let typed = request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type"));
    let content_type = match args.body_format.as_str() {
        "json" => {
            let body = args.body.clone().unwrap_or(Json::Null);
            request.body = Some(match body {
                Json::String(text) => text.into_bytes(),
                data => python_json(&data).into_bytes(),
            });
            Some("application/json".to_owned())
        }
        "form-urlencoded" => {
            request.body = args.body.as_ref().map(form).transpose()?.map(String::into_bytes);
            Some("application/x-www-form-urlencoded".to_owned())
        }
        "form-multipart" => {
            let (content_type, body) = multipart(args.body.as_ref(), host)?;
            request.body = Some(body);
            request.headers.retain(|(n, _)| !n.eq_ignore_ascii_case("content-type"));
            request.headers.push(("Content-Type".to_owned(), content_type));
            None
        }
        _ => {
            request.body = args.body.as_ref().map(|b| match b {
                Json::Object(_) | Json::Array(_) => python_json(b).into_bytes(),
                other => text(other).into_bytes(),
            });
            // What urllib says of a body that nothing is said of.
            request.body.is_some().then(|| "application/x-www-form-urlencoded".to_owned())
        }
    };
    if let (Some(content_type), false) = (content_type, typed) {
        request.headers.push(("Content-Type".to_owned(), content_type));
    }
    Ok(request)
}

/// JSON with a space after commas and colons, and nothing but ASCII, as Python's `json.dumps`.
fn python_json(value: &Json) -> String {
    match value {
        Json::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let pairs =
                map.iter().map(|(k, v)| format!("{}: {}", python_json(&Json::from(k.as_str())), python_json(v)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Json::String(_) => {
            let mut out = String::new();
            for c in value.to_string().chars() {
                if c.is_ascii() {
                    out.push(c);
                } else {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
            out
        }
        other => other.to_string(),
    }
}

/// A mapping, or a list of pairs, as a form.
fn form(body: &Json) -> Result<String, Failure> {
    let mut pairs: Vec<(String, &Json)> = Vec::new();
    match body {
        Json::String(text) => return Ok(text.clone()),
        Json::Object(map) => pairs.extend(map.iter().map(|(k, v)| (k.clone(), v))),
        Json::Array(items) => {
            for item in items {
                let Some([key, value]) = item.as_array().map(Vec::as_slice) else {
                    return Err(Failure::new(
                        "failed to parse body as form_urlencoded: not enough values to unpack (expected 2)",
                    )
                    .with("elapsed", 0));
                };
                pairs.push((text(key), value));
            }
        }
        other => return Ok(text(other)),
    }
    let mut out = Vec::new();
    for (key, value) in pairs {
        let values: Vec<Json> = match value {
            Json::Array(items) => items.clone(),
            Json::Object(map) => map.keys().map(|k| k.as_str().into()).collect(),
            other => vec![other.clone()],
        };
        for value in values.iter().filter(|v| !v.is_null()) {
            out.push(format!("{}={}", quote_plus(&key), quote_plus(&text(value))));
        }
    }
    Ok(out.join("&"))
}

fn quote_plus(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A form with files: each field is text, or a mapping of `content`, `filename` and `mime_type`.
fn multipart(body: Option<&Json>, host: &dyn Observe) -> Result<(String, Vec<u8>), Failure> {
    let Some(Json::Object(fields)) = body else {
        return Err(Failure::new("failed to parse body as form-multipart: Mapping is required"));
    };
    let stamp = host.now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let boundary = format!("==============={stamp:032}==");
    let mut out = Vec::new();
    for (name, value) in fields {
        let (content, file, mime) = match value {
            Json::Object(field) => {
                let file = field.get("filename").and_then(Json::as_str);
                let content = match (field.get("content").filter(|c| !c.is_null()), file) {
                    (Some(content), _) => text(content).into_bytes(),
                    (None, Some(file)) => host.read(Path::new(file)).map_err(|e| Failure::io(file, &e))?,
                    (None, None) => {
                        return Err(Failure::new(
                            "failed to parse body as form-multipart: at least one of filename or content must be provided",
                        ));
                    }
                };
                let mime = field.get("mime_type").and_then(Json::as_str);
                (content, file, mime.or(file.map(|_| "application/octet-stream")))
            }
            other => (text(other).into_bytes(), None, None),
        };
        out.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        out.extend_from_slice(format!("Content-Type: {}\r\n", mime.unwrap_or("text/plain")).as_bytes());
        let file = file.map(|f| format!("; filename=\"{}\"", f.rsplit('/').next().unwrap_or(f))).unwrap_or_default();
        out.extend_from_slice(format!("Content-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        out.extend_from_slice(&content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary=\"{boundary}\""), out))
}

/// Status, address and headers; names of headers in lower case with `_` for `-`.
fn describe(args: &Args, response: &Response) -> Outcome {
    let mut values = JsonMap::new();
    let asked = masked(&args.url.url);
    let url = masked(&response.url);
    values.insert("redirected".to_owned(), (url != asked).into());
    values.insert("url".to_owned(), url.into());
    values.insert("status".to_owned(), response.status.into());
    for (name, value) in &response.headers {
        values.insert(name.replace('-', "_"), value.as_str().into());
    }
    let mut cookies = JsonMap::new();
    let mut pairs = Vec::new();
    for cookie in response.cookies() {
        if let Some((name, value)) = cookie.split(';').next().and_then(|c| c.split_once('=')) {
            cookies.insert(name.trim().to_owned(), value.trim().into());
            pairs.push(format!("{}={}", name.trim(), value.trim()));
        }
    }
    if response.status < 300 {
        values.insert("cookies".to_owned(), cookies.into());
        values.insert("cookies_string".to_owned(), pairs.join("; ").into());
    }
    values.insert("msg".to_owned(), response.msg().into());
    if let Some(location) = response.header("location") {
        let joined = http::resolve_url(&args.url.url, location).unwrap_or_else(|_| location.to_owned());
        values.insert("location".to_owned(), joined.into());
    }
    Outcome { values, ..Outcome::default() }
}

#[allow(clippy::too_many_arguments)]
fn store(
    args: &Args,
    dest: &str,
    bytes: &[u8],
    accepted: bool,
    response: &Response,
    host: &mut dyn Change,
    call: &Call,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let mut path = PathBuf::from(dest);
    if host.is_dir(&path) {
        let name = response.header("content-disposition").and_then(disposition_filename);
        path = path.join(name.unwrap_or_else(|| url_filename(&response.url)));
    }
    if accepted && response.status != 304 {
        let same = host.read(&path).is_ok_and(|now| sha1_hex(&now) == sha1_hex(bytes));
        let attrs = args.attrs.resolve(host.observe(), &path, call)?;
        if !same {
            let mut content = bytes;
            host.write(&path, &mut content, &WriteOptions::default())
                .map_err(|e| Failure::io(format!("failed to copy the answer to {}", path.display()), &e))?;
        }
        attrs.apply(host, &path)?;
        outcome.changed = true;
    }
    outcome.set("path", path.display().to_string());
    outcome.values.extend(path_info(host.observe(), &path));
    Ok(())
}

/// The answer's type, as far as it matters here.
struct ContentType {
    is_json: bool,
    latin1: bool,
}

impl ContentType {
    fn of(response: &Response) -> Self {
        let header = response.header("content-type").unwrap_or("application/octet-stream").to_lowercase();
        let (kind, parameters) = header.split_once(';').unwrap_or((&header, ""));
        let sub = kind.trim().split_once('/').map_or("", |(_, s)| s);
        let sub = sub.split_once('+').map_or(sub, |(_, suffix)| suffix);
        let charset = parameters.split(';').find_map(|p| p.trim().strip_prefix("charset="));
        let latin1 = charset.is_some_and(|c| matches!(c.trim_matches('"'), "iso-8859-1" | "latin-1" | "latin1"));
        ContentType { is_json: matches!(sub, "json" | "javascript"), latin1 }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        if self.latin1 {
            bytes.iter().map(|b| char::from(*b)).collect()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Entry;
    use crate::host::fake::Fake;
    use crate::host::testing::run;
    use serde_json::json;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    const URI: Entry = Entry::of::<Uri>();

    /// Answers one request after the other with the given texts; gives back what was asked.
    fn serve(answers: Vec<&'static str>) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let handle = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut text, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(n) = line.to_lowercase().strip_prefix("content-length:") {
                        length = n.trim().parse().unwrap();
                    }
                    text.push_str(&line);
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                text.push_str(&String::from_utf8_lossy(&body));
                stream.write_all(answer.as_bytes()).unwrap();
                asked.push(text);
            }
            asked
        });
        (address, handle)
    }

    #[test]
    fn json_goes_and_comes() {
        let (url, server) = serve(vec![
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-One: a\r\nSet-Cookie: k=v; Path=/\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"id\": 7}",
        ]);
        let args = json!({"url": url, "method": "post", "body": {"name": "ö", "n": [1, 2]}, "body_format": "json", "status_code": [201], "return_content": true});
        let out = run(&URI, args, &mut Fake::new(), false).unwrap();
        assert_eq!(
            (&out.values["json"], &out.values["status"], &out.values["x_one"]),
            (&json!({"id": 7}), &json!(201), &json!("a"))
        );
        assert_eq!((&out.values["content"], &out.values["cookies"]), (&json!("{\"id\": 7}"), &json!({"k": "v"})));
        assert_eq!((&out.values["redirected"], out.changed), (&json!(false), false));
        let asked = &server.join().unwrap()[0];
        assert!(asked.starts_with("POST / HTTP/1.1") && asked.contains("ontent-"), "{asked}");
        assert!(asked.ends_with("{\"name\": \"\\u00f6\", \"n\": [1, 2]}"), "{asked}");
    }

    #[test]
    fn wrong_status_fails_with_the_answer() {
        let (url, _server) = serve(vec!["HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"]);
        let failure = run(&URI, json!({"url": url, "return_content": true}), &mut Fake::new(), false).unwrap_err();
        assert_eq!(failure.msg, "Status code was 404 and not [200]: HTTP Error 404: Not Found");
        assert_eq!((&failure.values["content"], &failure.values["status"]), (&json!("no"), &json!(404)));
        let failure = run(&URI, json!({"url": "http://127.0.0.1:1/"}), &mut Fake::new(), false).unwrap_err();
        assert_eq!(
            failure.msg,
            "Status code was -1 and not [200]: Request failed: <urlopen error [Errno 111] Connection refused>"
        );
    }

    #[test]
    fn redirects_and_passwords() {
        let (url, server) = serve(vec![
            "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ]);
        let args = json!({"url": url.clone() + "/a", "user": "ann", "password": "pw", "method": "GET"});
        let out = run(&URI, args, &mut Fake::new(), false).unwrap();
        assert_eq!((&out.values["redirected"], &out.values["url"]), (&json!(true), &json!(url + "/next")));
        let asked = server.join().unwrap();
        assert!(!asked[1].to_lowercase().contains("authorization"));
        assert!(asked[2].contains("Basic YW5uOnB3"), "{}", asked[2]);
    }

    #[test]
    fn forms_are_written_as_python_does() {
        assert_eq!(form(&json!({"a": "x y", "b": [1, "ü"], "c": null})).unwrap(), "a=x+y&b=1&b=%C3%BC");
        assert_eq!(form(&json!([["k", "v"], ["k", true]])).unwrap(), "k=v&k=True");
    }
}
