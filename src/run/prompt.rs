//! `vars_prompt`: one question and its answer.

use crate::actions::Ask;
use crate::template::Templar;
use crate::value::{Map, Text, Trust, Value};

const MISMATCH: &str = "***** VALUES ENTERED DO NOT MATCH ****";

/// What became of a question.
pub struct Answer {
    pub value: Value,
    /// There was no terminal: the default counts.
    pub unasked: bool,
}

/// Asks for a variable.
///
/// # Errors
/// When the answer cannot be encrypted as the options want it.
pub async fn ask(ask: &dyn Ask, name: &str, options: &Map, templar: &Templar) -> Result<Answer, String> {
    let given = |key: &str| options.get(key).filter(|v| !v.is_null());
    let flag = |key: &str, default: bool| options.get(key).and_then(Value::as_spelled_bool).unwrap_or(default);
    let default = given("default").map(Value::to_string);
    let prompt = given("prompt").map_or_else(|| name.to_owned(), Value::to_string);
    let question = match &default {
        _ if prompt.is_empty() => format!("input for {name}: "),
        Some(default) => format!("{prompt} [{default}]: "),
        None => format!("{prompt}: "),
    };
    let echo = !flag("private", true);
    let typed = loop {
        let Some(first) = ask.line(&question, echo, None).await else { break None };
        if !flag("confirm", false) {
            break Some(first);
        }
        let again = ask.line(&format!("confirm {question}"), echo, None).await;
        if again.as_ref() == Some(&first) {
            break again;
        }
        ask.say(MISMATCH);
    };
    let unasked = typed.is_none();
    // Without a terminal and a default it is Python's word for nothing.
    let text = match (typed.filter(|t| !t.is_empty()), default, unasked) {
        (Some(typed), ..) => typed,
        (None, Some(default), _) => default,
        (None, None, unasked) => if unasked { "None" } else { "" }.to_owned(),
    };
    let text = match given("encrypt") {
        Some(kind) => encrypted(&text, kind, given("salt"), given("salt_size"), templar)?,
        None => text,
    };
    // The person at the terminal is an author, unless the play says otherwise.
    let trust = if flag("unsafe", false) { Trust::Foreign } else { Trust::Author };
    let text = Text::new(text, trust, None);
    Ok(Answer { value: Value::Str(if echo { text } else { text.secret() }), unasked })
}

/// As the filter `password_hash` has it.
fn encrypted(
    text: &str,
    kind: &Value,
    salt: Option<&Value>,
    size: Option<&Value>,
    templar: &Templar,
) -> Result<String, String> {
    let mut vars = Map::new();
    vars.insert("answer", Value::foreign(text));
    vars.insert("kind", kind.clone());
    let mut call = "answer | password_hash(kind".to_owned();
    for (name, value) in [("salt", salt), ("salt_size", size)] {
        if let Some(value) = value {
            vars.insert(name, value.clone());
            call.push_str(&format!(", {name}={name}"));
        }
    }
    call.push(')');
    templar.with(vars).expression(&call).map(|hash| hash.to_string()).map_err(|e| e.message)
}
