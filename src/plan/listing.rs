//! `--list-tasks`, `--list-tags`, `--list-hosts`: what a plan holds, in the shape of ansible-playbook's output.

use super::model::{PlannedBlock, PlannedItem, PlannedPlay};
use super::tags::{RenderTag, rendered};
use crate::playbook::Templated;
use crate::value::{Value, repr_str};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listing {
    pub tasks: bool,
    pub tags: bool,
    pub hosts: bool,
}

/// A play with what the listing shows of it.
pub struct ListedPlay<'a> {
    pub play: &'a PlannedPlay,
    /// Rendered; the patterns where the play has no name.
    pub name: String,
    /// Rendered patterns.
    pub patterns: Vec<String>,
    /// Hosts that match.
    pub hosts: Vec<String>,
    /// All blocks, with tags applied.
    pub blocks: Vec<Arc<PlannedBlock>>,
    /// Renders tags; those that it cannot render are shown as they are written.
    pub render: &'a RenderTag<'a>,
}

/// The listing of one playbook.
pub fn listing(playbook: &str, plays: &[ListedPlay], what: Listing) -> String {
    let mut out = format!("\nplaybook: {playbook}\n");
    for (number, play) in plays.iter().enumerate() {
        let own = tags_of(&play.play.keywords.tags, play.render);
        let joined = own.iter().cloned().collect::<Vec<_>>().join(",");
        out += &format!("\n  play #{} ({}): {}\tTAGS: [{joined}]", number + 1, play.patterns.join(","), play.name);
        if what.hosts {
            let patterns: Vec<String> = play.patterns.iter().map(|p| repr_str(p)).collect();
            out += &format!("\n    pattern: [{}]\n    hosts ({}):", patterns.join(", "), play.hosts.len());
            for host in &play.hosts {
                out += &format!("\n      {host}");
            }
        }
        out.push('\n');
        if !what.tasks && !what.tags {
            continue;
        }
        let mut all = own.clone();
        let mut text = String::new();
        if what.tasks {
            text += "    tasks:\n";
        }
        for block in &play.blocks {
            tasks(block, play, &own, what, &mut all, &mut text);
        }
        if what.tags {
            text += &format!("      TASK TAGS: [{}]\n", all.into_iter().collect::<Vec<_>>().join(", "));
        }
        out += &text;
    }
    out
}

fn tasks(
    block: &PlannedBlock,
    play: &ListedPlay,
    own: &BTreeSet<String>,
    what: Listing,
    all: &mut BTreeSet<String>,
    out: &mut String,
) {
    // Ansible lists neither `rescue` nor `always`; with force_handlers they hold what is not listed anyway.
    for item in &block.block {
        match item {
            PlannedItem::Block(inner) => tasks(inner, play, own, what, all, out),
            PlannedItem::Task(task) if task.implicit => {}
            PlannedItem::Task(task) => {
                let tags = tags_of(&task.keywords.tags, play.render);
                if what.tasks {
                    let shown: Vec<String> = own.union(&tags).cloned().collect();
                    let name = match task.written_name() {
                        Some(name) => task.display_name(Some(&name.to_string())),
                        None => task.task.action.node.to_string(),
                    };
                    *out += &format!("      {name}\tTAGS: [{}]\n", shown.join(", "));
                }
                all.extend(tags);
            }
        }
    }
}

fn tags_of(tags: &[Templated], render: &RenderTag) -> BTreeSet<String> {
    rendered(tags, &|tag| Ok(render(tag).unwrap_or_else(|_| tag.clone()))).unwrap_or_default()
}

impl PlannedPlay {
    /// The patterns of hosts as written.
    pub fn patterns(&self) -> Vec<Value> {
        match self.play.hosts.as_ref().map(|h| &h.node) {
            Some(Value::List(items)) => items.to_vec(),
            Some(one) => vec![one.clone()],
            None => vec![],
        }
    }
    /// The name as written, if there is one.
    pub fn written_name(&self) -> Option<&Value> {
        let name = &self.play.common.name.as_ref()?.node;
        name.truthy().then_some(name)
    }
}
