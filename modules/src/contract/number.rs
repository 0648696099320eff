//! Integers beyond 64 bits, which JSON's numbers do not hold.

use super::Json;

/// A mapping with this key alone stands for the integer that its text tells in hexadecimal digits.
pub const INTEGER: &str = "__integer__";

/// An integer from its bytes, the most significant first.
pub fn integer(bytes: &[u8]) -> Json {
    let start = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    if bytes.len() < 8 {
        return bytes.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)).into();
    }
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    serde_json::json!({ INTEGER: digits })
}
