//! Host patterns: `web:&prod:!db`, `~regex`, `web[0:2]`, `--limit`. Which hosts a play or command is for, and in which order.

use super::address::parse_address;
use super::data::{ALL, GroupId, HostId, Inventory, LOCALHOST};
use super::glob::{Glob, is_glob};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::files::Files;
use crate::names::HostName;
use fancy_regex::Regex;
use std::collections::HashSet;
use std::path::Path;

/// What is done about a pattern that matches nothing (HOST_PATTERN_MISMATCH).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mismatch {
    Error,
    #[default]
    Warn,
    Ignore,
}

/// The play keyword `order`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Inventory,
    ReverseInventory,
    Sorted,
    ReverseSorted,
    Shuffle,
}

impl Order {
    /// # Errors
    /// Where there is no such order.
    pub fn parse(text: &str) -> Result<Order, String> {
        Ok(match text {
            "inventory" => Order::Inventory,
            "reverse_inventory" => Order::ReverseInventory,
            "sorted" => Order::Sorted,
            "reverse_sorted" => Order::ReverseSorted,
            "shuffle" => Order::Shuffle,
            other => return Err(format!("Invalid 'order' specified for inventory hosts: {other}")),
        })
    }
}

/// Hosts of a pattern, each once, with warnings about what matched nothing.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub hosts: Vec<HostName>,
    pub warnings: Diagnostics,
}

/// `--limit`, split into patterns with the lines of `@file` among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit(pub Vec<String>);

