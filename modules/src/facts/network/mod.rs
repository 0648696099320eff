//! Facts `network`: interfaces, addresses, default routes. Needs `ip`, and `ethtool` for features and time stamping.

mod addresses;
mod ethtool;
mod interfaces;
mod routes;

use super::family::Family;
use super::scene::Scene;
use crate::contract::{Json, JsonMap};
use crate::host::Command;

pub const FAMILY: Family = Family::new("network", collect)
    .provides(&["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"])
    .needs(&["distribution", "platform"])
    .commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    let ethtool = interfaces::names(scene).into_iter().flat_map(|name| ethtool::commands(scene, &name));
    routes::commands(scene).into_iter().chain(scene.tool("ip", &addresses::SHOW)).chain(ethtool).collect()
}

fn collect(scene: &Scene) -> JsonMap {
    if scene.host.which("ip").is_none() {
        return JsonMap::new();
    }
    let mut default4 = routes::default(scene, "-4", routes::TARGET_IPV4);
    let mut default6 = routes::default(scene, "-6", routes::TARGET_IPV6);
    let shown = scene.ask("ip", &addresses::SHOW).unwrap_or_default();
    let mut net = addresses::Network::default();
    for name in interfaces::names(scene) {
        let device = interfaces::describe(scene, &name);
        net.add(&name, device, &shown, [&mut default4, &mut default6]);
        let features = ethtool::describe(scene, &name);
        net.interface(&name).extend(features);
    }
    let mut facts = JsonMap::new();
    // Colons cannot stand in names of facts.
    let named = |name: &str| name.replace(':', "_");
    let names: Vec<Json> = net.interfaces.iter().map(|(name, _)| named(name).into()).collect();
    facts.insert("interfaces".to_owned(), names.into());
    facts.extend(net.interfaces.into_iter().map(|(name, device)| (named(&name), device.into())));
    facts.insert("default_ipv4".to_owned(), default4.into());
    facts.insert("default_ipv6".to_owned(), default6.into());
    facts.insert("all_ipv4_addresses".to_owned(), net.all4.into());
    facts.insert("all_ipv6_addresses".to_owned(), net.all6.into());
    facts.insert("locally_reachable_ips".to_owned(), routes::local(scene).into());
    facts
}
