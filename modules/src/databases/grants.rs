//! Privileges: as authors write them, as the server tells them, and the statements that lead from one to the other.

use super::client::account;
use crate::contract::Failure;

/// Privileges by what they are on (`` `db`.* ``), in the order in which they were met.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants(pub Vec<(String, Vec<String>)>);

impl Grants {
    pub fn get(&self, place: &str) -> Option<&Vec<String>> {
        self.0.iter().find(|(p, _)| p == place).map(|(_, list)| list)
    }

    fn entry(&mut self, place: String) -> &mut Vec<String> {
        let at = match self.0.iter().position(|(p, _)| *p == place) {
            Some(at) => at,
            None => {
                self.0.push((place, Vec::new()));
                self.0.len() - 1
            }
        };
        &mut self.0[at].1
    }

    /// Reads the answer of `SHOW GRANTS`.
    ///
    /// # Errors
    /// A line that is no grant.
    pub fn shown<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, Failure> {
        let mut grants = Grants::default();
        for line in lines {
            let fail = || Failure::new(format!("unable to parse the MySQL grant string: {line}"));
            if line.starts_with("SET DEFAULT ROLE ") {
                continue;
            }
            let (what, tail) = ["`", "'", "\""]
                .iter()
                .find_map(|quote| line.rsplit_once(&format!(" TO {quote}")))
                .and_then(|(head, tail)| Some((head.strip_prefix("GRANT ")?, tail)))
                .ok_or_else(fail)?;
            // Without a place it is a role that is granted.
            let Some((list, place)) = what.rsplit_once(" ON ") else { continue };
            let mut list: Vec<String> = split_list(list)
                .into_iter()
                .map(|p| if p == "ALL PRIVILEGES" { "ALL".to_owned() } else { sorted_columns(&p) })
                .collect();
            if tail.contains("WITH GRANT OPTION") {
                list.push("GRANT".to_owned());
            }
            grants.entry(place.to_owned()).extend(list);
        }
        Ok(grants)
    }

    /// Reads `db.table:PRIV,PRIV/other.*:ALL`; `quote` is what the server has around names.
    ///
    /// # Errors
    /// A part without privileges.
    pub fn wanted(text: &str, quote: char, keep_case: bool, ensure_usage: bool) -> Result<Self, Failure> {
        let mut grants = Grants::default();
        for item in text.trim().split('/') {
            let (place, list) = item.trim().rsplit_once(':').ok_or_else(|| {
                Failure::new(format!("no privileges in '{item}': priv is written as db.table:PRIV1,PRIV2"))
            })?;
            let (kind, place) = match place.split_once(' ') {
                Some((kind @ ("FUNCTION" | "PROCEDURE"), rest)) => (format!("{kind} "), rest),
                _ => (String::new(), place),
            };
            let side = |name: &str| match name.trim_matches('`') {
                "*" => name.to_owned(),
                name => format!("{quote}{name}{quote}"),
            };
            let place = match place.rsplit_once('.') {
                Some((db, table)) => format!("{kind}{}.{}", side(db), side(table)),
                None => format!("{kind}{}", side(place)),
            };
            let list = if list.contains('(') && keep_case { list.to_owned() } else { list.to_uppercase() };
            *grants.entry(place) = split_list(&list).iter().map(|p| sorted_columns(p)).collect();
        }
        if ensure_usage && grants.get("*.*").is_none() {
            *grants.entry("*.*".to_owned()) = vec!["USAGE".to_owned()];
        }
        Ok(grants)
    }
}

/// Splits at commas outside of brackets.
fn split_list(list: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.into_iter().map(|p| p.trim().to_owned()).collect()
}

/// `SELECT (b, a)` → `SELECT (a, b)`: the server tells columns in an order of its own.
fn sorted_columns(privilege: &str) -> String {
    let Some((name, columns)) = privilege.split_once('(') else { return privilege.to_owned() };
    let mut columns: Vec<&str> = columns.trim_end_matches(')').split(',').map(|c| c.trim().trim_matches('`')).collect();
    columns.sort_unstable();
    format!("{} ({})", name.trim_end(), columns.join(", "))
}

/// Whether privileges replace, add to or are taken from those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Replace,
    Append,
    Subtract,
}

/// What brings an account's privileges in line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    pub statements: Vec<String>,
    /// What is told of it, if anything is done.
    pub msg: Option<String>,
    /// Privileges are granted or revoked on something as a whole; else only the server knows whether a statement changes
    /// anything.
    pub certain: bool,
}

/// The way from `now` to `wanted`.
pub fn turn(now: &Grants, wanted: &Grants, way: Way, user: &str, host: &str) -> Turn {
    let mut turn = Turn::default();
    let mut option = false;
    if way == Way::Replace {
        for (place, list) in &now.0 {
            option |= list.iter().any(|p| p == "GRANT");
            if wanted.get(place).is_none() && user != "root" && !list.iter().any(|p| p == "PROXY") {
                turn.msg = Some("Privileges updated".to_owned());
                turn.statements.extend(revoke(list, option, place, user, host));
                turn.certain = true;
            }
        }
    }
    if way != Way::Subtract {
        for (place, list) in &wanted.0 {
            if now.get(place).is_none() {
                turn.msg = Some("New privileges granted".to_owned());
                turn.statements.push(grant(list, place, user, host));
                turn.certain = true;
            }
        }
    }
    let less = |a: &[String], b: &[String]| a.iter().filter(|p| !b.contains(p)).cloned().collect::<Vec<_>>();
    for (place, list) in &wanted.0 {
        let Some(present) = now.get(place) else { continue };
        let (mut more, mut gone) = match way {
            Way::Append => (less(list, present), Vec::new()),
            Way::Subtract => (Vec::new(), list.iter().filter(|p| present.contains(p)).cloned().collect()),
            Way::Replace => (less(list, present), less(present, list)),
        };
        if way == Way::Replace {
            if more.iter().any(|p| p == "ALL" || p == "ALL PRIVILEGES") {
                gone.retain(|p| p == "GRANT" || p == "PROXY");
            }
            option = gone.iter().any(|p| p == "GRANT") && !more.iter().any(|p| p == "GRANT");
        }
        if more == ["GRANT"] {
            more.push("USAGE".to_owned());
        }
        if more.is_empty() && gone.is_empty() {
            continue;
        }
        turn.msg = Some(format!("Privileges updated: granted {}, revoked {}", listed(&more), listed(&gone)));
        if !gone.is_empty() {
            turn.statements.extend(revoke(&gone, option, place, user, host));
        }
        if !more.is_empty() {
            turn.statements.push(grant(&more, place, user, host));
        }
    }
    turn
}

