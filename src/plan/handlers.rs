//! Which handlers a notification starts.

use super::model::PlannedTask;
use std::collections::HashSet;
use std::sync::Arc;

/// The handlers that `notification` starts: one by name (`name`, `role : name`, `ns.col.role : name`), then all that
/// listen to it as a topic. `name_of` gives the rendered name, `None` where it has none or it cannot be rendered; names
/// behind the one that is found are not asked for.
///
/// Of several with one name the last list's wins; within a list the first one, as in ansible-core 2.19.
pub fn notified<'a>(
    handlers: &'a [Arc<PlannedTask>],
    notification: &str,
    name_of: &dyn Fn(&PlannedTask) -> Option<String>,
) -> Vec<&'a Arc<PlannedTask>> {
    let mut by_name = None;
    let mut listening = Vec::new();
    let mut seen = HashSet::new();
    for list in handlers.chunk_by(|a, b| a.group == b.group).rev() {
        for handler in list {
            if by_name.is_none() && name_of(handler).is_some_and(|n| goes_by(handler, &n, notification)) {
                by_name = Some(handler);
            }
            let topic = || handler.listen.iter().any(|topic| &**topic == notification);
            if topic() && handler.written_name().is_none_or(|n| seen.insert(n.to_string())) {
                listening.push(handler);
            }
        }
    }
    by_name.into_iter().chain(listening).collect()
}

fn goes_by(handler: &PlannedTask, name: &str, notification: &str) -> bool {
    name == notification
        || handler.role().is_some_and(|role| {
            notification
                .strip_suffix(name)
                .and_then(|rest| rest.strip_suffix(" : "))
                .is_some_and(|r| r == &*role.name || r == role.full_name())
        })
}
