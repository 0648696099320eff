//! `key=value` words in a term, as older playbooks pass options.

use crate::template::runtime::{Fault, Res};

/// Words without `=`, and the pairs. Quotes hold words together.
pub fn parse(text: &str) -> Res<(String, Vec<(String, String)>)> {
    let mut raw = vec![];
    let mut pairs = vec![];
    for word in words(text)? {
        match word.split_once('=') {
            Some((k, v))
                if !k.is_empty() && !k.ends_with('\\') && k.chars().all(|c| c == '_' || c.is_alphanumeric()) =>
            {
                pairs.push((k.to_owned(), unquote(v).to_owned()));
            }
            _ => raw.push(word),
        }
    }
    Ok((raw.join(" "), pairs))
}

fn unquote(text: &str) -> &str {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
            && text.len() > 1
        {
            return inner;
        }
    }
    text
}

fn words(text: &str) -> Res<Vec<String>> {
    let mut out = vec![];
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) => {
                word.push(c);
                if c == q {
                    quote = None;
                }
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.push(c);
            }
            (None, c) if c.is_whitespace() => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            (None, c) => word.push(c),
        }
    }
    if quote.is_some() {
        return Err(Fault::raw("failed at splitting arguments, either an unbalanced jinja2 block or quotes"));
    }
    if !word.is_empty() {
        out.push(word);
    }
    Ok(out)
}
