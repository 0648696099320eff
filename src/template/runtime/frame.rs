//! Names that statements set, in nested frames; macros keep the frame they were defined in.

use super::V;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub struct Frame {
    names: Mutex<Vec<(Arc<str>, V)>>,
    above: Option<Arc<Frame>>,
    /// Whether variables are seen from here (not in imports without context).
    pub variables: bool,
    pub inheritance: Option<Arc<Inheritance>>,
}

/// Blocks of a template and of those it extends.
#[derive(Default)]
pub struct Inheritance {
    /// Name → blocks, the youngest first.
    pub blocks: Mutex<BTreeMap<Arc<str>, Vec<Arc<crate::template::syntax::Block>>>>,
}

impl Frame {
    pub fn root(variables: bool, inheritance: Option<Arc<Inheritance>>) -> Arc<Self> {
        Arc::new(Frame { names: Mutex::default(), above: None, variables, inheritance })
    }
    pub fn below(above: &Arc<Frame>) -> Arc<Self> {
        Arc::new(Frame {
            names: Mutex::default(),
            above: Some(above.clone()),
            variables: above.variables,
            inheritance: above.inheritance.clone(),
        })
    }
    /// The root of an included template that sees our names.
    pub fn include(above: &Arc<Frame>, inheritance: Arc<Inheritance>) -> Arc<Self> {
        Arc::new(Frame {
            names: Mutex::default(),
            above: Some(above.clone()),
            variables: above.variables,
            inheritance: Some(inheritance),
        })
    }
    pub fn get(&self, name: &str) -> Option<V> {
        let mut frame = self;
        loop {
            let names = frame.names.lock().unwrap_or_else(|e| e.into_inner());
            if let Some((_, v)) = names.iter().rev().find(|(n, _)| &**n == name) {
                return Some(v.clone());
            }
            drop(names);
            frame = frame.above.as_deref()?;
        }
    }
    pub fn set(&self, name: &Arc<str>, value: V) {
        let mut names = self.names.lock().unwrap_or_else(|e| e.into_inner());
        match names.iter_mut().find(|(n, _)| n == name) {
            Some(slot) => slot.1 = value,
            None => names.push((name.clone(), value)),
        }
    }
    pub fn clear(&self) {
        let names = std::mem::take(&mut *self.names.lock().unwrap_or_else(|e| e.into_inner()));
        drop(names);
    }
    /// The names of this frame alone.
    pub fn own(&self) -> Vec<(Arc<str>, V)> {
        self.names.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}
