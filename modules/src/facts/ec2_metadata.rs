//! `amazon.aws.ec2_metadata_facts`: what the metadata service of an EC2 instance tells, as facts.

use crate::contract::{Arg, Call, Failure, Json, JsonMap, Kind, Literal, Module, ModuleSpec, Outcome, Plan, Return};
use crate::host::{Change, Observe};
use crate::network::http::{Request, Response, send};
use flate2::read::MultiGzDecoder;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

pub struct Ec2MetadataFacts;

#[derive(Deserialize)]
pub struct Args {
    metadata_token_ttl_seconds: i64,
}

/// Where the service answers on every instance.
const SERVICE: &str = "http://169.254.169.254";
const PREFIX: &str = "ansible_ec2_";
/// How long a first failure is let pass.
const PAUSE: Duration = Duration::from_secs(3);

impl Module for Ec2MetadataFacts {
    const SPEC: ModuleSpec = ModuleSpec {
        kind: Kind::Query,
        examples: "- name: Facts of the instance\n  amazon.aws.ec2_metadata_facts:\n",
        returns: &[Return {
            name: "ansible_facts",
            when: "success",
            doc: "`ansible_ec2_instance_id`, `ansible_ec2_placement_region` and whatever else the service tells.",
        }],
        ..ModuleSpec::new(
            "amazon.aws.ec2_metadata_facts",
            "What the metadata service of an EC2 instance tells, as facts.",
            &[Arg::int("metadata_token_ttl_seconds")
                .default(Literal::Int(60))
                .doc("How long the session's token is good, from 1 to 21600.")],
        )
    };
    type Args = Args;
    type Work = std::convert::Infallible;

    fn plan(args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure> {
        facts(SERVICE, args.metadata_token_ttl_seconds, host, call).map(Plan::Done)
    }

    fn preview(work: &Self::Work, _: &Call) -> Outcome {
        match *work {}
    }

    fn apply(work: Self::Work, _: &mut dyn Change, _: &Call) -> Result<Outcome, Failure> {
        match work {}
    }
}

struct Service<'a> {
    base: &'a str,
    token: Option<String>,
    host: &'a dyn Observe,
    call: &'a Call<'a>,
    warnings: Vec<String>,
}

/// Text for something that is not there, as Python prints it; facts have it so.
const NONE: &str = "None";

fn facts(base: &str, ttl: i64, host: &dyn Observe, call: &Call) -> Result<Outcome, Failure> {
    if ttl <= 0 || ttl > 21_600 {
        let msg = "The option 'metadata_token_ttl_seconds' must be set to a value between 1 and 21600.";
        return Err(Failure::new(msg));
    }
    let mut service = Service { base, token: None, host, call, warnings: Vec::new() };
    service.token = service.session(ttl)?;
    let mut tree = BTreeMap::new();
    service.collect("/latest/meta-data/", &mut tree)?;
    let mut found = named(tree, "/latest/meta-data/");
    found.insert(format!("{PREFIX}user-data"), service.user_data()?.into());
    let key = service.text("/latest/meta-data/public-keys/0/openssh-key")?;
    found.insert(format!("{PREFIX}public-key"), key.unwrap_or_else(|| NONE.to_owned()).into());
    let mut tree = BTreeMap::new();
    service.collect("/latest/dynamic/", &mut tree)?;
    found.extend(named(tree, "/latest/dynamic/"));
    let mut facts: JsonMap = found.into_iter().map(|(k, v)| (k.replace([':', '-'], "_"), v)).collect();
    let keys = service.text("/latest/meta-data/tags/instance")?;
    let keys: Vec<String> = keys.iter().flat_map(|keys| keys.split('\n')).map(str::to_owned).collect();
    let tags: JsonMap = keys
        .iter()
        .filter_map(|key| Some((key.clone(), facts.get(&format!("{PREFIX}tags_instance_{key}"))?.clone())))
        .collect();
    facts.insert(format!("{PREFIX}instance_tags_keys"), keys.into());
    facts.insert(format!("{PREFIX}instance_tags"), tags.into());
    if let Some(region) = facts.get("ansible_ec2_instance_identity_document_region").cloned() {
        facts.insert("ansible_ec2_placement_region".to_owned(), region);
    }
    Ok(Outcome { facts: Some(facts), warnings: service.warnings, ..Outcome::default() })
}

