//! Ports of a container, as they are written and as the API has them.

use crate::contract::{Failure, Json, JsonMap};
use serde_json::json;

/// `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]::80`, `9000-9002` … as the API's bindings; `default_ip` stands where no
/// address is given.
///
/// # Errors
/// A port is not written so.
pub fn bindings(ports: &[Json], default_ip: &dyn Fn() -> Result<String, Failure>) -> Result<JsonMap, Failure> {
    let mut bindings = JsonMap::new();
    for port in ports {
        let text = crate::contract::python_text(port);
        if text == "all" {
            return Err(Failure::new(
                "Specifying \"all\" in published_ports is no longer allowed. Set publish_all_ports to \"true\" instead to randomly assign port mappings for those not specified by published_ports.",
            ));
        }
        let parts = split(&text)?;
        let last = parts.last().map(String::as_str).unwrap_or_default();
        let (inner, protocol) = last.split_once('/').unwrap_or((last, "tcp"));
        let inner = range(inner)?;
        let outer = |text: &str| -> Result<Vec<String>, Failure> {
            if inner.len() == 1 {
                return Ok(vec![text.to_owned()]);
            }
            Ok(range(text)?.into_iter().map(|p| p.to_string()).collect())
        };
        let (ip, outer) = match parts.as_slice() {
            [_] => (default_ip()?, vec![String::new(); inner.len()]),
            [port, _] => (default_ip()?, outer(port)?),
            [ip, port, _] => {
                let outer = if port.is_empty() { vec![String::new(); inner.len()] } else { outer(port)? };
                (address(ip)?, outer)
            }
            _ => {
                return Err(Failure::new(format!(
                    "Invalid port description \"{text}\" - expected 1 to 3 colon-separated parts, but got {}. Maybe you forgot to use square brackets ([...]) around an IPv6 address?",
                    parts.len()
                )));
            }
        };
        for (inner, outer) in inner.into_iter().zip(outer) {
            let binding = json!({"HostIp": ip, "HostPort": outer});
            let list = bindings.entry(format!("{inner}/{protocol}")).or_insert_with(|| json!([]));
            if let Json::Array(list) = list {
                list.push(binding);
            }
        }
    }
    Ok(bindings)
}

/// Ports that the container opens: those it is told to, and those that are published.
///
/// # Errors
/// A port is not written as one.
pub fn exposed(ports: &[Json], published: Option<&JsonMap>) -> Result<JsonMap, Failure> {
    let mut exposed: Vec<(u32, String)> = Vec::new();
    for port in ports {
        let text = crate::contract::python_text(port);
        let text = text.trim();
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        exposed.extend(range(numbers)?.into_iter().map(|n| (n, protocol.to_owned())));
    }
    for key in published.into_iter().flat_map(JsonMap::keys) {
        if let Some((number, protocol)) = key.split_once('/') {
            exposed.extend(number.parse().ok().map(|n| (n, protocol.to_owned())));
        }
    }
    exposed.sort();
    Ok(exposed.into_iter().map(|(number, protocol)| (format!("{number}/{protocol}"), json!({}))).collect())
}

/// Ports as the API lists them, each by itself and with its protocol.
pub fn listed(ports: &Json) -> Vec<String> {
    let mut all = Vec::new();
    for text in ports.as_object().into_iter().flat_map(JsonMap::keys) {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        match (numbers.contains('-'), range(numbers)) {
            (true, Ok(numbers)) => all.extend(numbers.into_iter().map(|n| format!("{n}/{protocol}"))),
            _ => all.push(format!("{numbers}/{protocol}")),
        }
    }
    all
}

fn range(text: &str) -> Result<Vec<u32>, Failure> {
    let Some((start, end)) = text.split_once('-') else {
        let port = text.trim().parse().map_err(|_| Failure::new(format!("Invalid port: \"{text}\"")))?;
        return Ok(vec![port]);
    };
    match (start.trim().parse::<u16>(), end.trim().parse::<u16>()) {
        (Ok(start), Ok(end)) if start <= end => Ok((start..=end).map(u32::from).collect()),
        _ => Err(Failure::new(format!("Invalid port range: \"{text}\""))),
    }
}

/// Splits at colons outside of square brackets.
fn split(text: &str) -> Result<Vec<String>, Failure> {
    let mut parts = vec![String::new()];
    let mut opened = None;
    for (i, c) in text.chars().enumerate() {
        match c {
            '[' if opened.is_none() => opened = Some(i + 1),
            ']' => opened = None,
            ':' if opened.is_none() => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    match opened {
        Some(at) => {
            Err(Failure::new(format!("Cannot find closing \"]\" in input \"{text}\" for opening \"[\" at index {at}!")))
        }
        None => Ok(parts),
    }
}

fn address(text: &str) -> Result<String, Failure> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if let Some(bare) = bare {
        let number = bare.split('%').next().unwrap_or_default();
        if number.parse::<std::net::Ipv6Addr>().is_ok() {
            return Ok(if bare.contains('%') { text.to_owned() } else { bare.to_owned() });
        }
    } else if text.split('.').count() == 4 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Ok(text.to_owned());
    }
    Err(Failure::new(format!(
        "Bind addresses for published ports must be IPv4 or IPv6 addresses, not hostnames. Use the dig lookup to resolve hostnames. (Found hostname: {text})"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_as_written() {
        let map = |ports: Json| bindings(ports.as_array().unwrap(), &|| Ok("0.0.0.0".to_owned())).map(Json::from);
        let one = |ip: &str, port: &str| json!({"HostIp": ip, "HostPort": port});
        assert_eq!(
            map(json!(["8080:80", "127.0.0.1:81:80", "53:53/udp", "9", "[::1]:1:2", "1.2.3.4::5"])).unwrap(),
            json!({
                "80/tcp": [one("0.0.0.0", "8080"), one("127.0.0.1", "81")],
                "53/udp": [one("0.0.0.0", "53")],
                "9/tcp": [one("0.0.0.0", "")],
                "2/tcp": [one("::1", "1")],
                "5/tcp": [one("1.2.3.4", "")],
            })
        );
        assert_eq!(
            map(json!(["9000-9001:80-81"])).unwrap(),
            json!({"80/tcp": [one("0.0.0.0", "9000")], "81/tcp": [one("0.0.0.0", "9001")]})
        );
        for bad in ["a", "name:1:2", "1:2:3:4", "3-1", "[::1:2"] {
            assert!(map(json!([bad])).is_err(), "{bad}");
        }
        let published = json!({"80/tcp": []});
        assert_eq!(
            Json::from(exposed(&[json!("5-6/udp")], published.as_object()).unwrap()),
            json!({"5/udp": {}, "6/udp": {}, "80/tcp": {}})
        );
        assert_eq!(listed(&json!({"1-2/tcp": {}, "3": {}})), ["1/tcp", "2/tcp", "3/tcp"]);
    }
}
