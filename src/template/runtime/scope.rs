//! A set of variables while it is rendered from: each variable is rendered once.

use super::{Cx, Dict, Fault, List, V};
use crate::template::{Binding, ErrorKind, Untrusted, Variables};
use crate::value::{Text, Trust, Value, Vaulted};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub struct Scope {
    pub vars: Arc<dyn Variables>,
    memo: Mutex<HashMap<Arc<str>, V>>,
}

/// How deep templates may refer to further templates.
const DEPTH: usize = 90;

impl Scope {
    pub fn new(vars: Arc<dyn Variables>) -> Arc<Self> {
        Arc::new(Scope { vars, memo: Mutex::default() })
    }
    /// Forgets what was rendered: a template changed a list or map in place.
    pub fn forget(&self) {
        self.memo.lock().unwrap_or_else(|e| e.into_inner()).clear();
    }
    /// A variable, its template rendered; what fails is [`V::Undef`].
    pub fn get(self: &Arc<Self>, cx: &Cx, name: &Arc<str>) -> Option<V> {
        if let Some(v) = self.memo.lock().unwrap_or_else(|e| e.into_inner()).get(name) {
            return Some(v.clone());
        }
        let v = match self.vars.get(name)? {
            Binding::Value(value) => {
                let v = self.lift_named(cx, &value, Some(name));
                // Errors are told where each use stands, so they are made anew.
                if v.is_undef() {
                    return Some(v);
                }
                v
            }
            Binding::Scope(vars) => V::Dict(Dict::vars(Scope::new(vars))),
            Binding::Scopes(scopes) => V::Dict(Dict::hosts(scopes)),
        };
        self.memo.lock().unwrap_or_else(|e| e.into_inner()).insert(name.clone(), v.clone());
        Some(v)
    }
    /// Data as a template sees it. Text that is the author's template is rendered now, what is in containers on access.
    pub fn lift(self: &Arc<Self>, cx: &Cx, value: &Value) -> V {
        self.lift_named(cx, value, None)
    }
    fn lift_named(self: &Arc<Self>, cx: &Cx, value: &Value, name: Option<&Arc<str>>) -> V {
        match value {
            Value::Str(text) if text.is_template() => self.render(cx, text, name),
            Value::Str(text) if untrusted_template(cx, text) => untrusted(cx, text),
            Value::Str(text) => V::Str(text.clone()),
            Value::Null => V::None,
            Value::Bool(b) => V::Bool(*b),
            Value::Int(i) => V::Int(*i),
            Value::BigInt(i) => V::Big(i.clone()),
            Value::Float(f) => V::Float(*f),
            Value::List(items) => V::List(List::raw(items.clone(), self.clone())),
            Value::Map(map) => V::Dict(Dict::raw(map.clone(), self.clone())),
            Value::Timestamp(t) => super::Time::from_text(t).map_or_else(|| V::str(t.clone()), V::from),
            Value::Bytes(b) => V::Bytes(b.clone()),
            Value::Omit => V::Omit,
            Value::Vault(vaulted) => match &cx.engine.vault {
                None => vault_fault("Attempting to decrypt but no vault secrets found.", vaulted),
                Some(vault) => match vault.decrypt(&vaulted.ciphertext).map(String::from_utf8) {
                    Ok(Ok(text)) => V::Str(Text::foreign(text).secret()),
                    Ok(Err(_)) => vault_fault("the plaintext is not UTF-8", vaulted),
                    Err(message) => vault_fault(&message, vaulted),
                },
            },
        }
    }
    /// Renders a template in this scope.
    pub fn render(self: &Arc<Self>, cx: &Cx, text: &Text, name: Option<&Arc<str>>) -> V {
        let me = (Arc::as_ptr(self) as usize, text.as_ptr() as usize);
        {
            let stack = cx.run.stack.borrow();
            let again = stack.iter().position(|f| f.0 == me);
            if again.is_some() || stack.len() >= DEPTH {
                let from = again.unwrap_or(0);
                let name = name.cloned().or_else(|| stack[from..].iter().rev().find_map(|f| f.1.clone()));
                let mut fault = Fault::told(ErrorKind::Recursive, "Recursive loop detected in template.");
                let inner = Arc::make_mut(&mut fault);
                if let Some(name) = &name {
                    inner.message = format!("Recursive loop detected in template: the value of '{name}' needs itself");
                }
                inner.name = name;
                inner.span = text.origin();
                return V::Undef(fault);
            }
        }
        cx.run.stack.borrow_mut().push((me, name.cloned()));
        let inner = Cx { scope: self, frame: None, ..*cx };
        let out = super::render_text(&inner, text);
        cx.run.stack.borrow_mut().pop();
        out
    }
}

/// Whether text from outside looks like a template, and somebody wants to know.
pub fn untrusted_template(cx: &Cx, text: &Text) -> bool {
    cx.engine.settings.untrusted != Untrusted::Ignore
        && text.trust() == Trust::Foreign
        && ["{{", "{%", "{#"].iter().any(|start| text.contains(start))
}

fn untrusted(cx: &Cx, text: &Text) -> V {
    const FAULT: &str = "Encountered untrusted template or expression.";
    if cx.engine.settings.untrusted == Untrusted::Error {
        return V::Undef(Fault::told(ErrorKind::Failed, FAULT));
    }
    let why = "Templates and expressions must be defined by trusted sources such as playbooks or roles, not untrusted sources such as module results.";
    let shown = if text.is_secret() { "(a secret)" } else { text.as_str() };
    cx.engine.outside.warn(&format!("{FAULT}\n\n{shown}\n\n{why}\n"));
    V::Str(text.clone())
}

fn vault_fault(message: &str, vaulted: &Vaulted) -> V {
    let mut fault = Fault::told(ErrorKind::Vault, message);
    let inner = Arc::make_mut(&mut fault);
    inner.span = vaulted.origin;
    inner.ciphertext = Some(vaulted.ciphertext.clone());
    V::Undef(fault.within("Attempt to use undecryptable variable."))
}
