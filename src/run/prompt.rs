//! `vars_prompt`: one question and its answer.

use crate::actions::Ask;
use crate::value::{Map, Text, Value};

/// Asks for a variable.
///
/// # Errors
/// When there is no terminal and no default, or an option is not supported.
pub async fn ask(ask: &dyn Ask, name: &str, options: &Map) -> Result<Value, String> {
    let text = |key: &str| options.get(key).filter(|v| !v.is_null()).map(Value::to_string);
    let flag = |key: &str, default: bool| options.get(key).and_then(Value::as_spelled_bool).unwrap_or(default);
    if options.get("encrypt").is_some_and(|v| !v.is_null()) {
        return Err("vars_prompt: `encrypt` is not supported; use the filter password_hash instead".to_owned());
    }
    let question = text("prompt").unwrap_or_else(|| name.to_owned());
    let default = options.get("default").filter(|v| !v.is_null());
    let shown = match default {
        Some(value) => format!("{question} [{value}]: "),
        None => format!("{question}: "),
    };
    let echo = !flag("private", true);
    loop {
        let Some(first) = ask.line(&shown, echo, None).await else {
            return match default {
                Some(value) => Ok(value.clone()),
                None => Err(format!("there is no terminal to ask for '{name}'; give it with -e {name}=…")),
            };
        };
        if flag("confirm", false) {
            let again = ask.line(&format!("confirm {shown}"), echo, None).await.unwrap_or_default();
            if again != first {
                continue;
            }
        }
        if first.is_empty()
            && let Some(value) = default
        {
            return Ok(value.clone());
        }
        // What is typed is data, not a template, unless the play says otherwise.
        let answer = Text::foreign(first);
        return Ok(Value::Str(if echo { answer } else { answer.secret() }));
    }
}
