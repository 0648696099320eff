//! The result that a program prints: JSON, with whatever else it says around it.

use super::{Json, JsonMap};

/// The dictionary in a program's output, and what stands after it.
///
/// # Errors
/// Why there is none.
pub fn printed(stdout: &str) -> Result<(JsonMap, Option<String>), String> {
    let (json, junk) = json_part(stdout)?;
    match serde_json::from_str::<Json>(&json) {
        Ok(Json::Object(data)) => Ok((data, junk)),
        Ok(_) => Err("the result is no dictionary".to_owned()),
        Err(e) => Err(e.to_string()),
    }
}

/// The lines from the first that begins with `{` to the last that ends with `}`, and what comes after them.
fn json_part(text: &str) -> Result<(String, Option<String>), &'static str> {
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|l| l.trim().starts_with('{')).ok_or("No start of json char found")?;
    let end = lines.iter().rposition(|l| l.trim().ends_with('}')).filter(|end| *end >= start);
    let end = end.ok_or("No end of json char found")?;
    let rest = &lines[end + 1..];
    let junk = rest.iter().any(|l| !l.trim().is_empty()).then(|| rest.join("\n"));
    Ok((lines[start..=end].join("\n"), junk))
}

#[cfg(test)]
mod tests {
    use super::printed;

    #[test]
    fn only_the_json_counts() {
        let (data, junk) = printed("motd\n[ no ]\n{\"msg\": \"x\"}\nbye\n").expect("a dictionary");
        assert_eq!((data["msg"].as_str(), junk.as_deref()), (Some("x"), Some("bye")));
        assert_eq!(printed("{\n}\n"), Ok(Default::default()));
        assert_eq!(printed("nothing\n"), Err("No start of json char found".to_owned()));
    }
}
