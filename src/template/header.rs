//! The `#jinja2:` line at the top of a template: delimiters and white space rules for that template.

use super::syntax::Rules;

pub const MARK: &str = "#jinja2:";

/// The template without its header; what the header says goes into the rules.
pub fn split<'a>(source: &'a str, rules: &mut Rules) -> Result<&'a str, String> {
    let Some(rest) = source.strip_prefix(MARK) else {
        return Ok(source);
    };
    let (line, template) = rest.split_once('\n').ok_or_else(|| format!("Missing newline after '{MARK}' override."))?;
    for pair in pairs(line.trim_end_matches('\r')) {
        if pair.trim().is_empty() {
            return Err(format!("Empty '{MARK}' override pair not allowed."));
        }
        let (key, value) = pair
            .split_once(':')
            .ok_or_else(|| format!("Missing key-value separator `:` in '{MARK}' override pair '{pair}'."))?;
        let (key, value) = (key.trim(), value.trim());
        let flag = || match value {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(format!("'{MARK}' override '{key}' must be True or False.")),
        };
        let text = || {
            let inner = value
                .strip_prefix('\'')
                .and_then(|v| v.strip_suffix('\''))
                .or_else(|| value.strip_prefix('"').and_then(|v| v.strip_suffix('"')));
            inner
                .map(|v| v.replace("\\n", "\n").replace("\\r", "\r"))
                .ok_or_else(|| format!("'{MARK}' override '{key}' must be a quoted text."))
        };
        match key {
            "trim_blocks" => rules.trim_blocks = flag()?,
            "lstrip_blocks" => rules.lstrip_blocks = flag()?,
            "keep_trailing_newline" => rules.keep_trailing_newline = flag()?,
            "newline_sequence" => rules.newline = text()?.into(),
            "block_start_string" => rules.block.0 = text()?.into(),
            "block_end_string" => rules.block.1 = text()?.into(),
            "variable_start_string" => rules.variable.0 = text()?.into(),
            "variable_end_string" => rules.variable.1 = text()?.into(),
            "comment_start_string" => rules.comment.0 = text()?.into(),
            "comment_end_string" => rules.comment.1 = text()?.into(),
            "line_statement_prefix" | "line_comment_prefix" => {
                return Err(format!("'{MARK}' override '{key}' is not supported."));
            }
            _ => return Err(format!("Invalid '{MARK}' override key '{key}'.")),
        }
    }
    let (b, v, c) = (&rules.block.0, &rules.variable.0, &rules.comment.0);
    if b == v || v == c || b == c {
        return Err("Block, variable and comment start strings must be different.".to_owned());
    }
    Ok(template)
}

fn pairs(line: &str) -> impl Iterator<Item = &str> {
    line.split(',')
}
