//! Choosing tasks by tags, and the task to start at.

use super::model::{PlannedBlock, PlannedItem, PlannedPlay, PlannedTask};
use crate::diag::Diagnostic;
use crate::playbook::Templated;
use crate::value::Value;
use globset::GlobBuilder;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `--tags` and `--skip-tags`.
#[derive(Clone, Debug, Default)]
pub struct TagFilter {
    /// Empty: all.
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

/// Renders a tag with the variables of the play.
pub type RenderTag<'a> = dyn Fn(&Value) -> Result<Value, Diagnostic> + 'a;

impl TagFilter {
    /// Whether every task runs unless it says `never`.
    pub fn is_default(&self) -> bool {
        self.skip.is_empty() && self.only.iter().all(|t| t == "all")
    }

    /// Whether a task with these tags runs.
    pub fn should_run(&self, tags: &BTreeSet<String>) -> bool {
        let has = |list: &[String], tag: &str| list.iter().any(|t| t == tag);
        let tagged = !tags.is_empty();
        let meets = |list: &[String]| {
            if tagged { list.iter().any(|t| tags.contains(t)) } else { has(list, "untagged") }
        };
        let all = [String::from("all")];
        let only = if self.only.is_empty() { &all[..] } else { &self.only[..] };
        let (always, never) = (tags.contains("always"), tags.contains("never"));
        let chosen = always || (has(only, "all") && !never) || meets(only) || (has(only, "tagged") && tagged && !never);
        if !chosen || self.skip.is_empty() {
            return chosen;
        }
        let skipped = if has(&self.skip, "all") {
            !always || has(&self.skip, "always")
        } else {
            meets(&self.skip) || (has(&self.skip, "tagged") && tagged)
        };
        !skipped
    }

    /// The blocks with only the tasks that run; blocks that are left without tasks go.
    ///
    /// # Errors
    /// A tag cannot be rendered.
    pub fn select(
        &self,
        blocks: &[Arc<PlannedBlock>],
        render: &RenderTag,
    ) -> Result<Vec<Arc<PlannedBlock>>, Diagnostic> {
        let mut out = Vec::new();
        for block in blocks {
            out.extend(self.block(block, render)?);
        }
        Ok(out)
    }

    fn block(&self, block: &Arc<PlannedBlock>, render: &RenderTag) -> Result<Option<Arc<PlannedBlock>>, Diagnostic> {
        let mut same = true;
        let mut parts = Vec::with_capacity(3);
        for items in [&block.block, &block.rescue, &block.always] {
            let mut kept = Vec::with_capacity(items.len());
            for item in items {
                let keep = match item {
                    PlannedItem::Task(task) => self
                        .should_run(&rendered(&task.keywords.tags, render)?)
                        .then(|| PlannedItem::Task(task.clone())),
                    PlannedItem::Block(inner) => {
                        let filtered = self.block(inner, render)?;
                        same &= filtered.as_ref().is_some_and(|f| Arc::ptr_eq(f, inner));
                        filtered.map(PlannedItem::Block)
                    }
                };
                same &= keep.is_some();
                kept.extend(keep);
            }
            parts.push(kept);
        }
        if parts.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        if same {
            return Ok(Some(block.clone()));
        }
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or_default();
        Ok(Some(Arc::new(PlannedBlock {
            id: block.id,
            span: block.span,
            implicit: block.implicit,
            name: block.name.clone(),
            keywords: block.keywords.clone(),
            role: block.role.clone(),
            block: next(),
            rescue: next(),
            always: next(),
        })))
    }
}

/// The tags as texts; a template may give a list.
///
/// # Errors
/// A tag cannot be rendered.
pub fn rendered(tags: &[Templated], render: &RenderTag) -> Result<BTreeSet<String>, Diagnostic> {
    let mut out = BTreeSet::new();
    for tag in tags {
        let value = if tag.node.needs_render() { render(&tag.node)? } else { tag.node.clone() };
        match value {
            Value::List(items) => out.extend(items.iter().map(Value::to_string)),
            Value::Null => {}
            one => {
                out.insert(one.to_string());
            }
        }
    }
    Ok(out)
}

/// Whether `--start-at-task` means this task: its name, with or without the role, equal or matching a shell pattern.
pub fn is_start(task: &PlannedTask, start_at: &str) -> bool {
    let name = task.written_name().map(Value::to_string);
    let full = task.display_name(name.as_deref());
    let matcher = GlobBuilder::new(start_at).build().ok().map(|g| g.compile_matcher());
    name.iter().chain([&full]).any(|n| n == start_at || matcher.as_ref().is_some_and(|m| m.is_match(n)))
}

/// Whether `--start-at-task` means a task of this play.
pub fn has_start(play: &PlannedPlay, start_at: &str) -> bool {
    fn inside(items: &[PlannedItem], start_at: &str) -> bool {
        items.iter().any(|item| match item {
            PlannedItem::Task(task) => is_start(task, start_at),
            PlannedItem::Block(block) => inside(&block.block, start_at) || inside(&block.always, start_at),
        })
    }
    let stages = [&play.pre_tasks, &play.role_tasks, &play.tasks, &play.post_tasks];
    stages.into_iter().flatten().any(|block| inside(&block.block, start_at) || inside(&block.always, start_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// --tags, --skip-tags, the task's tags, whether it runs: recorded from ansible-core 2.19.
    const CASES: &[(&str, &str, &str, bool)] = &[
        ("", "", "", true),
        ("", "", "a", true),
        ("", "", "never", false),
        ("", "", "never,always", true),
        ("", "", "never,a", false),
        ("a", "", "never,a", true),
        ("a", "", "a", true),
        ("a", "", "b", false),
        ("a", "", "", false),
        ("a", "", "always", true),
        ("tagged", "", "a", true),
        ("tagged", "", "", false),
        ("tagged", "", "never", false),
        ("untagged", "", "", true),
        ("untagged", "", "a", false),
        ("untagged", "", "always", true),
        ("all", "", "never", false),
        ("never", "", "never", true),
        ("", "a", "a", false),
        ("", "a", "b", true),
        ("", "always", "always", false),
        ("", "all", "a", false),
        ("", "all", "always", true),
        ("", "all,always", "always", false),
        ("", "tagged", "a", false),
        ("", "tagged", "", true),
        ("", "untagged", "", false),
        ("a,b", "b", "a,b", false),
    ];

    #[test]
    fn tasks_are_chosen_as_ansible_chooses_them() {
        let list = |text: &str| text.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (only, skip, tags, runs) in CASES {
            let filter = TagFilter { only: list(only), skip: list(skip) };
            let tags: BTreeSet<String> = list(tags).into_iter().collect();
            assert_eq!(filter.should_run(&tags), *runs, "--tags {only} --skip-tags {skip} on {tags:?}");
        }
    }
}