impl Service<'_> {
    fn ask(&self, method: &str, path: &str, header: Option<(&str, &str)>) -> Result<Response, String> {
        let mut request = Request::get(&format!("{}{}", self.base, quoted(path)));
        request.method = method.to_owned();
        request.timeout = Duration::from_secs(5);
        request.headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
        send(self.host, self.call, &request)
    }

    /// Asks, and once again if there was no good answer.
    fn answer(
        &mut self,
        method: &str,
        path: &str,
        header: Option<(&str, &str)>,
        what: &str,
    ) -> Result<Response, Failure> {
        let refused = |msg: String| Failure::new(format!("Failed to retrieve {what} from AWS: {msg}"));
        for again in [false, true] {
            let msg = match self.ask(method, path, header) {
                Ok(response) if matches!(response.status, 401 | 403) => return Err(refused(response.msg())),
                Ok(response) if matches!(response.status, 200 | 404) => return Ok(response),
                Ok(response) => response.msg(),
                Err(msg) => msg,
            };
            if again {
                return Err(refused(msg));
            }
            self.warnings.push(format!("Retrying query to metadata service. First attempt failed: {msg}"));
            std::thread::sleep(PAUSE);
        }
        Err(refused(String::new()))
    }

    fn session(&mut self, ttl: i64) -> Result<Option<String>, Failure> {
        let ttl = ttl.to_string();
        let header = Some(("X-aws-ec2-metadata-token-ttl-seconds", ttl.as_str()));
        let response = self.answer("PUT", "/latest/api/token", header, "metadata token")?;
        if response.status != 200 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&body(response)?).into_owned()))
    }

    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let token = self.token.clone();
        let header = token.as_deref().map(|token| ("X-aws-ec2-metadata-token", token));
        let response = self.answer("GET", path, header, "metadata")?;
        if response.status == 200 { body(response).map(Some) } else { Ok(None) }
    }

    fn text(&mut self, path: &str) -> Result<Option<String>, Failure> {
        Ok(self.get(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// User data, unpacked if it is packed.
    fn user_data(&mut self) -> Result<String, Failure> {
        let Some(bytes) = self.get("/latest/user-data/")? else { return Ok(NONE.to_owned()) };
        let mut plain = Vec::new();
        let unpacked = match bytes.as_slice() {
            [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map(|_| ()),
            [0x78, 0x9c, ..] => ZlibDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map(|_| ()),
            _ => {
                plain.clone_from(&bytes);
                Ok(())
            }
        };
        if unpacked.is_err() {
            let msg = "Unable to decompress user-data using zlib, attempt to decode original user-data as UTF-8";
            self.warnings.push(msg.to_owned());
            plain = bytes;
        }
        Ok(String::from_utf8(plain).unwrap_or_else(|e| {
            let msg = "Decoding user-data as UTF-8 failed, return data as is ignoring any error";
            self.warnings.push(msg.to_owned());
            String::from_utf8_lossy(e.as_bytes()).replace(char::REPLACEMENT_CHARACTER, "")
        }))
    }

    /// All that is below a path: each value under its path, the members of JSON values behind a colon.
    fn collect(&mut self, path: &str, tree: &mut BTreeMap<String, Json>) -> Result<(), Failure> {
        let listed = self.text(path)?.unwrap_or_else(|| NONE.to_owned());
        if listed.is_empty() {
            return Ok(());
        }
        for field in listed.split('\n') {
            if field.ends_with('/') {
                self.collect(&format!("{path}{field}"), tree)?;
            }
            let place = if path.ends_with('/') { format!("{path}{field}") } else { format!("{path}/{field}") };
            if place.ends_with('/') || tree.contains_key(&place) {
                continue;
            }
            let content = self.text(&place)?.unwrap_or_else(|| NONE.to_owned());
            if field == "security-groups" || field == "security-group-ids" {
                tree.insert(place, content.replace('\n', ",").into());
                continue;
            }
            if let Ok(Json::Object(members)) = serde_json::from_str(&content) {
                for (key, value) in members {
                    tree.insert(format!("{place}:{}", key.to_lowercase()), value);
                }
            }
            tree.insert(place, content.into());
        }
        Ok(())
    }
}

fn body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    response.body.read_to_end(&mut bytes).map_err(|e| Failure::io("Failed to retrieve metadata from AWS", &e))?;
    Ok(bytes)
}

/// A path with what an address cannot hold in hex.
fn quoted(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-%/:=&?~#+!$,;'@()*[]".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Paths as names of facts.
fn named(tree: BTreeMap<String, Json>, root: &str) -> BTreeMap<String, Json> {
    let mut facts = BTreeMap::new();
    for (path, value) in tree {
        let parts: Vec<&str> = path.strip_prefix(root).unwrap_or(&path).split('/').collect();
        if let ["iam", "security-credentials", role] = parts.as_slice()
            && !role.contains(':')
        {
            facts.insert(format!("{PREFIX}iam-instance-profile-role"), (*role).into());
        }
        let name = if parts.get(1).is_some_and(|p| !p.is_empty()) { parts.join("-") } else { parts.concat() };
        facts.insert(format!("{PREFIX}{name}"), value);
    }
    facts.retain(|name, _| !name.contains("public-keys-0"));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::NoBlobs;
    use crate::host::fake::Fake;
    use serde_json::json;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    const DOCUMENT: &str = r#"{"region": "eu-west-1", "accountId": "17", "billingProducts": null}"#;

    /// What the service tells; asked without the token it refuses.
    fn told(path: &str) -> Option<&'static str> {
        Some(match path {
            "/latest/meta-data/" => "ami-id\nblock-device-mapping/\niam/\npublic-keys/\nsecurity-groups\ntags/",
            "/latest/meta-data/ami-id" => "ami-1",
            "/latest/meta-data/block-device-mapping/" => "root",
            "/latest/meta-data/block-device-mapping/root" => "/dev/sda1",
            "/latest/meta-data/iam/" => "security-credentials/",
            "/latest/meta-data/iam/security-credentials/" => "web",
            "/latest/meta-data/iam/security-credentials/web" => r#"{"Code": "Success"}"#,
            "/latest/meta-data/public-keys/" => "0=key",
            "/latest/meta-data/public-keys/0/openssh-key" => "ssh-ed25519 AAAA key",
            "/latest/meta-data/security-groups" => "a\nb",
            "/latest/meta-data/tags/" => "instance/",
            "/latest/meta-data/tags/instance/" | "/latest/meta-data/tags/instance" => "Name\nbuild-no",
            "/latest/meta-data/tags/instance/Name" => "web 1",
            "/latest/meta-data/tags/instance/build-no" => "7",
            "/latest/user-data/" => "#!/bin/sh\n",
            "/latest/dynamic/" => "instance-identity/",
            "/latest/dynamic/instance-identity/" => "document",
            "/latest/dynamic/instance-identity/document" => DOCUMENT,
            _ => return None,
        })
    }

    /// Plays the metadata service, as long as the test runs.
    fn serve(refuse: bool) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut lines = Vec::new();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    lines.push(line.trim().to_lowercase());
                }
                let mut first = lines.first().cloned().unwrap_or_default();
                first = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let has = |header: &str| lines.iter().any(|l| l == header);
                let path = if first.contains("/name") { first.replace("/name", "/Name") } else { first };
                let (status, body) = match path.as_str() {
                    _ if refuse => ("403 Forbidden", ""),
                    "/latest/api/token" if has("x-aws-ec2-metadata-token-ttl-seconds: 60") => ("200 OK", "secret"),
                    _ if !has("x-aws-ec2-metadata-token: secret") => ("401 Unauthorized", ""),
                    path => told(path).map_or(("404 Not Found", ""), |body| ("200 OK", body)),
                };
                let length = body.len();
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            }
        });
        base
    }

    #[test]
    fn facts_of_an_instance() {
        let call = Call { check: false, diff: false, verbosity: 0, environment: Default::default(), blobs: &NoBlobs };
        let facts = super::facts(&serve(false), 60, &Fake::new(), &call).unwrap().facts.unwrap();
        for (name, value) in [
            ("ami_id", json!("ami-1")),
            ("block_device_mapping_root", json!("/dev/sda1")),
            ("security_groups", json!("a,b")),
            ("iam_instance_profile_role", json!("web")),
            ("iam_security_credentials_web_code", json!("Success")),
            ("public_key", json!("ssh-ed25519 AAAA key")),
            ("user_data", json!("#!/bin/sh\n")),
            ("instance_identity_document", json!(DOCUMENT)),
            ("instance_identity_document_accountid", json!("17")),
            ("placement_region", json!("eu-west-1")),
            ("instance_tags_keys", json!(["Name", "build-no"])),
            // A name with a dash was made a name of a variable before the tags were looked for.
            ("instance_tags", json!({"Name": "web 1"})),
        ] {
            assert_eq!(facts[&format!("ansible_ec2_{name}")], value, "{name}");
        }
        let failure = super::facts(&serve(true), 60, &Fake::new(), &call).unwrap_err();
        assert_eq!(failure.msg, "Failed to retrieve metadata token from AWS: HTTP Error 403: Forbidden");
        assert!(super::facts("", 0, &Fake::new(), &call).is_err());
    }
}
