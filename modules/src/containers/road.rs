//! How modules of engines run: one road, walked twice. First it only looks, which is also all that check mode does; where
//! something would change it is walked again with a hand that can.

use super::engine::Hand;
use crate::contract::{Call, Diff, Failure, Json, JsonMap, Outcome, Plan};
use crate::host::{Change, Observe};

/// What a module does with its arguments and a hand.
pub type Road<A> = fn(&A, &mut Hand<'_>, &Call) -> Result<Outcome, Failure>;

pub struct Work<A> {
    args: A,
    pub outcome: Outcome,
}

/// Walks without changing anything.
///
/// # Errors
/// Those of the road.
pub fn plan<A>(args: A, host: &dyn Observe, call: &Call, road: Road<A>) -> Result<Plan<Work<A>>, Failure> {
    let mut hand = Hand::look(host);
    let outcome = road(&args, &mut hand, call)?;
    Ok(if hand.wished() { Plan::Work(Work { args, outcome }) } else { Plan::Done(outcome) })
}

/// Walks for good.
///
/// # Errors
/// Those of the road.
pub fn apply<A>(work: &Work<A>, host: &mut dyn Change, call: &Call, road: Road<A>) -> Result<Outcome, Failure> {
    road(&work.args, &mut Hand::Change(host), call)
}

/// What differs between wanted and actual, and what was done about it.
#[derive(Default)]
pub struct Track {
    pub changed: bool,
    pub actions: Vec<Json>,
    /// Name, wanted, actual.
    pub differences: Vec<(String, Json, Json)>,
    pub warnings: Vec<String>,
}

impl Track {
    pub fn differ(&mut self, name: impl Into<String>, wanted: impl Into<Json>, actual: impl Into<Json>) {
        self.differences.push((name.into(), wanted.into(), actual.into()));
    }
    pub fn act(&mut self, what: impl Into<Json>) {
        self.changed = true;
        self.actions.push(what.into());
    }
    /// As the result of the module. Actions are told of in check mode; with `always`, in any case.
    pub fn outcome(self, call: &Call, debug: bool, always: bool) -> Outcome {
        let mut outcome = Outcome::changed(self.changed);
        outcome.warnings = self.warnings;
        if always || call.check || debug {
            outcome.set("actions", self.actions);
        }
        if call.diff || debug {
            let side = |pick: fn(&(String, Json, Json)) -> &Json| -> JsonMap {
                self.differences.iter().map(|d| (d.0.clone(), pick(d).clone())).collect()
            };
            outcome = outcome.with_diff(Diff::data(side(|d| &d.2), side(|d| &d.1)));
        }
        outcome
    }
}

/// Differences in the entries of a mapping, each by the name of the option and its own.
pub fn entries(track: &mut Track, name: &str, wanted: &JsonMap, actual: &Json) {
    if wanted.is_empty() {
        return;
    }
    match actual.as_object().filter(|a| !a.is_empty()) {
        None => track.differ(name, wanted.clone(), actual.clone()),
        Some(actual) => {
            for (key, value) in wanted.iter().filter(|(key, value)| actual.get(*key) != Some(value)) {
                track.differ(format!("{name}.{key}"), value.clone(), actual.get(key).cloned().unwrap_or_default());
            }
        }
    }
}
