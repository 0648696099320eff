//! IP networks and hardware addresses: numbers and their text. Knows no templates.

use num_bigint::BigInt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address with a prefix; the address need not be the network's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    pub v6: bool,
    pub value: u128,
    pub prefix: u8,
}

/// An address without a prefix.
pub fn parse_address(text: &str) -> Option<Net> {
    if let Ok(a) = text.parse::<Ipv4Addr>() {
        return Some(Net { v6: false, value: u32::from(a).into(), prefix: 32 });
    }
    let plain = text.split('%').next().unwrap_or(text);
    plain.parse::<Ipv6Addr>().ok().map(|a| Net { v6: true, value: a.into(), prefix: 128 })
}

const PRIVATE_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
];
const GLOBAL_V4: &[&str] = &["192.0.0.9/32", "192.0.0.10/32"];
const PRIVATE_V6: &[&str] = &[
    "::/127",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
];
const GLOBAL_V6: &[&str] =
    &["2001:1::1/128", "2001:1::2/128", "2001:3::/32", "2001:4:112::/48", "2001:20::/28", "2001:30::/28"];

impl Net {
    /// `address`, `address/prefix`, `address/netmask`.
    pub fn parse(text: &str) -> Option<Net> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let mut net = parse_address(address)?;
        if let Some(prefix) = prefix {
            net.prefix = match prefix.parse::<u8>() {
                Ok(n) if n <= net.bits() => n,
                Ok(_) => return None,
                Err(_) => {
                    let mask = parse_address(prefix).filter(|m| m.v6 == net.v6)?;
                    let (ones, zeros) = (net.mask_prefix(mask.value), net.mask_prefix(net.all() ^ mask.value));
                    ones.or(zeros)?
                }
            };
        }
        Some(net)
    }
    /// The prefix that a netmask stands for.
    fn mask_prefix(&self, mask: u128) -> Option<u8> {
        (0..=self.bits()).find(|p| Net { prefix: *p, ..*self }.netmask() == mask)
    }
    pub fn bits(&self) -> u8 {
        if self.v6 { 128 } else { 32 }
    }
    fn all(&self) -> u128 {
        if self.v6 { u128::MAX } else { u128::from(u32::MAX) }
    }
    pub fn hostmask(&self) -> u128 {
        match self.prefix {
            0 => self.all(),
            p if p == self.bits() => 0,
            p => self.all() >> p,
        }
    }
    pub fn netmask(&self) -> u128 {
        self.all() ^ self.hostmask()
    }
    pub fn first(&self) -> u128 {
        self.value & self.netmask()
    }
    pub fn last(&self) -> u128 {
        self.value | self.hostmask()
    }
    pub fn size(&self) -> BigInt {
        BigInt::from(1) << (self.bits() - self.prefix)
    }
    /// Networks of one or two addresses and all of IPv6 have none.
    pub fn has_broadcast(&self) -> bool {
        !self.v6 && self.bits() - self.prefix > 1
    }
    /// First and last usable address; none where there is but one address.
    pub fn usable(&self) -> Option<(u128, u128)> {
        match self.bits() - self.prefix {
            0 => None,
            1 => Some((self.first(), self.last())),
            _ => Some((self.first() + 1, self.last() - 1)),
        }
    }
    pub fn cidr(&self) -> Net {
        Net { value: self.first(), ..*self }
    }
    pub fn host(&self) -> Net {
        Net { prefix: self.bits(), ..*self }
    }
    pub fn nth(&self, n: i64) -> Option<u128> {
        let base = if n < 0 { self.last().checked_add(1)? } else { self.first() };
        let at = base.checked_add_signed(i128::from(n))?;
        (self.first()..=self.last()).contains(&at).then_some(at)
    }
    pub fn contains(&self, other: &Net) -> bool {
        self.v6 == other.v6 && self.first() <= other.first() && other.last() <= self.last()
    }
    pub fn within(&self, network: &str) -> bool {
        Net::parse(network).is_some_and(|n| n.contains(self))
    }
    pub fn address_text(&self, value: u128) -> String {
        if self.v6 { Ipv6Addr::from(value).to_string() } else { Ipv4Addr::from(value as u32).to_string() }
    }
    pub fn is_multicast(&self) -> bool {
        self.within(if self.v6 { "ff00::/8" } else { "224.0.0.0/4" })
    }
    pub fn is_global(&self) -> bool {
        let (private, global) = if self.v6 { (PRIVATE_V6, GLOBAL_V6) } else { (PRIVATE_V4, GLOBAL_V4) };
        !private.iter().any(|n| self.within(n)) || global.iter().any(|n| self.within(n))
    }
    pub fn is_public(&self) -> bool {
        let host = self.host();
        let mask_like = |v: u128| v.wrapping_add(1) & v & self.all() == 0;
        host.is_global() && !host.is_multicast() && !mask_like(host.value) && !mask_like(host.value ^ self.all())
    }
    pub fn as_v4(&self) -> Option<Net> {
        let value = match self.value >> 32 {
            0 | 0xffff => self.value & u128::from(u32::MAX),
            _ => return None,
        };
        Some(Net { v6: false, value, prefix: self.prefix.checked_sub(96)? })
    }
    pub fn mapped(&self) -> Net {
        Net { v6: true, value: 0xffff_0000_0000 | self.value, prefix: self.prefix + 96 }
    }
    pub fn reverse_dns(&self) -> String {
        if self.v6 {
            let digits: Vec<String> = format!("{:032x}", self.value).chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa.", digits.join("."))
        } else {
            let b = (self.value as u32).to_be_bytes();
            format!("{}.{}.{}.{}.in-addr.arpa.", b[3], b[2], b[1], b[0])
        }
    }
    /// The fewest networks with the same addresses, in order.
    pub fn merge(mut nets: Vec<Net>) -> Vec<Net> {
        nets.sort_by_key(|n| (n.v6, n.first(), n.prefix));
        let mut out: Vec<Net> = vec![];
        for net in nets {
            if out.last().is_some_and(|last| last.contains(&net)) {
                continue;
            }
            out.push(net);
            while let [.., a, b] = out[..] {
                let parent = Net { prefix: a.prefix.saturating_sub(1), ..a };
                let twins = a.prefix > 0
                    && a.v6 == b.v6
                    && a.prefix == b.prefix
                    && parent.first() == a.first()
                    && parent.contains(&b);
                if !twins {
                    break;
                }
                out.truncate(out.len() - 2);
                out.push(parent);
            }
        }
        out
    }
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address_text(self.value), self.prefix)
    }
}

