//! bcrypt in the form that crypt(3) has, with passlib's rules for salts and versions.

/// Characters of a salt.
pub const SALT: usize = 22;
const DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// How much of a password counts.
const LONGEST: usize = 72;

/// The hash under a salt, or under random bytes where there is none.
///
/// # Errors
/// Why it cannot be made.
pub fn bcrypt(
    password: &str,
    salt: Option<&str>,
    random: [u8; 16],
    cost: i64,
    ident: Option<&str>,
) -> Result<String, String> {
    let refuse = |why: String| Err(format!("Could not hash the secret: {why}"));
    let salt = match salt {
        None => encoded(&random),
        Some(salt) => {
            if salt.len() % 4 == 1 {
                return Err("source length must != 1 mod 4".to_owned());
            }
            if salt.bytes().any(|c| !DIGITS.contains(&c)) {
                return refuse("invalid characters in bcrypt salt".to_owned());
            }
            if salt.len() != SALT {
                let size = if salt.len() < SALT { "small" } else { "large" };
                return refuse(format!("salt too {size} (bcrypt requires exactly {SALT} chars)"));
            }
            salt.to_owned()
        }
    };
    let bytes = decoded(&salt);
    let bound = match cost {
        ..4 => "low, must be at least 4",
        32.. => "large, cannot be more than 31",
        _ => "",
    };
    if !bound.is_empty() {
        return refuse(format!("bcrypt: min_desired_rounds ({cost}) is too {bound}"));
    }
    let ident = ident.unwrap_or("2b");
    let version = match ident.trim_matches('$') {
        version @ ("2" | "2a" | "2b" | "2y") => version,
        _ => return refuse(format!("invalid ident: {}", crate::value::repr_str(ident))),
    };
    if password.contains('\0') {
        return refuse("bcrypt does not allow NULL bytes in password".to_owned());
    }
    let mut key = zeroize::Zeroizing::new(password.as_bytes().to_vec());
    // The first version did not count the zero at the end.
    if version != "2" || key.is_empty() {
        key.push(0);
    }
    key.truncate(LONGEST);
    let hash = bcrypt::bcrypt(cost.unsigned_abs() as u32, bytes, &key);
    // The digest's last byte has never been part of the text.
    Ok(format!("${version}${cost:02}${}{}", encoded(&bytes), encoded(&hash[..23])))
}

/// bcrypt's own base 64, without padding.
fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0u32, |sum, b| sum << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        let digit = |i: usize| char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]);
        out.extend((0..=three.len()).map(digit));
    }
    out
}

/// The bytes of a salt; bits that its last digit has beyond them do not count.
fn decoded(salt: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (mut bits, mut held) = (0u32, 0);
    let mut out = bytes.iter_mut();
    for digit in salt.bytes() {
        bits = bits << 6 | DIGITS.iter().position(|d| *d == digit).unwrap_or(0) as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            if let Some(byte) = out.next() {
                *byte = (bits >> held) as u8;
            }
        }
    }
    bytes
}
