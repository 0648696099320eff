//! Filters on network addresses (`ansible.utils`), as netaddr answers.

use super::network_address::{Mac, Net, parse_address};
use super::network_query::{ask, step_usable};
use super::{FILTER, Filter, as_text, each, optional, required};
use crate::template::runtime::{Args, Cx, Fault, Num, Param, Res, V, truth};
use num_bigint::BigInt;

const UTILS: &str = "ansible.utils";
const QUERY: &[Param] = &[optional("query", "str", "''")];

const NETWORK: Filter = Filter { collection: UTILS, ..FILTER };

pub const FILTERS: &[Filter] = &[
    Filter {
        name: "ipaddr",
        summary: "The address or network, or what a query asks of it; false where it is none.",
        params: &[
            optional("query", "str", "''"),
            optional("version", "int", "False"),
            optional("alias", "str", "'ipaddr'"),
        ],
        example: ("'192.168.1.5/24' | ansible.utils.ipaddr('network')", "'192.168.1.0'"),
        run: |cx, v, args| {
            let version = match args.given("version") {
                Some(V::Int(n)) => u8::try_from(*n).ok(),
                _ => None,
            };
            ipaddr(cx, &v, &args.text_or(cx, "query", "")?, version)
        },
        ..NETWORK
    },
    Filter {
        name: "ipv4",
        summary: "As ipaddr, for IPv4 alone.",
        params: QUERY,
        example: ("['10.0.0.1', '::1'] | ansible.utils.ipv4", "['10.0.0.1']"),
        run: |cx, v, args| versioned(cx, &v, &args, 4),
        ..NETWORK
    },
    Filter {
        name: "ipv6",
        summary: "As ipaddr, for IPv6 alone.",
        params: QUERY,
        example: ("['10.0.0.1', '::1'] | ansible.utils.ipv6", "['::1']"),
        run: |cx, v, args| versioned(cx, &v, &args, 6),
        ..NETWORK
    },
    Filter {
        name: "ipwrap",
        summary: "IPv6 addresses in brackets; all else stays.",
        params: QUERY,
        example: ("'::1' | ansible.utils.ipwrap", "'[::1]'"),
        run: ipwrap,
        ..NETWORK
    },
    Filter {
        name: "ipmath",
        summary: "An address plus a number.",
        params: &[required("amount", "int")],
        example: ("'192.168.1.5' | ansible.utils.ipmath(5)", "'192.168.1.10'"),
        run: ipmath,
        ..NETWORK
    },
    Filter {
        name: "ipsubnet",
        summary: "A network cut into subnets: their number, one of them, or this one's number.",
        params: &[optional("query", "str", "''"), optional("index", "int", "None")],
        example: ("'192.168.0.0/16' | ansible.utils.ipsubnet(20, 0)", "'192.168.0.0/20'"),
        run: ipsubnet,
        ..NETWORK
    },
    Filter {
        name: "nthhost",
        summary: "The n-th address of a network.",
        params: QUERY,
        example: ("'10.0.0.0/8' | ansible.utils.nthhost(305)", "'10.0.1.49'"),
        run: |cx, v, args| {
            let Some(net) = network_of(cx, &v)? else { return Ok(V::Bool(false)) };
            let query = args.text_or(cx, "query", "")?;
            match query.parse::<i64>() {
                Ok(0) | Err(_) => Ok(V::Bool(false)),
                Ok(n) => Ok(net.nth(n).map_or(V::Bool(false), |a| V::str(net.address_text(a)))),
            }
        },
        ..NETWORK
    },
    Filter {
        name: "next_nth_usable",
        summary: "The usable address that many further on.",
        params: &[required("offset", "int")],
        example: ("'192.168.122.1/24' | ansible.utils.next_nth_usable(2)", "'192.168.122.3'"),
        run: |cx, v, args| usable_at(cx, &v, args.int("offset", 0)?),
        ..NETWORK
    },
    Filter {
        name: "previous_nth_usable",
        summary: "The usable address that many further back.",
        params: &[required("offset", "int")],
        example: ("'192.168.122.10/24' | ansible.utils.previous_nth_usable(2)", "'192.168.122.8'"),
        run: |cx, v, args| usable_at(cx, &v, -args.int("offset", 0)?),
        ..NETWORK
    },
    Filter {
        name: "network_in_network",
        summary: "Whether an address or network lies in this network.",
        params: &[required("test", "str")],
        example: ("'192.168.0.0/24' | ansible.utils.network_in_network('192.168.0.1')", "True"),
        run: |cx, v, args| inside(cx, &v, &args.value("test"), false),
        ..NETWORK
    },
    Filter {
        name: "network_in_usable",
        summary: "Whether an address or network lies in the usable part of this network.",
        params: &[required("test", "str")],
        example: ("'192.168.0.0/24' | ansible.utils.network_in_usable('192.168.0.255')", "False"),
        run: |cx, v, args| inside(cx, &v, &args.value("test"), true),
        ..NETWORK
    },
    Filter {
        name: "reduce_on_network",
        summary: "The addresses that lie in a network.",
        params: &[required("network", "str")],
        example: ("['10.0.0.1', '11.0.0.1'] | ansible.utils.reduce_on_network('10.0.0.0/8')", "['10.0.0.1']"),
        run: |cx, v, args| {
            let mut out = vec![];
            for address in each(cx, &v)? {
                if truth(&inside(cx, &args.value("network"), &address, false)?)? {
                    out.push(address);
                }
            }
            Ok(V::list(out))
        },
        ..NETWORK
    },
    Filter {
        name: "cidr_merge",
        summary: "The fewest networks that hold the same addresses, or the one that spans them all.",
        params: &[optional("action", "merge or span", "'merge'")],
        example: ("['10.0.0.0/25', '10.0.0.128/25'] | ansible.utils.cidr_merge", "['10.0.0.0/24']"),
        run: cidr_merge,
        ..NETWORK
    },
    Filter {
        name: "ip4_hex",
        summary: "An IPv4 address in hexadecimal digits.",
        params: &[optional("delimiter", "str", "''")],
        example: ("'192.168.1.5' | ansible.utils.ip4_hex", "'c0a80105'"),
        run: |cx, v, args| {
            let text = as_text(cx, &v)?;
            let address = parse_address(&text)
                .filter(|a| !a.v6)
                .ok_or_else(|| Fault::raw(format!("You must pass a valid IP address; {text} is invalid")))?;
            let bytes: Vec<String> = (address.value as u32).to_be_bytes().iter().map(|b| format!("{b:02x}")).collect();
            Ok(V::str(bytes.join(&args.text_or(cx, "delimiter", "")?)))
        },
        ..NETWORK
    },
    Filter {
        name: "hwaddr",
        aliases: &["macaddr"],
        summary: "The hardware address, or what a query asks of it.",
        params: QUERY,
        example: ("'1A:2B:3C:4D:5E:6F' | ansible.utils.hwaddr('linux')", "'1a:2b:3c:4d:5e:6f'"),
        run: hwaddr,
        ..NETWORK
    },
    Filter {
        name: "slaac",
        summary: "The address that a hardware address gets in an IPv6 network by itself.",
        params: QUERY,
        example: ("'fdcf:1894::/64' | ansible.utils.slaac('c2:31:b3:83:bf:2b')", "'fdcf:1894::c031:b3ff:fe83:bf2b'"),
        run: |cx, v, args| {
            let Some(net) = network_of(cx, &v)?.filter(|n| n.v6) else { return Ok(V::Bool(false)) };
            let Some(mac) = Mac::parse(&args.text_or(cx, "query", "")?) else { return Ok(V::Bool(false)) };
            Ok(V::str(net.address_text(net.first() | mac.interface_id())))
        },
        ..NETWORK
    },
];