/// A 48-bit hardware address.
#[derive(Clone, Copy, Debug)]
pub struct Mac(pub u64);

impl Mac {
    pub fn from_number(n: u64) -> Option<Mac> {
        (n < 1 << 48).then_some(Mac(n))
    }
    pub fn parse(text: &str) -> Option<Mac> {
        let parts: Vec<&str> = text.split([':', '-', '.']).collect();
        let width = match parts.len() {
            1 if text.len() == 12 => 12,
            6 => 2,
            3 => 4,
            2 => 6,
            _ => return None,
        };
        let mut value = 0u64;
        for part in parts {
            if part.is_empty() || part.len() > width || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            value = (value << (width * 4)) | u64::from_str_radix(part, 16).ok()?;
        }
        Some(Mac(value))
    }
    /// The lower half of an address that it gets by itself (EUI-64).
    pub fn interface_id(self) -> u128 {
        let (high, low) = (self.0 >> 24, self.0 & 0xff_ffff);
        (u128::from(high ^ 0x02_0000) << 40) | (0xfffe << 24) | u128::from(low)
    }
    /// Words of some bits, in hexadecimal.
    pub fn words(self, bits: u32, separator: char, upper: bool, width: usize) -> String {
        let count = 48 / bits;
        let words: Vec<String> = (0..count)
            .rev()
            .map(|i| {
                let word = (self.0 >> (i * bits)) & ((1 << bits) - 1);
                if upper { format!("{word:0width$X}") } else { format!("{word:0width$x}") }
            })
            .collect();
        words.join(&separator.to_string())
    }
}
