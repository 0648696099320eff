//! Names: of subjects and issuers, and the general ones of extensions (`DNS:example.org`).

use super::oid;
use crate::contract::{Json, JsonMap};
use der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString, SetOfVec};
use der::{Decode, Tag, Tagged};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

/// One attribute of a subject; the type of its text follows from the identifier.
///
/// # Errors
/// Text that such an attribute cannot hold.
pub fn attribute(oid: ObjectIdentifier, value: &str) -> Result<AttributeTypeAndValue, String> {
    let dotted = oid.to_string();
    let tag = match dotted.as_str() {
        "2.5.4.6" | "1.3.6.1.4.1.311.60.2.1.3" | "2.5.4.5" | "2.5.4.46" => Tag::PrintableString,
        "1.2.840.113549.1.9.1" | "0.9.2342.19200300.100.1.25" => Tag::Ia5String,
        _ => Tag::Utf8String,
    };
    let length = value.chars().count();
    let limit = match dotted.as_str() {
        "2.5.4.6" | "1.3.6.1.4.1.311.60.2.1.3" => Some((2, 2)),
        "2.5.4.3" => Some((1, 64)),
        _ => None,
    };
    if let Some((least, most)) = limit.filter(|(least, most)| length < *least || length > *most) {
        return Err(format!("Attribute's length must be >= {least} and <= {most}, but it was {length}"));
    }
    let value = Any::new(tag, value.as_bytes()).map_err(|e| format!("{value}: {e}"))?;
    Ok(AttributeTypeAndValue { oid, value })
}

/// A name with one attribute in each of its parts.
///
/// # Errors
/// Attributes that do not fit in DER.
pub fn name(attributes: Vec<AttributeTypeAndValue>) -> Result<Name, String> {
    let parts: Result<Vec<RelativeDistinguishedName>, _> =
        attributes.into_iter().map(|a| SetOfVec::try_from(vec![a]).map(RelativeDistinguishedName::from)).collect();
    Ok(Name::hazmat_from_rdn_sequence(RdnSequence::from(parts.map_err(|e| e.to_string())?)))
}

/// The text of an attribute.
pub fn text(value: &Any) -> String {
    match value.tag() {
        Tag::BmpString => {
            let units: Vec<u16> =
                value.value().chunks(2).map(|c| c.iter().fold(0, |n, b| n << 8 | u16::from(*b))).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::TeletexString => value.value().iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(value.value()).into_owned(),
    }
}

/// Identifier and text of each attribute.
pub fn entries(name: &Name) -> Vec<(ObjectIdentifier, String)> {
    name.iter().map(|a| (a.oid, text(&a.value))).collect()
}

/// As a mapping, where the last of equal attributes stays, and as a list of pairs.
pub fn described(name: &Name) -> (JsonMap, Json) {
    let pairs: Vec<(String, String)> = entries(name).into_iter().map(|(o, t)| (oid::long(&o), t)).collect();
    let list = pairs.iter().map(|(k, v)| Json::from(vec![k.as_str(), v.as_str()])).collect();
    (pairs.into_iter().map(|(k, v)| (k, Json::String(v))).collect(), list)
}

/// Reads `DNS:`, `IP:`, `email:`, `URI:`, `RID:`, `dirName:` and `otherName:` (with hex) names.
///
/// # Errors
/// The collection's message, with `what` the name is for.
pub fn general(name: &str, what: &str) -> Result<GeneralName, String> {
    let (kind, value) = match name.split_once(':') {
        Some(parts) => parts,
        None => return Err(format!("Cannot parse {what} \"{name}\" (forgot \"DNS:\" prefix?)")),
    };
    let fail = |e: String| format!("Cannot parse {what} \"{name}\": {e}");
    let plain = || Ia5String::new(value).map_err(|_| fail("names that are not ASCII are not supported".to_owned()));
    match kind {
        "DNS" => Ok(GeneralName::DnsName(plain()?)),
        "email" => Ok(GeneralName::Rfc822Name(plain()?)),
        "URI" => Ok(GeneralName::UniformResourceIdentifier(plain()?)),
        "IP" => {
            let octets = address(value).map_err(fail)?;
            Ok(GeneralName::IpAddress(OctetString::new(octets).map_err(|e| fail(e.to_string()))?))
        }
        "RID" => Ok(GeneralName::RegisteredId(
            ObjectIdentifier::new(value).map_err(|_| format!("Cannot parse {what} \"{name}\""))?,
        )),
        "dirName" => Ok(GeneralName::DirectoryName(directory(value).map_err(fail)?)),
        "otherName" => {
            let other = value.split_once(';').and_then(|(id, hex)| {
                let bytes: Option<Vec<u8>> = hex.split(':').map(|b| u8::from_str_radix(b, 16).ok()).collect();
                let value = Any::from_der(&bytes?).ok()?;
                Some(OtherName { type_id: ObjectIdentifier::new(id).ok()?, value })
            });
            let msg = "only \"otherName:<OID>;<hex string>\" is supported";
            Ok(GeneralName::OtherName(other.ok_or_else(|| fail(msg.to_owned()))?))
        }
        _ => Err(format!("Cannot parse {what} \"{name}\" (potentially unsupported by cryptography backend)")),
    }
}

/// An address, or a network as address and mask.
fn address(value: &str) -> Result<Vec<u8>, String> {
    let bytes = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let (text, length) = match value.split_once('/') {
        Some((text, length)) => (text, Some(length)),
        None => (value, None),
    };
    let what = if length.is_some() { "network" } else { "address" };
    let wrong = || format!("'{value}' does not appear to be an IPv4 or IPv6 {what}");
    let mut octets = bytes(text.parse().map_err(|_| wrong())?);
    let Some(length) = length else { return Ok(octets) };
    let mask: Vec<u8> = match (length.parse::<usize>(), length.parse::<Ipv4Addr>()) {
        (Ok(bits), _) if bits <= octets.len() * 8 => {
            (0..octets.len()).map(|i| (0xff00u32 >> bits.saturating_sub(i * 8).min(8)) as u8).collect()
        }
        (Err(_), Ok(mask)) if octets.len() == 4 => mask.octets().to_vec(),
        _ => return Err(wrong()),
    };
    if octets.iter().zip(&mask).any(|(o, m)| o & !m != 0) {
        return Err(format!("{value} has host bits set"));
    }
    octets.extend(mask);
    Ok(octets)
}

/// `CN=x,O=y`, the last part first, or `/O=y/CN=x`.
fn directory(value: &str) -> Result<Name, String> {
    let value = value.trim_start();
    let (separator, rest) = match value.strip_prefix('/') {
        Some(rest) => ('/', rest),
        None => (',', value),
    };
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => current.extend(['\\'].into_iter().chain(letters.next())),
            l if l == separator => parts.push(std::mem::take(&mut current)),
            l => current.push(l),
        }
    }
    parts.push(current);
    let mut attributes = Vec::new();
    for part in parts {
        let (key, text) = part.split_once('=').ok_or_else(|| format!("cannot start part in \"{part}\""))?;
        attributes.push(attribute(oid::of_name(key.trim())?, &unescaped(text.trim_start_matches(' '))?)?);
    }
    attributes.reverse();
    name(attributes)
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(next) = bytes.next() else { break };
        let digit = |b: u8| char::from(b).to_digit(16);
        match digit(next) {
            None => out.push(next),
            Some(high) => {
                let low = bytes.next().and_then(digit);
                let low = low.ok_or_else(|| format!("Hex escape sequence \"\\{}\" is incomplete", char::from(next)))?;
                out.push((high * 16 + low) as u8);
            }
        }
    }
    String::from_utf8(out).map_err(|e| e.to_string())
}