/// Whether text is an address or network of a version.
pub fn is_address(text: &str, version: Option<u8>) -> bool {
    Net::parse(text).is_some_and(|n| version.is_none_or(|v| (v == 6) == n.v6))
}

fn versioned(cx: &Cx, v: &V, args: &Args, version: u8) -> Res {
    ipaddr(cx, v, &args.text_or(cx, "query", "")?, Some(version))
}

/// The value as a network, and whether it was written with a prefix.
fn read(cx: &Cx, v: &V, version: Option<u8>) -> Res<Option<(Net, bool, String)>> {
    let text = match v {
        V::Bool(_) | V::None => return Ok(None),
        v => as_text(cx, v)?,
    };
    if text.is_empty() || text == "0" && !matches!(v, V::Str(_)) {
        return Ok(None);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let Ok(number) = text.parse::<u128>() else { return Ok(None) };
        let v6 = version == Some(6) || number > u128::from(u32::MAX);
        let net = Net { v6, value: number, prefix: if v6 { 128 } else { 32 } };
        return Ok(Some((net, false, net.to_string())));
    }
    if let Some(net) = Net::parse(&text) {
        return Ok(Some((net, text.matches('/').count() == 1, text)));
    }
    // Numbers as a network: `167772160/8`.
    let Some((address, prefix)) = text.split_once('/') else { return Ok(None) };
    let (Ok(address), Ok(prefix)) = (address.parse::<u128>(), prefix.parse::<u8>()) else { return Ok(None) };
    let v6 = address > u128::from(u32::MAX) || prefix > 32;
    if prefix > 128 {
        return Ok(None);
    }
    let net = Net { v6, value: address, prefix };
    Ok(Some((net, true, net.to_string())))
}

