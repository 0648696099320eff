//! Permissions as people write them: octal, or symbolic as `chmod` takes them.

use crate::contract::Json;

/// A wish for permission bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Bits(u32),
    Symbolic(String),
}

impl Mode {
    /// Reads the `mode` argument: a number as it is (YAML reads `0644` as octal), a text as octal digits, else symbolic.
    pub fn read(value: &Json) -> Mode {
        if let Some(number) = value.as_u64() {
            return Mode::Bits(number as u32);
        }
        let text = crate::contract::python_text(value);
        let digits = text.trim().trim_start_matches("0o");
        match u32::from_str_radix(digits, 8) {
            Ok(bits) => Mode::Bits(bits),
            Err(_) => Mode::Symbolic(text),
        }
    }

    /// The bits for a file that has `now`.
    ///
    /// # Errors
    /// A symbolic mode that cannot be read, in Ansible's words.
    pub fn bits(&self, now: u32, is_dir: bool, umask: u32) -> Result<u32, String> {
        match self {
            Mode::Bits(bits) => Ok(*bits),
            Mode::Symbolic(text) => symbolic(text, now, is_dir, umask),
        }
    }
}

/// `u=rw,g+x,o-w` on top of `now`, as ansible-core's `_symbolic_mode_to_octal`.
fn symbolic(text: &str, now: u32, is_dir: bool, umask: u32) -> Result<u32, String> {
    let mut mode = now & 0o7777;
    for clause in text.split(',') {
        let bad = || format!("bad symbolic permission for mode: {clause}");
        let at = clause.find(['+', '-', '=']).unwrap_or(clause.len());
        let (users, mut rest) = clause.split_at(at);
        let use_umask = users.is_empty();
        let users = if users.is_empty() || users == "a" { "ugo" } else { users };
        if !users.chars().all(|c| "ugo".contains(c)) {
            return Err(bad());
        }
        while let Some(operator) = rest.chars().next() {
            let perms = &rest[1..];
            let end = perms.find(['+', '-', '=']).unwrap_or(perms.len());
            let (perms, next) = perms.split_at(end);
            if !perms.chars().all(|c| "rwxXstugo".contains(c)) {
                return Err(bad());
            }
            for user in users.chars() {
                let bits = perms.chars().fold(0, |all, p| all | permission(user, p, mode, is_dir, use_umask, umask));
                mode = match operator {
                    '+' => mode | bits,
                    '-' => mode & !bits,
                    _ => mode & !class_mask(user) | bits,
                };
            }
            rest = next;
        }
    }
    Ok(mode)
}

/// Where a class's `rwx` stand, from the right.
fn shift(user: char) -> u32 {
    match user {
        'u' => 6,
        'g' => 3,
        _ => 0,
    }
}

fn class_mask(user: char) -> u32 {
    let special = match user {
        'u' => 0o4000,
        'g' => 0o2000,
        _ => 0o1000,
    };
    0o7 << shift(user) | special
}

fn permission(user: char, permission: char, now: u32, is_dir: bool, use_umask: bool, umask: u32) -> u32 {
    let plain = |bit: u32| {
        let bit = bit << shift(user);
        if use_umask { bit & !umask } else { bit }
    };
    match permission {
        'r' => plain(4),
        'w' => plain(2),
        'x' => plain(1),
        'X' if is_dir || now & 0o111 != 0 => 1 << shift(user),
        's' if user == 'u' => 0o4000,
        's' if user == 'g' => 0o2000,
        't' if user == 'o' => 0o1000,
        'u' | 'g' | 'o' => (now >> shift(permission) & 0o7) << shift(user),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Answers of ansible-core's `_symbolic_mode_to_octal` with umask 022.
    #[test]
    fn modes() {
        for (given, now, is_dir, expected) in [
            (json!("0644"), 0, false, 0o644),
            (json!(0o755), 0, false, 0o755),
            (json!("1777"), 0, true, 0o1777),
            (json!("u=rw,g=r,o="), 0o777, false, 0o640),
            (json!("u+x"), 0o644, false, 0o744),
            (json!("a+X"), 0o644, false, 0o644),
            (json!("a+X"), 0o644, true, 0o755),
            (json!("+w"), 0o444, false, 0o644),
            (json!("u=rwX,g=u-w,o="), 0o600, true, 0o750),
            (json!("g+s,o+t"), 0o755, true, 0o3755),
            (json!("go-rwx"), 0o755, false, 0o700),
            (json!("u=rwx,go=rx"), 0o4600, true, 0o755),
        ] {
            assert_eq!(Mode::read(&given).bits(now, is_dir, 0o022), Ok(expected), "{given} on {now:o}");
        }
        let bad = Mode::read(&json!("u=rwq")).bits(0, false, 0);
        assert_eq!(bad, Err("bad symbolic permission for mode: u=rwq".to_owned()));
    }
}
