//! The shape of a fact family: what it provides, what it needs, how it is gathered.

use super::scene::Scene;
use crate::contract::JsonMap;
use crate::host::Command;

/// A group of facts that is gathered together. Names are ansible-core's: `gather_subset` takes them.
pub struct Family {
    /// The subset's name.
    pub name: &'static str,
    /// Other names that `gather_subset` takes for it.
    pub provides: &'static [&'static str],
    /// Families whose facts this one reads; they are gathered, and reported, with it.
    pub needs: &'static [&'static str],
    /// Part of the subset `min`.
    pub minimal: bool,
    /// Put before each fact's name.
    pub prefix: &'static str,
    /// Programs that `collect` will ask for. They run side by side before any family is gathered; one that `collect`
    /// finds it needs besides is run then.
    pub commands: fn(&Scene) -> Vec<Command>,
    /// The facts, without prefix.
    pub collect: fn(&Scene) -> JsonMap,
}

impl Family {
    /// A family of the minimal subset that needs no program and no other family.
    pub const fn minimal(name: &'static str, collect: fn(&Scene) -> JsonMap) -> Self {
        Family { minimal: true, ..Self::new(name, collect) }
    }
    /// A family that needs no program and no other family.
    pub const fn new(name: &'static str, collect: fn(&Scene) -> JsonMap) -> Self {
        Family {
            name,
            provides: &[],
            needs: &[],
            minimal: false,
            prefix: "ansible_",
            commands: |_| Vec::new(),
            collect,
        }
    }
    pub const fn provides(mut self, names: &'static [&'static str]) -> Self {
        self.provides = names;
        self
    }
    pub const fn needs(mut self, names: &'static [&'static str]) -> Self {
        self.needs = names;
        self
    }
    pub const fn commands(mut self, commands: fn(&Scene) -> Vec<Command>) -> Self {
        self.commands = commands;
        self
    }
    pub const fn prefix(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }
}
