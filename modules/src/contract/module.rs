//! The one shape of a module, and its erased form for the catalogue.

use super::{Call, CheckMode, Failure, JsonMap, ModuleSpec, Outcome, Secrets};
use crate::host::{Change, Observe, expand_arguments};
use serde::de::DeserializeOwned;

/// A module: a unit struct in a file of its own.
///
/// `plan` looks at the host and decides; it holds no handle that could change anything. `preview` tells what `apply` would
/// report. `apply` is never called in check mode. A plan that is [`Plan::Done`] has nothing left to do.
pub trait Module {
    const SPEC: ModuleSpec;
    /// Deserialised from validated arguments: aliases resolved, types coerced, defaults filled in, absent ones null.
    type Args: DeserializeOwned;
    /// What is to be done.
    type Work;

    fn plan(args: Self::Args, host: &dyn Observe, call: &Call) -> Result<Plan<Self::Work>, Failure>;
    /// What check mode reports for this work.
    fn preview(work: &Self::Work, call: &Call) -> Outcome;
    fn apply(work: Self::Work, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure>;
}

/// A module's decision.
pub enum Plan<W> {
    /// Nothing to change: this is the outcome (queries, and hosts already as wanted).
    Done(Outcome),
    /// Something to change.
    Work(W),
}

/// One line of the catalogue.
#[derive(Clone, Copy)]
pub struct Entry {
    pub spec: &'static ModuleSpec,
    pub run: fn(JsonMap, &mut dyn Change, &Call) -> Result<Outcome, Failure>,
}

impl Entry {
    pub const fn of<M: Module>() -> Self {
        Entry { spec: &M::SPEC, run: run::<M> }
    }
}

/// The one way to a module: paths are expanded here, and no secret of the arguments gets past it.
fn run<M: Module>(mut args: JsonMap, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
    let secrets = Secrets::of(&M::SPEC, &args);
    expand_arguments(host.observe(), &M::SPEC, &mut args);
    let mut answer = run_stages::<M>(args, host, call);
    match &mut answer {
        Ok(outcome) => {
            debug_assert!(outcome.facts.is_none() || M::SPEC.gives_facts(), "{} gives facts unannounced", M::SPEC.name);
            secrets.clean_outcome(outcome);
        }
        Err(failure) => secrets.clean_failure(failure),
    }
    answer
}

fn run_stages<M: Module>(args: JsonMap, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
    if call.check && M::SPEC.check_mode == CheckMode::None {
        return Ok(Outcome { skipped: true, ..Outcome::default() }
            .with("msg", format!("remote module ({}) does not support check mode", M::SPEC.told_name())));
    }
    let args: M::Args = serde_json::from_value(args.into())
        .map_err(|e| Failure::new(format!("{}: arguments do not fit the module: {e}", M::SPEC.name)))?;
    match M::plan(args, host.observe(), call)? {
        Plan::Done(outcome) => Ok(outcome),
        Plan::Work(work) if call.check => Ok(M::preview(&work, call)),
        Plan::Work(work) => M::apply(work, host, call),
    }
}
