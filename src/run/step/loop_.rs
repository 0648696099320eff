//! Station 6: what a task iterates over, and the variables of each iteration.

use super::keywords;
use crate::playbook::{Loop, LoopControl, Templated};
use crate::template::{ErrorKind, Templar, TemplateError};
use crate::value::{Map, Value};
use std::time::Duration;

/// The items; `None` where the task has no loop.
///
/// # Errors
/// When the loop's template or lookup fails, or gives no list.
pub fn items(looping: &Loop, templar: &Templar) -> Result<Option<Vec<Value>>, TemplateError> {
    match looping {
        Loop::Once => Ok(None),
        Loop::Items(list) => {
            let value = templar.render(&list.node).map_err(|e| e.or_at(Some(list.span)))?;
            match value {
                Value::List(items) => Ok(Some(items.to_vec())),
                other => Err(TemplateError::new(
                    ErrorKind::Failed,
                    format!("The `loop` value must resolve to a 'list', not '{}'.", other.type_name()),
                )
                .or_at(Some(list.span))),
            }
        }
        Loop::Lookup { plugin, terms } => {
            let terms_value = terms_of(&terms.node, templar).map_err(|e| e.or_at(Some(terms.span)))?;
            templar.lookup(&plugin.node, &terms_value, &Map::new()).map(Some).map_err(|e| e.or_at(Some(terms.span)))
        }
    }
}

/// A bare name (`with_items: packages`) stands for the variable, as in Ansible.
fn terms_of(terms: &Value, templar: &Templar) -> Result<Value, TemplateError> {
    match terms {
        Value::Str(text) if !text.is_template() && is_name(text) => match templar.expression(text) {
            Ok(value) => Ok(value),
            Err(e) if e.kind == ErrorKind::Undefined => Ok(terms.clone()),
            Err(e) => Err(e),
        },
        _ => Ok(terms.clone()),
    }
}

fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\''))
}

/// `loop_control`, rendered.
#[derive(Clone, Debug)]
pub struct Control {
    pub loop_var: String,
    pub index_var: Option<String>,
    pub pause: Option<Duration>,
    pub extended: bool,
    pub all_items: bool,
}

/// # Errors
/// When one of its templates fails.
pub fn control(written: &LoopControl, templar: &Templar) -> Result<Control, TemplateError> {
    let render = |keyword: &str, value: &Option<Templated>| keywords::own(keyword, value.as_ref(), templar);
    let name = |value: Option<Value>| value.map(|v| v.to_string());
    let flag = |value: Option<Value>| value.and_then(|v| v.as_spelled_bool());
    Ok(Control {
        loop_var: name(render("loop_var", &written.loop_var)?).unwrap_or_else(|| "item".to_owned()),
        index_var: name(render("index_var", &written.index_var)?),
        pause: name(render("pause", &written.pause)?)
            .and_then(|t| t.parse().ok())
            .filter(|s| *s > 0.0)
            .map(Duration::from_secs_f64),
        extended: flag(render("extended", &written.extended)?).unwrap_or(false),
        all_items: flag(render("extended_allitems", &written.extended_allitems)?).unwrap_or(true),
    })
}

impl Control {
    /// The variables of iteration `index` over `items`. Items are data already: they are not rendered again.
    pub fn variables(&self, items: &[Value], index: usize) -> Map {
        let mut vars = Map::new();
        vars.insert(self.loop_var.as_str(), items[index].clone());
        vars.insert("ansible_loop_var", self.loop_var.as_str());
        if let Some(name) = &self.index_var {
            vars.insert(name.as_str(), index);
            vars.insert("ansible_index_var", name.as_str());
        }
        if self.extended {
            vars.insert("ansible_loop", self.extended_facts(items, index));
        }
        vars
    }

    fn extended_facts(&self, items: &[Value], index: usize) -> Map {
        let length = items.len();
        let mut facts = Map::new();
        facts.insert("index", index + 1);
        facts.insert("index0", index);
        facts.insert("first", index == 0);
        facts.insert("last", index + 1 == length);
        facts.insert("length", length);
        facts.insert("revindex", length - index);
        facts.insert("revindex0", length - index - 1);
        if self.all_items {
            facts.insert("allitems", items.to_vec());
        }
        if let Some(next) = items.get(index + 1) {
            facts.insert("nextitem", next.clone());
        }
        if index > 0 {
            facts.insert("previtem", items[index - 1].clone());
        }
        facts
    }
}
