//! Tasks that no author writes: flushing handlers, gathering facts, checking a role's arguments, the end of a role.

use super::build::known_action;
use super::model::{Frame, PlannedBlock, PlannedItem, PlannedTask};
use super::planner::Planner;
use super::resolve::{Action, Meta};
use super::role::RoleContext;
use super::role_files::{FromFiles, RoleMeta};
use crate::diag::Span;
use crate::playbook::{Args, Common, Item, Loop, LoopControl, Play, RAW_PARAMS, Task, Templated};
use crate::value::{Map, Value};
use std::sync::Arc;

/// A task with nothing but an action.
fn bare(action: &str, args: Map, common: Common, span: Span) -> Arc<Task> {
    Arc::new(Task {
        span,
        common,
        action: Templated::new(action.into(), span),
        args: Arc::new(Args { map: Arc::new(args), variable: None, places: vec![] }),
        looping: Loop::Once,
        loop_control: LoopControl::default(),
        register: None,
        changed_when: vec![],
        failed_when: vec![],
        until: vec![],
        retries: None,
        delay: None,
        async_: None,
        poll: None,
        apply: None,
        listen: vec![],
    })
}

fn always(span: Span) -> Vec<Templated> {
    vec![Templated::new("always".into(), span)]
}

fn alone(planner: &Planner, frame: &Arc<Frame>, task: Arc<Task>, action: Action) -> Arc<PlannedBlock> {
    let id = planner.id();
    let planned = PlannedTask {
        id: planner.id(),
        action,
        keywords: frame.keywords.inside(&task.common),
        frame: frame.clone(),
        handler: false,
        listen: vec![],
        implicit: true,
        group: id,
        task,
    };
    Arc::new(PlannedBlock {
        id,
        span: None,
        implicit: true,
        name: None,
        keywords: frame.keywords.clone(),
        role: frame.role.clone(),
        block: vec![PlannedItem::Task(Arc::new(planned))],
        rescue: vec![],
        always: vec![],
    })
}

fn meta(planner: &Planner, frame: &Arc<Frame>, meta: Meta, common: Common, span: Span) -> Arc<PlannedBlock> {
    let args = Map::from_iter([(RAW_PARAMS.into(), meta.name().into())]);
    alone(planner, frame, bare("meta", args, common, span), Action::Meta(meta))
}

pub(super) fn flush_handlers(planner: &Planner, frame: &Arc<Frame>, span: Span) -> Arc<PlannedBlock> {
    let common = Common { tags: always(span), ..Common::default() };
    meta(planner, frame, Meta::FlushHandlers, common, span)
}

/// At the end of a role; not for one host only, whatever is around it.
pub(super) fn role_complete(planner: &Planner, frame: &Arc<Frame>, span: Span) -> Arc<PlannedBlock> {
    let mut common = Common { tags: always(span), ..Common::default() };
    common.settings.set("run_once", false.into(), span);
    meta(planner, frame, Meta::RoleComplete, common, span)
}

/// "Gathering Facts", with the play's options; always run unless the play has tags.
pub(super) fn gather_facts(
    planner: &Planner,
    frame: &Arc<Frame>,
    play: &Play,
    when: &[Templated],
) -> Arc<PlannedBlock> {
    let span = play.span;
    let mut args = Map::new();
    for (name, value) in [
        ("gather_subset", &play.gather_subset),
        ("gather_timeout", &play.gather_timeout),
        ("fact_path", &play.fact_path),
    ] {
        if let Some(value) = value.as_ref().filter(|v| !v.node.is_null()) {
            args.insert(name, value.node.clone());
        }
    }
    let mut common = Common {
        name: Some(Templated::new("Gathering Facts".into(), span)),
        when: when.to_vec(),
        tags: if frame.keywords.tags.is_empty() { always(span) } else { vec![] },
        ..Common::default()
    };
    common.settings.set("run_once", false.into(), span);
    let name = "ansible.builtin.gather_facts";
    alone(planner, frame, bare("gather_facts", args, common, span), known_action(planner, name))
}

/// The task that checks a role's arguments, where the entry point has a specification.
pub(super) fn validate_arguments(role: &RoleContext, meta: &RoleMeta, from: &FromFiles, span: Span) -> Option<Item> {
    let entry = from.tasks.as_deref().unwrap_or("main");
    let spec = meta.argument_specs.get(entry)?.as_map().filter(|m| !m.is_empty())?;
    let mut name = format!("Validating arguments against arg spec '{entry}'");
    if let Some(short) = spec.get("short_description") {
        name += &format!(" - {short}");
    }
    let context = Map::from_iter([
        ("type".into(), "role".into()),
        ("name".into(), Value::foreign(role.name.clone())),
        ("argument_spec_name".into(), entry.into()),
        ("path".into(), role.path.display().to_string().into()),
    ]);
    let args = Map::from_iter([
        ("argument_spec".into(), spec.get("options").cloned().unwrap_or_else(|| Map::new().into())),
        ("provided_arguments".into(), Value::Map(role.own.params.clone())),
        ("validate_args_context".into(), context.into()),
    ]);
    let span = meta.span.unwrap_or(span);
    let common =
        Common { name: Some(Templated::new(Value::trusted(name), span)), tags: always(span), ..Common::default() };
    Some(Item::Task(bare("ansible.builtin.validate_argument_spec", args, common, span)))
}
