//! The harness for data cases: arguments + fake host → outcome, with the checks that hold for every module.

use super::fake::Fake;
use crate::contract::{Blobs, Call, CheckMode, Entry, Failure, Json, Kind, NoBlobs, Outcome, validate};
use std::collections::BTreeMap;

/// Runs one module in check mode, then for good, then again, with diff on.
///
/// # Panics
/// If check mode touched the host, if it told otherwise than what happened, or if a second run of a module that is not
/// imperative changed something.
pub fn case(entry: &Entry, args: Json, host: &mut Fake) -> Result<Outcome, Failure> {
    let outcome = once(entry, args.clone(), host)?;
    if entry.spec.kind != Kind::Imperative {
        let mut again = host.clone();
        again.clear_log();
        let second = run(entry, args, &mut again, false)?;
        assert!(!second.changed, "{}: the second run changed something: {second:#?}", entry.spec.name);
        assert!(again.same_files(host), "{}: the second run wrote {:?}", entry.spec.name, again.log().writes);
    }
    Ok(outcome)
}

/// As [`case`] without the second run, for arguments that do something each time.
pub fn once(entry: &Entry, args: Json, host: &mut Fake) -> Result<Outcome, Failure> {
    let mut untouched = host.clone();
    untouched.clear_log();
    let preview = run(entry, args.clone(), &mut untouched, true);
    let name = entry.spec.name;
    assert!(untouched.log().writes.is_empty(), "{name}: check mode wrote {:?}", untouched.log().writes);
    assert!(untouched.executed().is_empty(), "{name}: check mode ran {:?}", untouched.executed());
    assert!(untouched.same_files(host), "{name}: check mode changed the host");
    let outcome = run(entry, args, host, false)?;
    if let (Ok(preview), CheckMode::Full) = (&preview, entry.spec.check_mode)
        && !preview.skipped
    {
        assert_eq!(preview.changed, outcome.changed, "{name}: check mode told otherwise: {preview:#?} {outcome:#?}");
    }
    Ok(outcome)
}

/// Validates `args` as the controller does and runs the module once. Faults in the arguments are a failure with the first
/// fault's message.
pub fn run(entry: &Entry, args: Json, host: &mut Fake, check: bool) -> Result<Outcome, Failure> {
    run_with(entry, args, host, check, &NoBlobs)
}

/// As [`run`], with content from the controller.
pub fn run_with(
    entry: &Entry,
    args: Json,
    host: &mut Fake,
    check: bool,
    blobs: &dyn Blobs,
) -> Result<Outcome, Failure> {
    let Json::Object(args) = args else { panic!("arguments are an object") };
    let args = validate(entry.spec, args).map_err(|faults| Failure::new(faults[0].message.clone()))?;
    let call = Call { check, diff: true, verbosity: 0, environment: BTreeMap::new(), blobs };
    (entry.run)(args, host, &call)
}
