//! `~` and `$VARS` in paths, expanded on the host as Python's `expandvars` and `expanduser` do.

use super::Observe;
use crate::contract::{Arg, ArgType, Json, JsonMap, ModuleSpec};

/// `$NAME` and `${NAME}` first (unknown names stay as they are), then a leading `~` or `~user`.
pub fn expand_path(host: &dyn Observe, text: &str) -> String {
    expand_user(host, &expand_variables(host, text))
}

fn expand_variables(host: &dyn Observe, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, len) = match after.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => (&inner[..end], end + 2),
                None => ("", 0),
            },
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match host.env(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => {
                out.push('$');
                out.push_str(&after[..len]);
            }
        }
        rest = &after[len..];
    }
    out + rest
}

fn expand_user(host: &dyn Observe, text: &str) -> String {
    let Some(tail) = text.strip_prefix('~') else { return text.to_owned() };
    let (user, rest) = tail.split_at(tail.find('/').unwrap_or(tail.len()));
    let home = match user {
        "" => host.env("HOME").or_else(|| host.user_by_id(host.euid()).map(|u| u.home)),
        name => host.user(name).map(|u| u.home),
    };
    match home {
        Some(home) => {
            let whole = format!("{}{rest}", home.trim_end_matches('/'));
            if whole.is_empty() { "/".to_owned() } else { whole }
        }
        None => text.to_owned(),
    }
}

/// Expands every argument that the spec calls a path, elements of lists and sub-options included.
pub(crate) fn expand_arguments(host: &dyn Observe, spec: &ModuleSpec, args: &mut JsonMap) {
    for arg in spec.all_args() {
        if let Some(value) = args.get_mut(arg.name) {
            expand_value(host, arg, value);
        }
    }
}

fn expand_value(host: &dyn Observe, arg: &Arg, value: &mut Json) {
    match value {
        Json::String(text) if arg.ty == ArgType::Path && text.contains(['~', '$']) => *text = expand_path(host, text),
        Json::Array(items) if arg.elements == Some(ArgType::Path) => {
            for item in items {
                if let Json::String(text) = item {
                    *text = expand_path(host, text);
                }
            }
        }
        Json::Array(items) if !arg.options.is_empty() => {
            items.iter_mut().filter_map(Json::as_object_mut).for_each(|map| expand_options(host, arg, map));
        }
        Json::Object(map) if !arg.options.is_empty() => expand_options(host, arg, map),
        _ => {}
    }
}

fn expand_options(host: &dyn Observe, arg: &Arg, map: &mut JsonMap) {
    for option in arg.options {
        if let Some(value) = map.get_mut(option.name) {
            expand_value(host, option, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn paths_expand_as_in_python() {
        let host = Fake::new().account("deploy", 1000).with_env("APP", "/srv/app");
        for (text, expected) in [
            ("~/x", "/root/x"),
            ("~deploy/.ssh", "/home/deploy/.ssh"),
            ("~nobody-here/x", "~nobody-here/x"),
            ("$APP/${APP}.d/$NOPE/${NOPE", "/srv/app//srv/app.d/$NOPE/${NOPE"),
            ("/a~b/$", "/a~b/$"),
        ] {
            assert_eq!(expand_path(&host, text), expected, "{text}");
        }
    }
}