pub fn ipaddr(cx: &Cx, v: &V, query: &str, version: Option<u8>) -> Res {
    if let V::List(_) | V::Tuple(_) = v {
        let mut out = vec![];
        for item in each(cx, v)? {
            let found = ipaddr(cx, &item, query, version)?;
            if truth(&found)? {
                out.push(found);
            }
        }
        return Ok(V::list(out));
    }
    if let V::Dict(_) = v {
        return Err(Fault::raw("Unrecognized type <dict> for ipaddr filter <value>"));
    }
    let Some((net, written_prefix, text)) = read(cx, v, version)? else { return Ok(V::Bool(false)) };
    if version.is_some_and(|wanted| (wanted == 6) != net.v6) {
        return Ok(V::Bool(false));
    }
    ask(&net, written_prefix, V::str(text), query)
}

fn ipwrap(cx: &Cx, v: V, args: Args) -> Res {
    let query = args.text_or(cx, "query", "")?;
    let one = |v: &V| -> Res {
        let found = match ipaddr(cx, v, &query, None) {
            Ok(found) if truth(&found)? => found,
            _ => return Ok(v.clone()),
        };
        ipaddr(cx, &found, "wrap", None).or_else(|_| Ok(v.clone()))
    };
    match &v {
        V::List(_) | V::Tuple(_) => {
            let all: Res<Vec<V>> = each(cx, &v)?
                .iter()
                .map(|item| match ipaddr(cx, item, &query, None) {
                    Ok(found) if truth(&found)? => ipaddr(cx, item, "wrap", None),
                    _ => Ok(item.clone()),
                })
                .collect();
            all.map(V::list)
        }
        v => one(v),
    }
}

fn ipmath(cx: &Cx, v: V, args: Args) -> Res {
    let text = as_text(cx, &v)?;
    let net = if text.contains('/') { Net::parse(&text) } else { parse_address(&text) };
    let net = net.ok_or_else(|| Fault::raw(format!("You must pass a valid IP address; {text} is invalid")))?;
    let amount = match args.value("amount") {
        V::Int(n) => n,
        V::Str(t) if t.trim().parse::<i64>().is_ok() => t.trim().parse().unwrap_or(0),
        other => {
            return Err(Fault::raw(format!(
                "You must pass an integer for arithmetic; {} is not a valid integer",
                as_text(cx, &other)?
            )));
        }
    };
    let top = if net.v6 { u128::MAX } else { u128::from(u32::MAX) };
    match net.value.checked_add_signed(i128::from(amount)).filter(|a| *a <= top) {
        Some(a) => Ok(V::str(net.address_text(a))),
        None => Err(Fault::raw("result outside valid IP address boundary!")),
    }
}

/// The network of a value: an address with its prefix, a network as such.
fn network_of(cx: &Cx, v: &V) -> Res<Option<Net>> {
    let Some((net, ..)) = read(cx, v, None)? else { return Ok(None) };
    Ok(Some(net))
}

fn usable_at(cx: &Cx, v: &V, offset: i64) -> Res {
    Ok(network_of(cx, v)?.map_or(V::Bool(false), |net| step_usable(&net, offset)))
}

fn inside(cx: &Cx, outer: &V, inner: &V, usable: bool) -> Res {
    let (Some(outer), Some(inner)) = (network_of(cx, outer)?, network_of(cx, inner)?) else {
        return Err(Fault::raw("'<=' not supported between instances of 'bool' and 'int'"));
    };
    let (mut first, mut last) = (outer.first(), outer.last());
    if usable && let Some(range) = outer.usable() {
        (first, last) = range;
    }
    Ok(V::Bool(outer.v6 == inner.v6 && first <= inner.first() && inner.last() <= last))
}