/// A general name as results tell it.
pub fn told(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(text) => format!("DNS:{text}"),
        GeneralName::Rfc822Name(text) => format!("email:{text}"),
        GeneralName::UniformResourceIdentifier(text) => format!("URI:{text}"),
        GeneralName::IpAddress(octets) => format!("IP:{}", told_address(octets.as_bytes())),
        GeneralName::RegisteredId(oid) => format!("RID:{oid}"),
        GeneralName::DirectoryName(name) => {
            let parts: Vec<String> =
                entries(name).iter().rev().map(|(o, t)| format!("{}={}", oid::short(o), escaped(t))).collect();
            format!("dirName:{}", parts.join(","))
        }
        GeneralName::OtherName(other) => {
            let der = der::Encode::to_der(&other.value).unwrap_or_default();
            format!("otherName:{};{}", other.type_id, super::digest::colons(&der))
        }
        GeneralName::EdiPartyName(_) => "EDIPartyName".to_owned(),
    }
}

fn told_address(octets: &[u8]) -> String {
    let v6 = |b: &[u8]| <[u8; 16]>::try_from(b).map(|o| Ipv6Addr::from(o).to_string()).unwrap_or_default();
    let v4 = |b: &[u8]| <[u8; 4]>::try_from(b).map(|o| Ipv4Addr::from(o).to_string()).unwrap_or_default();
    let bits = |mask: &[u8]| mask.iter().map(|b| b.count_ones()).sum::<u32>();
    match octets.len() {
        4 => v4(octets),
        8 => format!("{}/{}", v4(&octets[..4]), bits(&octets[4..])),
        32 => format!("{}/{}", v6(&octets[..16]), bits(&octets[16..])),
        _ => v6(octets),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for (i, letter) in text.char_indices() {
        let last = i + letter.len_utf8() == text.len();
        match letter {
            '\0' => out.push_str("\\00"),
            '\\' | ',' | '+' | '<' | '>' | ';' | '"' => out.extend(['\\', letter]),
            ' ' if i == 0 || last => out.push_str("\\ "),
            '#' if i == 0 => out.push_str("\\#"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_names_are_told_as_they_are_written() {
        for text in [
            "DNS:*.example.org",
            "IP:10.0.0.1",
            "IP:10.0.0.0/8",
            "IP:fe80::1",
            "IP:fe80::/10",
            "email:a@b.c",
            "URI:https://example.org/x",
            "RID:1.2.3",
            "dirName:CN=a\\, b,O=c",
            "otherName:1.2.3;0c:01:61",
        ] {
            assert_eq!(told(&general(text, "name").unwrap()), text);
        }
        for (text, msg) in [
            ("example.org", "Cannot parse x \"example.org\" (forgot \"DNS:\" prefix?)"),
            ("IP:1.2.3.4/8", "Cannot parse x \"IP:1.2.3.4/8\": 1.2.3.4/8 has host bits set"),
            ("IP:1.2.3", "Cannot parse x \"IP:1.2.3\": '1.2.3' does not appear to be an IPv4 or IPv6 address"),
            ("X:y", "Cannot parse x \"X:y\" (potentially unsupported by cryptography backend)"),
        ] {
            assert_eq!(general(text, "x").unwrap_err(), msg);
        }
    }
}
