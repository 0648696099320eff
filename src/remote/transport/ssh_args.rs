//! The options of ssh's command line that people put into `ansible_ssh_*_args`, turned into configuration keywords.

/// What a list of arguments says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SshArgs {
    /// Lower-case keyword and value, in order.
    pub options: Vec<(String, String)>,
    /// `-F`.
    pub config_file: Option<String>,
}

/// Flags without a value that change nothing here, or that say what holds anyway.
const IGNORED: &[char] = &['a', 'f', 'g', 'k', 'K', 'M', 'n', 'N', 'q', 's', 't', 'T', 'v', 'x', 'X', 'y', 'Y'];
/// Flags whose value changes nothing here.
const IGNORED_VALUE: &[char] = &['e', 'E', 'D', 'L', 'R', 'S', 'O', 'Q', 'w', 'W', 'I', 'P'];

/// Reads arguments, already split into words.
///
/// # Errors
/// Names an option that is not ssh's, or one without its value.
pub fn parse(words: &[String]) -> Result<SshArgs, String> {
    let mut out = SshArgs::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(flags) = word.strip_prefix('-').filter(|f| !f.is_empty()) else {
            return Err(format!("`{word}` is not an option of ssh"));
        };
        let mut rest = flags.chars();
        while let Some(flag) = rest.next() {
            let keyword = match flag {
                '4' => ("addressfamily", Some("inet")),
                '6' => ("addressfamily", Some("inet6")),
                'A' => ("forwardagent", Some("yes")),
                'C' => ("compression", Some("yes")),
                'b' => ("bindaddress", None),
                'B' => ("bindinterface", None),
                'c' => ("ciphers", None),
                'i' => ("identityfile", None),
                'J' => ("proxyjump", None),
                'l' => ("user", None),
                'm' => ("macs", None),
                'p' => ("port", None),
                'F' | 'o' => ("", None),
                f if IGNORED.contains(&f) => continue,
                f if IGNORED_VALUE.contains(&f) => ("ignored", None),
                f => return Err(format!("`-{f}` is not an option of ssh")),
            };
            if let (keyword, Some(value)) = keyword {
                out.options.push((keyword.to_owned(), value.to_owned()));
                continue;
            }
            let attached: String = rest.by_ref().collect();
            let value = if attached.is_empty() {
                words.next().cloned().ok_or_else(|| format!("`-{flag}` needs a value"))?
            } else {
                attached
            };
            match (flag, keyword.0) {
                ('F', _) => out.config_file = Some(value),
                ('o', _) => out.options.push(option(&value)?),
                (_, "ignored") => {}
                (_, keyword) => out.options.push((keyword.to_owned(), value)),
            }
        }
    }
    Ok(out)
}

/// `Keyword=value` or `Keyword value`.
fn option(text: &str) -> Result<(String, String), String> {
    let text = text.trim();
    let end = text.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(text.len());
    let (keyword, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim();
    if keyword.is_empty() || value.is_empty() {
        return Err(format!("`-o {text}` is not of the form Keyword=value"));
    }
    Ok((keyword.to_lowercase(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn arguments_people_use() {
        let cases: &[(&[&str], Result<&str, &str>)] = &[
            (&["-o", "ProxyCommand=ssh -W %h:%p b"], Ok("proxycommand=ssh -W %h:%p b")),
            (&["-oStrictHostKeyChecking=no", "-vvv", "-tt"], Ok("stricthostkeychecking=no")),
            (&["-o", "User jane", "-Jjump:22", "-4"], Ok("user=jane|proxyjump=jump:22|addressfamily=inet")),
            (&["-Ci", "key", "-p", "22"], Ok("compression=yes|identityfile=key|port=22")),
            (&["-L", "8080:x:80", "-F", "cfg"], Ok("F:cfg")),
            (&["-p"], Err("`-p` needs a value")),
            (&["-Z"], Err("`-Z` is not an option of ssh")),
            (&["host"], Err("`host` is not an option of ssh")),
            (&["-o", "Port"], Err("`-o Port` is not of the form Keyword=value")),
        ];
        for (words, want) in cases {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let got = parse(&words).map(|a| {
                let options = a.options.iter().map(|(k, v)| format!("{k}={v}"));
                options.chain(a.config_file.iter().map(|f| format!("F:{f}"))).collect::<Vec<_>>().join("|")
            });
            assert_eq!(got, want.map(str::to_owned).map_err(str::to_owned), "{words:?}");
        }
    }
}
