//! Whether a password was given as a hash.

/// Whether the text cannot be a hash that `crypt(3)` knows, so that a warning is due. `*`, `!` and a row of thirteen stars
/// disable a password on purpose.
pub fn looks_plain(password: &str) -> bool {
    if matches!(password, "" | "*" | "!" | "*************") {
        return false;
    }
    let fields: Vec<&str> = password.split('$').collect();
    if password.contains([':', '*', '!']) || fields.len() < 3 {
        return true;
    }
    let hash = fields[fields.len() - 1];
    let length = match fields[1] {
        "1" => 22,
        "5" | "y" => 43,
        "6" => 86,
        _ => hash.len(),
    };
    hash.len() != length || !hash.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '='))
}