fn ipsubnet(cx: &Cx, v: V, args: Args) -> Res {
    let Some(net) = network_of(cx, &v)? else { return Ok(V::Bool(false)) };
    let net = net.cidr();
    let query = args.text_or(cx, "query", "")?;
    if query.is_empty() {
        return Ok(V::str(net.to_string()));
    }
    let bits = net.bits();
    let single = net.prefix == bits;
    let Ok(size) = query.parse::<u8>() else {
        let outer = Net::parse(&query)
            .map(|q| q.cidr())
            .ok_or_else(|| Fault::raw(format!("You must pass a valid subnet or IP address; {query} is invalid")))?;
        if !outer.contains(&net) {
            return Err(Fault::raw(format!("{net} is not in the subnet {outer}")));
        }
        let index = (net.first() - outer.first()) >> (bits - net.prefix).min(127);
        return Ok(V::str((index + 1).to_string()));
    };
    if size > bits {
        return Ok(V::Bool(false));
    }
    let index = match args.get("index") {
        None => None,
        Some(_) => Some(args.int("index", 0)?),
    };
    if single {
        // Networks around an address, largest first.
        let sizes: Vec<u8> = (size..bits).collect();
        let index = index.unwrap_or(0);
        let at = if index < 0 { index + sizes.len() as i64 } else { index };
        let found = usize::try_from(at).ok().and_then(|i| sizes.get(i)).copied();
        return match found {
            Some(prefix) => Ok(V::str(Net { prefix, ..net }.cidr().to_string())),
            None => Err(Fault::raw("list index out of range")),
        };
    }
    if size < net.prefix {
        if index.is_none() {
            return Err(Fault::raw(format!("Requested subnet size of {size} is invalid")));
        }
        // The reference widens the network for index 0.
        let wide = Net { prefix: size, ..net };
        return Ok(if index == Some(0) { V::str(wide.to_string()) } else { V::Bool(false) });
    }
    let count = BigInt::from(1) << (size - net.prefix);
    let Some(index) = index else { return Ok(V::str(count.to_string())) };
    let index = if index < 0 { BigInt::from(index) + &count } else { BigInt::from(index) };
    if index < BigInt::from(0) || index >= count {
        return Ok(V::Bool(false));
    }
    let index = u128::try_from(&index).unwrap_or(0);
    let start = net.first() + index.checked_shl(u32::from(bits - size)).unwrap_or(0);
    Ok(V::str(Net { v6: net.v6, value: start, prefix: size }.to_string()))
}

fn cidr_merge(cx: &Cx, v: V, args: Args) -> Res {
    let mut nets = vec![];
    for item in each(cx, &v)? {
        let text = as_text(cx, &item)?;
        let net = Net::parse(&text)
            .ok_or_else(|| Fault::raw(format!("cidr_merge: error in netaddr:\ninvalid IPNetwork {text}")))?;
        nets.push(net.cidr());
    }
    match args.text_or(cx, "action", "merge")?.as_str() {
        "merge" => Ok(V::list(Net::merge(nets).iter().map(|n| V::str(n.to_string())).collect())),
        "span" => match nets.len() {
            0 => Ok(V::None),
            _ => {
                let (first, last) = (nets.iter().map(Net::first).min(), nets.iter().map(Net::last).max());
                let v6 = nets[0].v6;
                if nets.iter().any(|n| n.v6 != v6) {
                    return Err(Fault::raw(
                        "cidr_merge: error in netaddr:\nIP sequence cannot contain both IPv4 and IPv6!",
                    ));
                }
                let (first, last) = (first.unwrap_or(0), last.unwrap_or(0));
                let mut net = Net { v6, value: first, prefix: nets[0].bits() };
                while net.last() < last || net.first() > first {
                    net.prefix -= 1;
                }
                Ok(V::str(net.cidr().to_string()))
            }
        },
        other => Err(Fault::raw(format!("cidr_merge: invalid action '{other}'"))),
    }
}

fn hwaddr(cx: &Cx, v: V, args: Args) -> Res {
    let query = args.text_or(cx, "query", "")?;
    let mac = match &v {
        V::Int(_) => Num::of(&v).and_then(|n| Mac::from_number(n.as_f64() as u64)),
        v => Mac::parse(&as_text(cx, v)?),
    };
    let Some(mac) = mac else {
        return match query.as_str() {
            "" | "bool" => Ok(V::None),
            _ => Err(Fault::raw(format!("hwaddr: not a hardware address: {}", as_text(cx, &v)?))),
        };
    };
    Ok(match query.as_str() {
        "" => v,
        "bool" => V::Bool(true),
        "int" => V::Int(mac.0 as i64),
        "bare" => V::str(format!("{:012X}", mac.0)),
        "cisco" => V::str(mac.words(16, '.', false, 4)),
        "eui48" | "win" => V::str(mac.words(8, '-', true, 2)),
        "linux" => V::str(mac.words(8, ':', false, 2)),
        "unix" => V::str(mac.words(8, ':', false, 1)),
        "pgsql" | "postgresql" | "psql" => V::str(mac.words(24, ':', false, 6)),
        other => return Err(Fault::raw(format!("hwaddr: unknown filter type: {other}"))),
    })
}
