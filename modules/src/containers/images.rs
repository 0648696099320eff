//! Images of an engine: their names, how they are found and pulled.

use super::engine::{Engine, Send, filter, named};
use super::logins;
use crate::contract::{Failure, Json};
use crate::host::{Change, Observe};

/// Whether this is an image's id.
pub fn is_id(name: &str) -> bool {
    name.strip_prefix("sha256:").is_some_and(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether this can be a tag.
pub fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let mut bytes = tag.bytes();
    bytes.next().is_some_and(word) && tag.len() <= 128 && bytes.all(|b| word(b) || b == b'.' || b == b'-')
}

/// `repository:tag` or `repository@digest` in its two parts.
pub fn split(name: &str) -> (&str, Option<&str>) {
    if let Some((name, digest)) = name.rsplit_once('@') {
        return (name, Some(digest));
    }
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    }
}

/// The registry of a repository, and its name there.
pub fn registry(name: &str) -> (String, String) {
    let (first, rest) = name.split_once('/').unwrap_or((name, ""));
    let is_host = first.contains(['.', ':']) || first == "localhost";
    if rest.is_empty() || !is_host {
        return ("docker.io".to_owned(), name.to_owned());
    }
    (logins::index_name(first), rest.to_owned())
}

fn look_up(engine: &Engine<'_>, host: &dyn Observe, name: &str, tag: &str) -> Result<Vec<Json>, Failure> {
    let filters = filter("reference", name);
    let query = [("only_ids", "0"), ("all", "0"), ("filters", filters.as_str())];
    let found = engine
        .get(host, "/images/json", &query)
        .map_err(|e| Failure::new(format!("Error searching for image {name} - {e}")))?;
    let Json::Array(found) = found else { return Ok(Vec::new()) };
    if tag.is_empty() {
        return Ok(found);
    }
    let (tagged, digest) = (format!("{name}:{tag}"), format!("{name}@{tag}"));
    let holds = |list: &Json, text: &str| list.as_array().is_some_and(|l| l.iter().any(|t| t == text));
    let fits = |i: &Json| holds(&i["RepoTags"], &tagged) || holds(&i["RepoDigests"], &digest);
    Ok(found.into_iter().find(fits).into_iter().collect())
}

/// Finds an image by name and tag; what the engine tells of it.
///
/// # Errors
/// The engine refuses, or does not answer.
pub fn find(engine: &Engine<'_>, host: &dyn Observe, name: &str, tag: &str) -> Result<Option<Json>, Failure> {
    if name.is_empty() {
        return Ok(None);
    }
    let mut found = look_up(engine, host, name, tag)?;
    if found.is_empty() {
        // Images of Docker's own registry go by several names.
        let (registry, repository) = registry(name);
        if registry == "docker.io" {
            let mut names = vec![repository.clone()];
            names.extend(repository.strip_prefix("library/").map(str::to_owned));
            names.push(format!("{registry}/{repository}"));
            if !repository.contains('/') {
                names.push(format!("{registry}/library/{repository}"));
            }
            for name in names {
                found = look_up(engine, host, &name, tag)?;
                if !found.is_empty() {
                    break;
                }
            }
        }
    }
    if found.len() > 1 {
        return Err(Failure::new(format!("Daemon returned more than one result for {name}:{tag}")));
    }
    let Some(id) = found.first().and_then(|i| i["Id"].as_str()) else { return Ok(None) };
    engine
        .find(host, &named("images", id, "/json"))
        .map_err(|e| Failure::new(format!("Error inspecting image {name}:{tag} - {e}")))
}

/// Finds an image by its id.
///
/// # Errors
/// The engine refuses, or does not answer.
pub fn find_by_id(engine: &Engine<'_>, host: &dyn Observe, id: &str) -> Result<Option<Json>, Failure> {
    engine
        .find(host, &named("images", id, "/json"))
        .map_err(|e| Failure::new(format!("Error inspecting image ID {id} - {e}")))
}

/// Pulls an image; tells whether it is another than before.
///
/// # Errors
/// The registry or the engine refuses.
pub fn pull(
    engine: &Engine<'_>,
    host: &mut dyn Change,
    name: &str,
    tag: &str,
    platform: Option<&str>,
) -> Result<(Option<Json>, bool), Failure> {
    let before = find(engine, host.observe(), name, tag)?;
    let (repository, own_tag) = split(name);
    let tag = Some(tag).filter(|t| !t.is_empty()).or(own_tag).unwrap_or("latest");
    let mut query = vec![("tag", tag), ("fromImage", repository)];
    query.extend(platform.map(|p| ("platform", p)));
    let headers = logins::header(host.observe(), &registry(repository).0)?;
    let lines = engine
        .lines(host, "/images/create", Send { query: &query, headers, ..Send::default() })
        .map_err(|e| Failure::new(format!("Error pulling image {name}:{tag} - {e}")))?;
    for line in lines {
        let Some(error) = line.get("error").and_then(Json::as_str) else { continue };
        return Err(Failure::new(match line.get("errorDetail") {
            Some(detail) => format!(
                "Error pulling {name} - code: {} message: {}",
                detail["code"].as_i64().map_or_else(|| "None".to_owned(), |c| c.to_string()),
                detail["message"].as_str().unwrap_or("None")
            ),
            None => format!("Error pulling {name} - {error}"),
        }));
    }
    let after = find(engine, host.observe(), name, tag)?;
    let plain = |image: &Option<Json>| {
        let mut image = image.clone();
        if let Some(Json::Object(map)) = &mut image {
            map.remove("Metadata");
        }
        image
    };
    let changed = plain(&before) != plain(&after);
    Ok((after, changed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images() {
        assert_eq!(split("localhost:5000/a"), ("localhost:5000/a", None));
        assert_eq!(split("localhost:5000/a:1"), ("localhost:5000/a", Some("1")));
        assert_eq!(split("a@sha256:00"), ("a", Some("sha256:00")));
        assert_eq!(registry("a/b"), ("docker.io".to_owned(), "a/b".to_owned()));
        assert_eq!(registry("ghcr.io/b/c"), ("ghcr.io".to_owned(), "b/c".to_owned()));
        assert_eq!(registry("index.docker.io/b"), ("docker.io".to_owned(), "b".to_owned()));
        assert!(is_tag("1.0-a") && !is_tag("-a") && !is_tag("") && !is_id("sha256:12"));
    }
}
