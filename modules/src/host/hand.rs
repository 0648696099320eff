//! A host in the hand of a module that walks one road both for looking and for changing.

use super::{Change, Observe};

/// What may be done: only looking, or changing too. A module that only looks learns from [`Hand::wished`] whether it
/// would have changed something.
pub enum Hand<'a> {
    Look { host: &'a dyn Observe, wished: bool },
    Change(&'a mut dyn Change),
}

impl<'a> Hand<'a> {
    pub fn look(host: &'a dyn Observe) -> Self {
        Hand::Look { host, wished: false }
    }
    pub fn host(&self) -> &dyn Observe {
        match self {
            Hand::Look { host, .. } => *host,
            Hand::Change(host) => host.observe(),
        }
    }
    /// The host for a change, unless the module only looks.
    pub fn change(&mut self) -> Option<&mut dyn Change> {
        match self {
            Hand::Look { wished, .. } => {
                *wished = true;
                None
            }
            Hand::Change(host) => Some(&mut **host),
        }
    }
    pub fn wished(&self) -> bool {
        matches!(self, Hand::Look { wished: true, .. })
    }
    pub fn only_looks(&self) -> bool {
        matches!(self, Hand::Look { .. })
    }
}