fn listed(list: &[String]) -> String {
    let items: Vec<String> = list.iter().map(|p| super::client::python_text(p)).collect();
    format!("[{}]", items.join(", "))
}

fn without_option(list: &[String]) -> String {
    list.iter().filter(|p| *p != "GRANT").map(String::as_str).collect::<Vec<_>>().join(",")
}

fn revoke(list: &[String], option: bool, place: &str, user: &str, host: &str) -> Vec<String> {
    let account = account(user, host);
    let mut statements = Vec::new();
    if option {
        statements.push(format!("REVOKE GRANT OPTION ON {place} FROM {account}"));
    }
    let named = without_option(list);
    if !(named.is_empty() || option && named == "USAGE") {
        statements.push(format!("REVOKE {named} ON {place} FROM {account}"));
    }
    statements.push("FLUSH PRIVILEGES".to_owned());
    statements
}

/// The statement that grants privileges.
pub fn grant(list: &[String], place: &str, user: &str, host: &str) -> String {
    let option = if list.iter().any(|p| p == "GRANT") { " WITH GRANT OPTION" } else { "" };
    format!("GRANT {} ON {place} TO {}{option}", without_option(list), account(user, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_tells_is_what_authors_write() {
        let shown = Grants::shown([
            "GRANT ALL PRIVILEGES ON *.* TO `ann`@`localhost` IDENTIFIED BY PASSWORD '*AB' WITH GRANT OPTION",
            "GRANT SELECT (`b`, `a`), INSERT ON `app`.`t` TO `ann`@`localhost`",
            "GRANT EXECUTE ON FUNCTION `app`.`f` TO 'ann'@'localhost'",
            "GRANT `boss` TO `ann`@`localhost`",
        ])
        .unwrap();
        let wanted = "*.*:all,grant/app.t:SELECT (a, b),INSERT/FUNCTION app.f:EXECUTE";
        let wanted = Grants::wanted(wanted, '`', true, true);
        // Column names keep their case, and so do the privileges beside them.
        let mut expected = shown.clone();
        expected.0[0].1 = vec!["ALL".to_owned(), "GRANT".to_owned()];
        assert_eq!(wanted.unwrap(), expected);
        assert!(Grants::wanted("app.*", '`', true, true).is_err());
    }

    /// Privileges now, wished, and the statements in between.
    #[test]
    fn statements() {
        let usage = "GRANT USAGE ON *.* TO `ann`@`%`";
        let app = "GRANT SELECT, INSERT ON `app`.* TO `ann`@`%`";
        for (now, wanted, way, statements, certain) in [
            (vec![usage, app], "app.*:SELECT,INSERT", Way::Replace, vec![], false),
            (vec![usage], "app.*:ALL", Way::Replace, vec!["GRANT ALL ON `app`.* TO 'ann'@'%'"], true),
            (
                vec![usage, app],
                "app.*:SELECT,UPDATE",
                Way::Replace,
                vec![
                    "REVOKE INSERT ON `app`.* FROM 'ann'@'%'",
                    "FLUSH PRIVILEGES",
                    "GRANT UPDATE ON `app`.* TO 'ann'@'%'",
                ],
                false,
            ),
            (vec![usage, app], "app.*:UPDATE", Way::Append, vec!["GRANT UPDATE ON `app`.* TO 'ann'@'%'"], false),
            (
                vec![usage, app],
                "app.*:INSERT,DROP",
                Way::Subtract,
                vec!["REVOKE INSERT ON `app`.* FROM 'ann'@'%'", "FLUSH PRIVILEGES"],
                false,
            ),
            (
                vec![usage, app],
                "*.*:USAGE",
                Way::Replace,
                vec!["REVOKE SELECT,INSERT ON `app`.* FROM 'ann'@'%'", "FLUSH PRIVILEGES"],
                true,
            ),
            (
                vec!["GRANT SELECT ON *.* TO `ann`@`%` WITH GRANT OPTION"],
                "*.*:SELECT",
                Way::Replace,
                vec!["REVOKE GRANT OPTION ON *.* FROM 'ann'@'%'", "FLUSH PRIVILEGES"],
                false,
            ),
        ] {
            let wanted = Grants::wanted(wanted, '`', false, way != Way::Subtract).unwrap();
            let turn = turn(&Grants::shown(now).unwrap(), &wanted, way, "ann", "%");
            assert_eq!(
                (turn.statements, turn.certain),
                (statements.iter().map(|s| (*s).to_owned()).collect(), certain)
            );
        }
    }
}
