//! Facts `caps`: capabilities of this process as `capsh` prints them. Needs `capsh`.

use super::family::Family;
use super::scene::Scene;
use super::shared::facts;
use crate::contract::{Json, JsonMap};
use crate::host::Command;

pub const FAMILY: Family = Family::minimal("caps", collect)
    .provides(&["system_capabilities", "system_capabilities_enforced"])
    .commands(commands);

fn commands(scene: &Scene) -> Vec<Command> {
    scene.tool("capsh", &["--print"]).into_iter().collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let printed = commands(scene).first().and_then(|command| scene.ask_command(command));
    let (enforced, capabilities) = match printed {
        Some(text) => parse(&text),
        None => (Json::from("N/A"), Json::from("N/A")),
    };
    facts! { "system_capabilities_enforced" => enforced, "system_capabilities" => capabilities }
}

fn parse(text: &str) -> (Json, Json) {
    let Some(line) = text.lines().rfind(|line| line.starts_with("Current:")) else {
        return ("NA".into(), Json::Array(Vec::new()));
    };
    let current = line.split(':').nth(1).unwrap_or_default().trim();
    if current == "=ep" {
        return ("False".into(), Json::Array(Vec::new()));
    }
    let list = line.split('=').nth(1).unwrap_or_default();
    ("True".into(), list.split(',').map(|name| Json::from(name.trim())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn capabilities_are_cut_at_the_equals_sign() {
        for (text, enforced, list) in [
            ("Current: =ep\nBounding set =a,b\n", "False", json!([])),
            ("Current: =\nBounding set =a\n", "True", json!([""])),
            ("Current: = cap_chown,cap_kill+ep\n", "True", json!(["cap_chown", "cap_kill+ep"])),
            ("Current: cap_chown,cap_kill=ep\n", "True", json!(["ep"])),
            ("nothing", "NA", json!([])),
        ] {
            assert_eq!(parse(text), (enforced.into(), list), "{text}");
        }
    }
}
