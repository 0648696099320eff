//! Station 7: lists of conditions (`when`, `changed_when`, `failed_when`, `until`), all of which must hold.

use crate::playbook::Templated;
use crate::template::{Templar, TemplateError};
use crate::value::Value;

/// Whether all conditions hold; else the first that does not.
///
/// # Errors
/// The first condition that cannot be evaluated, told where it stands.
pub(super) fn all_hold<'c>(
    conditions: &'c [Templated],
    templar: &Templar,
) -> Result<Result<(), &'c Value>, TemplateError> {
    for condition in conditions {
        // A list within the list, from a variable that holds several conditions.
        if let Value::List(inner) = &condition.node {
            for one in inner.iter() {
                if !templar.condition(one).map_err(|e| e.or_at(Some(condition.span)))? {
                    return Ok(Err(&condition.node));
                }
            }
            continue;
        }
        if !templar.condition(&condition.node).map_err(|e| e.or_at(Some(condition.span)))? {
            return Ok(Err(&condition.node));
        }
    }
    Ok(Ok(()))
}
