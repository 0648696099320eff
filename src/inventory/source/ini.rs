//! INI inventories: `[group]`, `[group:vars]`, `[group:children]`.

use super::Inventory;
use crate::diag::{Code, Diagnostic, FileId, Span};
use crate::inventory::address::expand_pattern;
use crate::inventory::data::UNGROUPED;
use crate::inventory::{literal::literal, words};
use crate::value::{Text, Trust, Value};
use indexmap::IndexMap;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Vars,
    Children,
}

/// A group that is used before it is declared.
enum Pending {
    Vars(Span),
    Children { span: Span, parents: Vec<String> },
}

/// # Errors
/// The first line that cannot be read. What stands before it has been taken in.
pub(super) fn read(inventory: &mut Inventory, file: FileId, text: &str) -> Result<(), Diagnostic> {
    inventory.reserve(text.lines().count());
    let mut reader = Reader {
        inventory,
        group: UNGROUPED.to_owned(),
        section: Section::Hosts,
        pending: IndexMap::new(),
        span: Span::new(file, 0, 0),
    };
    let mut offset = 0;
    for full in text.split_inclusive('\n') {
        let line = full.trim();
        let start = offset + (full.len() - full.trim_start().len());
        offset += full.len();
        if line.is_empty() || line.starts_with([';', '#']) {
            continue;
        }
        reader.span = Span::new(file, start, start + line.len());
        reader.line(line).map_err(|cause| fault(reader.span, cause))?;
    }
    match reader.pending.into_iter().next() {
        None => Ok(()),
        Some((name, Pending::Vars(span))) => {
            let text =
                format!("Section [{name}:vars] not valid for undefined group {}.", crate::value::repr_str(&name));
            Err(fault(span, text))
        }
        Some((name, Pending::Children { span, parents })) => {
            let parent = parents.last().cloned().unwrap_or_default();
            let name = crate::value::repr_str(&name);
            Err(fault(span, format!("Section [{parent}:children] includes undefined group {name}.")))
        }
    }
}

fn fault(span: Span, cause: String) -> Diagnostic {
    Diagnostic::error(Code::INVENTORY_INVALID, format!("Failed to parse inventory: {cause}")).at(span, "this line")
}

struct Reader<'a> {
    inventory: &'a mut Inventory,
    group: String,
    section: Section,
    pending: IndexMap<String, Pending>,
    /// The line.
    span: Span,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some((name, kind)) = header(line) {
            return self.header(name, kind);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return Err(format!(
                "Invalid section entry: '{line}'. Please make sure that there are no spaces in the section entry, and that \
                 there are no other invalid characters"
            ));
        }
        match self.section {
            Section::Hosts => self.hosts(line),
            Section::Vars => self.variable(line),
            Section::Children => self.child(line),
        }
    }

    fn header(&mut self, name: &str, kind: Option<&str>) -> Result<(), String> {
        self.group = self.inventory.safe_name(name);
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("vars") => Section::Vars,
            Some("children") => Section::Children,
            Some(other) => return Err(format!("Section [{name}:{other}] has unknown type: {other}")),
        };
        if self.inventory.group_id(&self.group).is_none() {
            if self.section == Section::Vars && !self.pending.contains_key(&self.group) {
                self.pending.insert(self.group.clone(), Pending::Vars(self.span));
            }
            self.inventory.add_group(&self.group)?;
        }
        if self.section != Section::Vars {
            match self.pending.get(&self.group) {
                Some(Pending::Children { .. }) => self.adopt(&self.group.clone())?,
                Some(Pending::Vars(_)) => {
                    self.pending.shift_remove(&self.group);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Joins a group that has now been declared to the parents that waited for it.
    fn adopt(&mut self, group: &str) -> Result<(), String> {
        let mut open = vec![group.to_owned()];
        while let Some(group) = open.pop() {
            if !matches!(self.pending.get(&group), Some(Pending::Children { .. })) {
                continue;
            }
            if let Some(Pending::Children { parents, .. }) = self.pending.shift_remove(&group) {
                for parent in parents {
                    self.inventory.add_child(&parent, &group)?;
                    open.push(parent);
                }
            }
        }
        Ok(())
    }

    fn hosts(&mut self, line: &str) -> Result<(), String> {
        let words = words::split(line).map_err(|e| format!("Error parsing host definition '{line}': {e}"))?;
        let Some((pattern, assignments)) = words.split_first() else { return Ok(()) };
        let (names, port) = expand_pattern(pattern)?;
        if pattern.trim().ends_with(':') && port.is_none() {
            return Err(format!(
                "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this character is reserved to \
                 provide a port."
            ));
        }
        if names.iter().any(|n| n.trim() == "---") {
            return Err(format!(
                "Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a YAML file."
            ));
        }
        let mut vars = Vec::with_capacity(assignments.len());
        for word in assignments {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| format!("Expected key=value host variable assignment, got: {word}"))?;
            vars.push((key, value_of(value, self.span)));
        }
        let group = self.inventory.group_id(&self.group);
        for name in names {
            let host = self.inventory.add_host(&name, group, port)?;
            for (key, value) in &vars {
                self.inventory.set_host_var(host, key, value.clone());
            }
        }
        Ok(())
    }

    fn variable(&mut self, line: &str) -> Result<(), String> {
        let (key, value) = line.split_once('=').ok_or_else(|| format!("Expected key=value, got: {line}"))?;
        let value = value.trim();
        let end = self.span.end as usize;
        let value = value_of(value, Span::new(self.span.file, end - value.len(), end));
        self.inventory.set_var(&self.group, key.trim(), value)
    }

    fn child(&mut self, line: &str) -> Result<(), String> {
        let name = group_name(line).ok_or_else(|| format!("Expected group name, got: {line}"))?;
        if self.inventory.group_id(name).is_some() {
            self.inventory.add_child(&self.group, name)?;
            return Ok(());
        }
        let parent = self.group.clone();
        let fresh = || Pending::Children { span: self.span, parents: vec![] };
        match self.pending.entry(name.to_owned()).or_insert_with(fresh) {
            Pending::Children { parents, .. } => parents.push(parent),
            // A group that only has vars so far exists, so it never comes here.
            Pending::Vars(_) => {}
        }
        Ok(())
    }
}

/// A Python literal, or else text.
fn value_of(source: &str, span: Span) -> Value {
    let text = |s: String| Value::Str(Text::new(s, Trust::Author, Some(span)));
    literal(source, &text).unwrap_or_else(|| text(source.to_owned()))
}

/// `[name]` or `[name:kind]`, with a comment perhaps.
fn header(line: &str) -> Option<(&str, Option<&str>)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once(']')?;
    let (name, kind) = inner.split_once(':').map_or((inner, None), |(n, k)| (n, Some(k)));
    let word = |k: &str| !k.is_empty() && k.chars().all(|c| c.is_alphanumeric() || c == '_');
    let fits = !name.is_empty() && !name.contains(char::is_whitespace) && kind.is_none_or(word);
    (fits && is_comment(rest)).then_some((name, kind))
}

/// A group name, with a comment perhaps.
fn group_name(line: &str) -> Option<&str> {
    let end = line.find(|c: char| c == ':' || c == ']' || c.is_whitespace()).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    (!name.is_empty() && is_comment(rest)).then_some(name)
}

fn is_comment(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}
