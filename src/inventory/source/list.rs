//! Lists of hosts on the command line: `-i 'a,b,'`, and with ranges (`advanced_host_list`).

use super::Inventory;
use crate::diag::{Code, Diagnostic};
use crate::inventory::address::{expand_pattern, parse_address};

/// # Errors
/// When a range has a bound that is neither a number nor a letter. Other malformed ranges are taken as they stand.
pub(super) fn read(inventory: &mut Inventory, list: &str, ranges: bool) -> Result<(), String> {
    let ungrouped = inventory.group_id(super::super::data::UNGROUPED);
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (names, port) = if ranges {
            match expand_pattern(item) {
                Ok(found) => found,
                Err(fault) if fault.starts_with("invalid literal") => {
                    return Err(format!("Invalid data from string, could not be parsed: {fault}"));
                }
                Err(fault) => {
                    let text = format!("Unable to parse address from hostname, leaving unchanged: {fault}");
                    inventory.warn(Diagnostic::warning(Code::WARNING, text));
                    (vec![item.to_owned()], None)
                }
            }
        } else {
            parse_address(item, false)
                .map_or_else(|| (vec![item.to_owned()], None), |a| (vec![a.host.to_owned()], a.port))
        };
        for name in names {
            if inventory.host_id(&name).is_none() {
                inventory.add_host(&name, ungrouped, port)?;
            }
        }
    }
    Ok(())
}
