//! What `ipaddr` can be asked of an address or network.

use super::network_address::Net;
use crate::template::runtime::{Fault, Res, V};

/// Answers a query. `network` says whether the value was written with a prefix.
pub fn ask(net: &Net, network: bool, value: V, query: &str) -> Res {
    let address = |a: u128| V::str(net.address_text(a));
    let with_prefix = || V::str(format!("{}/{}", net.address_text(net.value), net.prefix));
    let one = net.bits() == net.prefix;
    let two = net.bits() == net.prefix + 1;
    let is_network = net.value == net.first();
    let need_network = || if network { Ok(()) } else { Err(Fault::raw("Not a network address")) };
    let keep = |holds: bool| if holds { value.clone() } else { V::None };
    let range = || net.usable();
    Ok(match query {
        "" => {
            if network {
                V::str(net.to_string())
            } else {
                address(net.value)
            }
        }
        "bool" => V::Bool(true),
        "address" | "ip" => {
            if one || !is_network || !net.has_broadcast() || net.v6 {
                address(net.value)
            } else {
                V::None
            }
        }
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            if !one && !two && (is_network || net.has_broadcast() && net.value == net.last()) {
                V::Bool(false)
            } else {
                with_prefix()
            }
        }
        "broadcast" => {
            if one || two {
                V::None
            } else if net.has_broadcast() {
                address(net.last())
            } else {
                V::str("None")
            }
        }
        "cidr" => V::str(net.to_string()),
        "first_usable" => {
            need_network()?;
            range().map_or(V::None, |(first, _)| address(first))
        }
        "last_usable" => {
            need_network()?;
            range().map_or(V::None, |(_, last)| address(last))
        }
        "range_usable" => {
            need_network()?;
            range().map_or(V::None, |(a, b)| V::str(format!("{}-{}", net.address_text(a), net.address_text(b))))
        }
        "next_usable" | "previous_usable" => {
            need_network()?;
            let step = if query == "next_usable" { 1 } else { -1 };
            step_usable(net, step)
        }
        "host" => {
            if one {
                V::str(net.to_string())
            } else if !is_network || !net.has_broadcast() {
                with_prefix()
            } else {
                V::None
            }
        }
        "hostmask" | "wildcard" => address(net.hostmask()),
        "netmask" => address(net.netmask()),
        "int" => {
            if network {
                V::str(format!("{}/{}", net.value, net.prefix))
            } else {
                V::big(net.value.into())
            }
        }
        "ip/prefix" => {
            if two || !one && !is_network {
                with_prefix()
            } else {
                V::None
            }
        }
        "ip_netmask" => {
            if two || !one && !is_network {
                V::str(format!("{} {}", net.address_text(net.value), net.address_text(net.netmask())))
            } else {
                V::None
            }
        }
        "ipv4" | "v4" => {
            if net.v6 {
                net.as_v4().map_or(V::Bool(false), |n| V::str(n.to_string()))
            } else {
                value
            }
        }
        "ipv6" | "v6" => {
            if net.v6 {
                value
            } else {
                V::str(net.mapped().to_string())
            }
        }
        "link-local" => keep(net.host().within(if net.v6 { "fe80::/10" } else { "169.254.0.0/16" })),
        "lo" | "loopback" => keep(net.host().within(if net.v6 { "::1/128" } else { "127.0.0.0/8" })),
        "multicast" => keep(net.is_multicast()),
        "unicast" => keep(!net.is_multicast()),
        "net" => {
            if !one && is_network {
                V::str(format!("{}/{}", net.address_text(net.first()), net.prefix))
            } else {
                V::None
            }
        }
        "network" | "network_id" => address(net.first()),
        "network/prefix" | "subnet" => V::str(net.cidr().to_string()),
        "network_netmask" => V::str(format!("{} {}", net.address_text(net.first()), net.address_text(net.netmask()))),
        "network_wildcard" => V::str(format!("{} {}", net.address_text(net.first()), net.address_text(net.hostmask()))),
        "peer" => {
            need_network()?;
            if two {
                address(net.value ^ 1)
            } else if net.bits() == net.prefix + 2 {
                match net.value % 4 {
                    0 => return Err(Fault::raw("Network address of /30 has no peer")),
                    3 => return Err(Fault::raw("Broadcast address of /30 has no peer")),
                    _ => address(net.value ^ 3),
                }
            } else {
                return Err(Fault::raw("Not a point-to-point network"));
            }
        }
        "prefix" => V::Int(i64::from(net.prefix)),
        "private" => keep(!net.host().is_global()),
        "public" => keep(net.is_public()),
        "revdns" => V::str(net.reverse_dns()),
        "size" => V::big(net.size()),
        "size_usable" => match (one, two) {
            (true, _) => V::Int(0),
            (_, true) => V::Int(2),
            _ => V::big(net.size() - 2),
        },
        "type" => V::str(if one || !is_network { "address" } else { "network" }),
        "version" => V::Int(if net.v6 { 6 } else { 4 }),
        "wrap" => {
            if !net.v6 {
                value
            } else if network {
                V::str(format!("[{}]/{}", net.address_text(net.value), net.prefix))
            } else {
                V::str(format!("[{}]", net.address_text(net.value)))
            }
        }
        "6to4" => six_to_four(net, network, value),
        other => {
            let number = other.parse::<i64>();
            if number.is_err()
                && let Some(lookup) = Net::parse(other)
            {
                return Ok(if lookup.contains(net) { value } else { V::None });
            }
            match number {
                Ok(n) if !one => match net.nth(n) {
                    Some(a) => V::str(format!("{}/{}", net.address_text(a), net.prefix)),
                    None => V::Bool(false),
                },
                Ok(_) if network => V::str(net.to_string()),
                Ok(_) => address(net.value),
                Err(_) => return Err(Fault::raw(format!("ipaddr: unknown filter type: {other}"))),
            }
        }
    })
}

pub fn step_usable(net: &Net, step: i64) -> V {
    let Some((first, last)) = net.usable() else { return V::None };
    let at = net.value.checked_add_signed(i128::from(step));
    at.filter(|a| (first..=last).contains(a)).map_or(V::None, |a| V::str(net.address_text(a)))
}

fn six_to_four(net: &Net, network: bool, value: V) -> V {
    if net.v6 {
        let inside = net.host().within("2002::/16");
        return if inside && (!network || net.value != net.first()) { value } else { V::Bool(false) };
    }
    if net.prefix < 32 && net.value == net.first() {
        return V::Bool(false);
    }
    let b = (net.value as u32).to_be_bytes();
    V::str(format!("2002:{:02x}{:02x}:{:02x}{:02x}::1/48", b[0], b[1], b[2], b[3]))
}