impl Limit {
    /// # Errors
    /// Where an `@file` cannot be read.
    pub fn parse(text: &str, files: &dyn Files, cwd: &Path) -> Result<Limit, Diagnostic> {
        let fault = |message: String| Diagnostic::error(Code::OPTION_INVALID, message);
        let mut patterns = vec![];
        for pattern in split_patterns(text) {
            let Some(file) = pattern.strip_prefix('@') else {
                patterns.push(pattern);
                continue;
            };
            let path = cwd.join(file);
            if files.is_dir(&path) {
                return Err(fault(format!("Limit starting with \"@\" must be a file, not a directory: {file}")));
            }
            let text = files.read_text(&path).map_err(|e| {
                if files.exists(&path) {
                    fault(format!("Unable to read limit file {file}: {e}"))
                } else {
                    fault(format!("Unable to find limit file {file}"))
                }
            })?;
            patterns.extend(text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
        }
        Ok(Limit(patterns))
    }
}

/// Splits at commas, or else at colons that belong to no address and no range.
pub fn split_patterns(text: &str) -> Vec<String> {
    let parts: Vec<&str> = if text.contains(',') {
        text.split(',').collect()
    } else if parse_address(text, true).is_some() {
        vec![text]
    } else {
        split_at_colons(text)
    };
    parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// Runs of characters other than blanks, colons and brackets, with whole bracketed expressions in them.
fn split_at_colons(text: &str) -> Vec<&str> {
    let mut parts = vec![];
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap_or_default();
        match (c, rest.find(']')) {
            ('[', Some(end)) => at += end + 1,
            ('[' | ']' | ':', _) | (_, _) if matches!(c, '[' | ']' | ':') || c.is_whitespace() => {
                parts.push(&text[start..at]);
                at += c.len_utf8();
                start = at;
            }
            _ => at += c.len_utf8(),
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A host that a pattern can give: one of the inventory, or the implicit localhost.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Hit {
    Known(HostId),
    Implicit,
}

impl Inventory {
    /// The hosts of patterns (each of which may itself be several), cut down to a limit, in order.
    ///
    /// # Errors
    /// Where a pattern is malformed, a subscript matches nothing, or a pattern matches nothing and `mismatch` says so.
    pub fn select(
        &self,
        patterns: &[&str],
        limit: Option<&Limit>,
        order: Order,
        mismatch: Mismatch,
    ) -> Result<Selection, Diagnostic> {
        let mut search = Search { inventory: self, mismatch, warnings: vec![], implicit: LOCALHOST[1] };
        let split: Vec<String> = patterns.iter().flat_map(|p| split_patterns(p)).collect();
        let mut hits = search.evaluate(&split)?;
        if let Some(limit) = limit.filter(|l| !l.0.is_empty()) {
            let within: HashSet<Hit> = search.evaluate(&limit.0)?.into_iter().collect();
            hits.retain(|h| within.contains(h));
        }
        let mut seen = HashSet::new();
        hits.retain(|h| seen.insert(*h));
        let implicit = search.implicit;
        let name = |hit: &Hit| match hit {
            Hit::Known(id) => self[*id].name.clone(),
            Hit::Implicit => self.host(implicit).map_or_else(|| implicit.into(), |h| h.name.clone()),
        };
        let mut hosts: Vec<HostName> = hits.iter().map(name).collect();
        sort(&mut hosts, order);
        let mut said = HashSet::new();
        search.warnings.retain(|w| said.insert(w.message.clone()));
        Ok(Selection { hosts, warnings: search.warnings })
    }
}

fn sort(hosts: &mut [HostName], order: Order) {
    match order {
        Order::Inventory => {}
        Order::ReverseInventory => hosts.reverse(),
        Order::Sorted => hosts.sort(),
        Order::ReverseSorted => {
            hosts.sort();
            hosts.reverse();
        }
        Order::Shuffle => {
            for i in (1..hosts.len()).rev() {
                hosts.swap(i, rand::random_range(0..=i));
            }
        }
    }
}

struct Search<'a> {
    inventory: &'a Inventory,
    mismatch: Mismatch,
    warnings: Diagnostics,
    /// The name under which the implicit localhost was asked for first.
    implicit: &'static str,
}

impl Search<'_> {
    /// Plain patterns first, then intersections, then exclusions; without a plain one `all` stands for it.
    fn evaluate(&mut self, patterns: &[String]) -> Result<Vec<Hit>, Diagnostic> {
        let (limits, mut plain): (Vec<&str>, Vec<&str>) =
            patterns.iter().map(String::as_str).filter(|p| !p.is_empty()).partition(|p| p.starts_with(['&', '!']));
        if plain.is_empty() {
            plain.push(ALL);
        }
        let mut hits: Vec<Hit> = vec![];
        let mut have: HashSet<Hit> = HashSet::new();
        for pattern in plain {
            if let Some(id) = self.inventory.host_id(pattern) {
                hits.push(Hit::Known(id));
                have.insert(Hit::Known(id));
            } else {
                let new = self.one(pattern)?;
                hits.extend(new.iter().filter(|h| !have.contains(*h)));
                have.extend(new);
            }
        }
        for sign in ['&', '!'] {
            for pattern in limits.iter().filter_map(|p| p.strip_prefix(sign)) {
                let these: HashSet<Hit> = self.one(pattern)?.into_iter().collect();
                hits.retain(|h| these.contains(h) == (sign == '&'));
            }
        }
        Ok(hits)
    }

    fn one(&mut self, pattern: &str) -> Result<Vec<Hit>, Diagnostic> {
        if pattern.is_empty() {
            return Err(invalid(pattern));
        }
        let (expression, subscript) = split_subscript(pattern);
        let hits = self.matches(expression)?;
        let Some(subscript) = subscript.filter(|_| !hits.is_empty()) else { return Ok(hits) };
        match subscript {
            Subscript::Index(i) => {
                let at = if i < 0 { i + hits.len() as i64 } else { i };
                let hit = usize::try_from(at).ok().and_then(|at| hits.get(at)).ok_or_else(|| {
                    let message = format!("No hosts matched the subscripted pattern '{pattern}'");
                    Diagnostic::error(Code::PATTERN_INVALID, message)
                })?;
                Ok(vec![*hit])
            }
            Subscript::Range { from, to, dash } => {
                if dash {
                    let text = "Use [x:y] inclusive subscripts instead of [x-y] which has been removed";
                    self.warnings.push(Diagnostic::warning(Code::WARNING, text));
                }
                let end = to.map_or(hits.len(), |to| to.saturating_add(1).min(hits.len()));
                // `[x:0]` is taken for `[x]`, as ansible-core does.
                if to == Some(0) {
                    return hits.get(from).map(|h| vec![*h]).ok_or_else(|| {
                        let message = format!("No hosts matched the subscripted pattern '{pattern}'");
                        Diagnostic::error(Code::PATTERN_INVALID, message)
                    });
                }
                Ok(hits.get(from..end).unwrap_or_default().to_vec())
            }
        }
    }

    fn matches(&mut self, pattern: &str) -> Result<Vec<Hit>, Diagnostic> {
        let matcher = Matcher::new(pattern)?;
        let groups = self.groups(&matcher);
        let mut hits: Vec<Hit> = groups.iter().flat_map(|id| self.inventory.hosts_in(*id)).map(Hit::Known).collect();
        let wide = pattern.starts_with('~') || pattern.contains(['.', '?', '*', '[']);
        if groups.is_empty() || wide {
            match &matcher {
                Matcher::Exact(name) => hits.extend(self.inventory.host_id(name).map(Hit::Known)),
                other => {
                    let ids = self.inventory.hosts().filter(|h| other.matches(&h.name));
                    hits.extend(ids.filter_map(|h| self.inventory.host_id(&h.name)).map(Hit::Known));
                }
            }
        }
        if let (true, Some(name)) = (hits.is_empty(), LOCALHOST.iter().find(|n| **n == pattern)) {
            self.implicit = name;
            let entry = self.inventory.host(name).filter(|h| !h.implicit).and_then(|h| self.inventory.host_id(&h.name));
            hits.push(entry.map_or(Hit::Implicit, Hit::Known));
        }
        if hits.is_empty() && groups.is_empty() && pattern != ALL {
            let message = format!("Could not match supplied host pattern, ignoring: {pattern}");
            match self.mismatch {
                Mismatch::Warn => self.warnings.push(Diagnostic::warning(Code::PATTERN_UNMATCHED, message)),
                Mismatch::Error => return Err(Diagnostic::error(Code::PATTERN_UNMATCHED, message)),
                Mismatch::Ignore => {}
            }
        }
        Ok(hits)
    }

    fn groups(&self, matcher: &Matcher<'_>) -> Vec<GroupId> {
        match matcher {
            Matcher::Exact(name) => self.inventory.group_id(name).into_iter().collect(),
            other => self.inventory.group_ids().filter(|id| other.matches(&self.inventory[*id].name)).collect(),
        }
    }
}

enum Matcher<'a> {
    Exact(&'a str),
    Glob(Glob),
    Regex(Regex),
}

impl<'a> Matcher<'a> {
    fn new(pattern: &'a str) -> Result<Self, Diagnostic> {
        Ok(match pattern.strip_prefix('~') {
            // Python's `match` is anchored at the start only.
            Some(regex) => {
                Matcher::Regex(Regex::new(&format!("^(?:{regex})")).map_err(|e| invalid(pattern).cause(e.to_string()))?)
            }
            None if is_glob(pattern) => Matcher::Glob(Glob::new(pattern)),
            None => Matcher::Exact(pattern),
        })
    }
    fn matches(&self, name: &str) -> bool {
        match self {
            Matcher::Exact(own) => *own == name,
            Matcher::Glob(glob) => glob.matches(name),
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

fn invalid(pattern: &str) -> Diagnostic {
    Diagnostic::error(Code::PATTERN_INVALID, format!("Invalid host list pattern: {pattern}"))
}

enum Subscript {
    Index(i64),
    Range { from: usize, to: Option<usize>, dash: bool },
}

/// Takes `[n]`, `[-n]`, `[x:y]` or `[x:]` off the end.
fn split_subscript(pattern: &str) -> (&str, Option<Subscript>) {
    let none = (pattern, None);
    if pattern.starts_with('~') {
        return none;
    }
    let Some((base, inner)) = pattern.strip_suffix(']').and_then(|p| p.rsplit_once('[')) else { return none };
    if base.is_empty() {
        return none;
    }
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if digits(inner.strip_prefix('-').unwrap_or(inner)) {
        return inner.parse().map_or(none, |i| (base, Some(Subscript::Index(i))));
    }
    let Some((from, to)) = inner.split_once([':', '-']) else { return none };
    if !digits(from) || !(to.is_empty() || digits(to)) {
        return none;
    }
    let dash = inner.as_bytes()[from.len()] == b'-';
    match (from.parse(), to.parse()) {
        (Ok(from), Ok(to)) => (base, Some(Subscript::Range { from, to: Some(to), dash })),
        (Ok(from), Err(_)) if to.is_empty() => (base, Some(Subscript::Range { from, to: None, dash })),
        _ => none,
    }
}
