//! Which families a `gather_subset` names, gathering them in order, and the `filter` on their facts.

use super::FAMILIES;
use super::family::Family;
use super::scene::Scene;
use super::shared::fnmatch;
use crate::contract::JsonMap;
use std::collections::BTreeSet;

/// The families that a `gather_subset` asks for, those that they need included, in the order of [`FAMILIES`].
///
/// As in ansible-core: `min` always counts unless `!min` is given; what is named outright survives every negation; an unknown
/// name is an error unless it is negated.
pub fn select(subset: &[String]) -> Result<Vec<&'static Family>, String> {
    let valid: BTreeSet<&str> = FAMILIES.iter().flat_map(names).collect();
    let minimal: BTreeSet<&str> = FAMILIES.iter().filter(|f| f.minimal).map(|f| f.name).collect();
    let mut wanted = minimal.clone();
    let (mut unwanted, mut named): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    for word in subset {
        match (word.as_str(), word.strip_prefix('!')) {
            ("min", _) => wanted.extend(&minimal),
            ("all", _) => wanted.extend(&valid),
            (_, Some("min")) => unwanted.extend(&minimal),
            (_, Some("all")) => unwanted.extend(valid.difference(&minimal)),
            (_, Some(name)) => {
                let family = FAMILIES.iter().find(|f| f.name == name);
                unwanted.extend(family.into_iter().flat_map(|f| f.provides));
                unwanted.extend(valid.get(name));
            }
            (name, None) => {
                let Some(known) = valid.get(name) else {
                    let options: Vec<&str> = valid.iter().copied().collect();
                    return Err(format!(
                        "Bad subset '{name}' given to Ansible. gather_subset options allowed: all, {}",
                        options.join(", ")
                    ));
                };
                named.insert(*known);
                wanted.insert(*known);
            }
        }
    }
    wanted.retain(|name| named.contains(name) || !unwanted.contains(name));
    let mut chosen: BTreeSet<&str> =
        FAMILIES.iter().filter(|f| names(f).any(|name| wanted.contains(name))).map(|f| f.name).collect();
    // What is needed is never itself in need of something that is listed later.
    for family in FAMILIES.iter().rev() {
        if chosen.contains(family.name) {
            chosen.extend(family.needs);
        }
    }
    Ok(FAMILIES.iter().filter(|f| chosen.contains(f.name)).collect())
}

fn names(family: &'static Family) -> impl Iterator<Item = &'static str> {
    std::iter::once(family.name).chain(family.provides.iter().copied())
}

/// Gathers families; the facts have their full names.
pub fn gather(families: &[&Family], scene: &mut Scene, filter: &[String]) -> JsonMap {
    scene.prepare(families.iter().flat_map(|family| (family.commands)(scene)).collect());
    let mut all = JsonMap::new();
    for family in families {
        let facts = (family.collect)(scene);
        scene.remember(&facts);
        for (name, value) in facts {
            // Interfaces may have dashes in their names; names of facts have none.
            let name = format!("{}{}", family.prefix, name.replace('-', "_"));
            if passes(&name, filter) {
                all.insert(name, value);
            }
        }
    }
    all
}

/// Whether a fact passes the filter: no pattern, or one that fits its name with or without `ansible_`.
pub fn passes(name: &str, filter: &[String]) -> bool {
    filter.is_empty()
        || filter.iter().any(|pattern| {
            pattern.is_empty()
                || fnmatch(name, pattern)
                || (!["ansible_", "facter", "ohai"].iter().any(|p| pattern.starts_with(p))
                    && fnmatch(name, &format!("ansible_{pattern}")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(subset: &[&str]) -> Vec<&'static str> {
        let subset: Vec<String> = subset.iter().map(|s| s.to_string()).collect();
        select(&subset).map(|families| families.iter().map(|f| f.name).collect()).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn subsets_select_as_in_ansible() {
        let all: Vec<&str> = FAMILIES.iter().map(|f| f.name).collect();
        let minimal: Vec<&str> = FAMILIES.iter().filter(|f| f.minimal).map(|f| f.name).collect();
        assert_eq!(chosen(&["all"]), all);
        assert_eq!(chosen(&["!all"]), minimal);
        assert_eq!(chosen(&["min"]), minimal);
        assert_eq!(chosen(&["!all", "!min"]), Vec::<&str>::new());
        assert_eq!(chosen(&["!all", "!min", "hardware"]), ["platform", "hardware"]);
        assert_eq!(chosen(&["!all", "!min", "mounts"]), ["platform", "hardware"]);
        assert_eq!(chosen(&["!all", "!min", "network"]), ["platform", "distribution", "network"]);
        assert!(!chosen(&["all", "!hardware"]).contains(&"hardware"));
        assert!(chosen(&["all", "!hardware", "devices"]).contains(&"hardware"));
        assert!(chosen(&["all", "!nonsense"]).contains(&"hardware"));
    }

    #[test]
    fn unknown_subset_is_refused_with_the_known_ones() {
        let error = select(&["nonsense".to_owned()]).err().unwrap_or_default();
        assert!(error.starts_with(
            "Bad subset 'nonsense' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, all_ipv6_addresses, apparmor, "
        ), "{error}");
    }

    #[test]
    fn filters_fit_with_and_without_prefix() {
        let filter = |p: &str| vec![p.to_owned()];
        assert!(passes("ansible_distribution", &filter("distribution")));
        assert!(passes("ansible_distribution", &filter("ansible_dist*")));
        assert!(passes("ansible_distribution", &[]));
        assert!(passes("ansible_distribution", &filter("")));
        assert!(!passes("ansible_facter", &filter("facter")));
        assert!(!passes("ansible_distribution", &filter("dist")));
    }
}
