//! Pattern lists and the criteria of `Match` in `ssh_config(5)`.

/// What `Match` may ask about.
pub(super) struct Facts<'a> {
    /// With `HostName` applied as far as it is known.
    pub host: &'a str,
    pub original: &'a str,
    pub user: &'a str,
    pub local_user: &'a str,
    pub final_pass: bool,
    pub tag: &'a str,
}

pub(super) struct Matched {
    pub matched: bool,
    /// Whether the line asks for a second pass.
    pub wants_final: bool,
}

/// Decides a `Match` line.
///
/// # Errors
/// A criterion that is not known, or one without its argument.
pub(super) fn match_line(
    words: &[String],
    facts: &Facts<'_>,
    exec: &dyn Fn(&str) -> Result<bool, String>,
) -> Result<Matched, String> {
    let mut out = Matched { matched: true, wants_final: false };
    let mut words = words.iter();
    if words.len() == 0 {
        return Err("missing Match criteria".to_owned());
    }
    while let Some(word) = words.next() {
        let (negated, criterion) = match word.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, word.as_str()),
        };
        let (criterion, attached) = match criterion.split_once('=') {
            Some((criterion, argument)) => (criterion.to_lowercase(), Some(argument.to_owned())),
            None => (criterion.to_lowercase(), None),
        };
        let found = match criterion.as_str() {
            "all" => true,
            "canonical" => facts.final_pass,
            "final" => {
                out.wants_final = true;
                facts.final_pass
            }
            "host" | "originalhost" | "user" | "localuser" | "exec" | "tagged" | "localnetwork" => {
                let argument = attached.or_else(|| words.next().cloned());
                let argument = argument.ok_or_else(|| format!("missing argument to Match {criterion}"))?;
                match criterion.as_str() {
                    "host" => pattern_list(&argument, facts.host),
                    "originalhost" => pattern_list(&argument, facts.original),
                    "user" => exact_list(&argument, facts.user),
                    "localuser" => exact_list(&argument, facts.local_user),
                    "tagged" => exact_list(&argument, facts.tag),
                    "exec" => out.matched && exec(&argument)?,
                    _ => return Err("Match localnetwork is not supported".to_owned()),
                }
            }
            _ => return Err(format!("unsupported Match attribute {criterion}")),
        };
        out.matched &= found != negated;
    }
    Ok(out)
}

/// As [`exact_list`], for host names: upper and lower case are the same.
pub(crate) fn pattern_list(list: &str, name: &str) -> bool {
    exact_list(&list.to_lowercase(), &name.to_lowercase())
}

/// Whether `name` matches a list of patterns separated by commas: at least one matches, and none that is negated does.
pub(super) fn exact_list(list: &str, name: &str) -> bool {
    let mut matched = false;
    for pattern in list.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match pattern.strip_prefix('!') {
            Some(pattern) if pattern_matches(pattern, name) => return false,
            Some(_) => {}
            None => matched |= pattern_matches(pattern, name),
        }
    }
    matched
}

/// `*` stands for any text, `?` for any character.
fn pattern_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::pattern_list;

    #[test]
    fn patterns() {
        let cases = [
            ("*", "a.b", true),
            ("*.example.org", "www.Example.org", true),
            ("*.example.org", "example.org", false),
            ("web?,db*", "web1", true),
            ("web?,db*", "web12", false),
            ("*,!secret", "secret", false),
            ("!secret", "other", false),
            ("a*b*c", "aXbYbZc", true),
            ("10.0.0.*", "10.0.0.255", true),
        ];
        for (list, name, want) in cases {
            assert_eq!(pattern_list(list, name), want, "{list} {name}");
        }
    }
}
