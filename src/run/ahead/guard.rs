//! The variables of what is prepared before its turn: a look at those that may still change is noticed.

use crate::template::{Binding, Variables};
use crate::value::Map;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Variables that show what all hosts or all names are: whatever is on its way may change them.
const WHOLE: [&str; 2] = ["vars", "hostvars"];

pub struct Guard {
    state: Mutex<State>,
    turn: Notify,
}

struct State {
    vars: Arc<dyn Variables>,
    /// Names whose values are not known before the turn has come; `None`: it has.
    pending: Option<Arc<[Arc<str>]>>,
    held: bool,
}

impl Guard {
    /// Before its turn, with the names that those ahead may set.
    pub fn new(pending: Arc<[Arc<str>]>) -> Arc<Self> {
        let state = State { vars: Arc::new(Map::new()), pending: Some(pending), held: false };
        Arc::new(Guard { state: Mutex::new(state), turn: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The variables as they are before the turn.
    pub fn begin(&self, vars: Arc<dyn Variables>) {
        let mut state = self.lock();
        if state.pending.is_some() {
            state.vars = vars;
        }
    }

    /// Its turn has come, with the variables as they are now. False where it cannot be used: it was held before.
    pub fn settle(&self, vars: Arc<dyn Variables>) -> bool {
        let mut state = self.lock();
        if state.held {
            return false;
        }
        state.vars = vars;
        state.pending = None;
        drop(state);
        self.turn.notify_waiters();
        true
    }

    /// It needs something that is not known before its turn: what was prepared is of no use.
    pub fn hold(&self) {
        let mut state = self.lock();
        state.held |= state.pending.is_some();
        drop(state);
        self.turn.notify_waiters();
    }

    /// The variables, unless it is held.
    fn known(&self) -> Option<Arc<dyn Variables>> {
        let state = self.lock();
        (!state.held).then(|| state.vars.clone())
    }

    pub fn held(&self) -> bool {
        self.lock().held
    }
    /// Names whose values are not known yet.
    pub fn pending(&self) -> Vec<Arc<str>> {
        self.lock().pending.iter().flat_map(|names| names.iter().cloned()).collect()
    }
    pub fn settled(&self) -> bool {
        self.lock().pending.is_none()
    }

    /// Returns when its turn has come, or when it is held.
    pub async fn turn(&self) {
        loop {
            let notified = self.turn.notified();
            if self.settled() || self.held() {
                return;
            }
            notified.await;
        }
    }
}

impl Variables for Guard {
    fn get(&self, name: &str) -> Option<Binding> {
        let unknown = |pending: &Arc<[Arc<str>]>| WHOLE.contains(&name) || pending.iter().any(|p| **p == *name);
        let mut state = self.lock();
        if state.pending.as_ref().is_some_and(unknown) {
            state.held = true;
            drop(state);
            self.turn.notify_waiters();
            return None;
        }
        let vars = state.vars.clone();
        drop(state);
        vars.get(name)
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.hold();
        self.known().map(|vars| vars.names()).unwrap_or_default()
    }
    fn may_act(&self) -> bool {
        self.hold();
        self.known().is_some_and(|vars| vars.may_act())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(name: &str, value: i64) -> Arc<dyn Variables> {
        Arc::new(Map::from_iter([(name.into(), value.into())]))
    }
    fn number(guard: &Guard, name: &str) -> Option<String> {
        match guard.get(name)? {
            Binding::Value(value) => Some(value.to_string()),
            _ => None,
        }
    }

    #[test]
    fn what_is_not_known_yet_holds_it() {
        for (look, holds) in [("a", false), ("other", false), ("b", true), ("hostvars", true), ("vars", true)] {
            let guard = Guard::new([Arc::from("b")].into());
            guard.begin(vars("a", 1));
            number(&guard, look);
            assert_eq!(guard.held(), holds, "{look}");
            assert_eq!(guard.settle(vars("a", 2)), !holds, "{look}");
        }
    }

    #[test]
    fn in_its_turn_everything_is_seen_as_it_is() {
        let guard = Guard::new([Arc::from("b")].into());
        guard.begin(vars("b", 1));
        assert!(guard.settle(vars("b", 2)) && guard.may_act());
        assert_eq!(number(&guard, "b").as_deref(), Some("2"));
        guard.begin(vars("b", 3));
        assert_eq!(number(&guard, "b").as_deref(), Some("2"));
    }

    #[test]
    fn nothing_is_done_to_the_world_before_its_turn() {
        let guard = Guard::new([].into());
        assert!(!guard.may_act() && guard.held());
    }
}
