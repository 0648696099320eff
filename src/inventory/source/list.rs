//! Lists of hosts on the command line: `-i 'a,b,'`, and with ranges (`advanced_host_list`).

use super::Inventory;
use crate::inventory::address::{expand_pattern, parse_address};

/// # Errors
/// Never for names that are not empty.
pub(super) fn read(inventory: &mut Inventory, list: &str, ranges: bool) -> Result<(), String> {
    let ungrouped = inventory.group_id(super::super::data::UNGROUPED);
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let (names, port) = if ranges {
            expand_pattern(item).unwrap_or_else(|_| (vec![item.to_owned()], None))
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
