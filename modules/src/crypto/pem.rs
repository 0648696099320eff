//! PEM: blocks of base64 between lines of dashes, with the headers that old encrypted keys have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// One block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// `RSA PRIVATE KEY`.
    pub label: String,
    /// `Proc-Type` and `DEK-Info` of an encrypted key.
    pub headers: Vec<(String, String)>,
    pub data: Vec<u8>,
}

impl Block {
    pub fn new(label: &str, data: Vec<u8>) -> Self {
        Block { label: label.to_owned(), headers: Vec::new(), data }
    }

    /// As text, 64 letters a line.
    pub fn text(&self) -> String {
        let mut out = format!("{BEGIN}{}{DASHES}\n", self.label);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\n"));
        }
        if !self.headers.is_empty() {
            out.push('\n');
        }
        let body = STANDARD.encode(&self.data);
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, left) = rest.split_at(rest.len().min(64));
            out.push_str(line);
            out.push('\n');
            rest = left;
        }
        out.push_str(&format!("{END}{}{DASHES}\n", self.label));
        out
    }
}

/// All blocks of a text; what stands between them is passed over, and so is a block that is no base64.
pub fn blocks(text: &str) -> Vec<Block> {
    split(text).iter().filter_map(|part| read(part)).collect()
}

/// The first block with one of these labels.
pub fn first(text: &str, labels: &[&str]) -> Option<Block> {
    split(text).iter().filter_map(|part| read(part)).find(|block| labels.contains(&block.label.as_str()))
}

/// The texts of the blocks, each from its first to its last line.
pub fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() && current.is_none() {
            continue;
        }
        if line.starts_with(BEGIN) {
            current = Some(String::new());
        }
        if let Some(part) = &mut current {
            part.push_str(line);
            if line.starts_with(END) {
                found.extend(current.take());
            }
        }
    }
    found
}

/// The label of the first block, if the text looks like PEM.
pub fn label(content: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(content).ok()?;
    let part = split(text).into_iter().next()?;
    let label = part.lines().next()?.strip_prefix(BEGIN)?.strip_suffix(DASHES)?;
    (!label.is_empty()).then(|| label.to_owned())
}

fn read(part: &str) -> Option<Block> {
    let mut lines = part.lines();
    let label = lines.next()?.trim_end().strip_prefix(BEGIN)?.strip_suffix(DASHES)?.to_owned();
    let (mut headers, mut body) = (Vec::new(), String::new());
    for line in lines {
        if line.starts_with(END) {
            break;
        }
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.trim().to_owned())),
            None => body.extend(line.chars().filter(|c| !c.is_whitespace())),
        }
    }
    Some(Block { label, headers, data: STANDARD.decode(body).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_as_they_are_written() {
        let block = Block::new("CERTIFICATE", (0..100).collect());
        let text = block.text();
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 64, 8, 25]);
        assert_eq!(blocks(&format!("words\n{text}\n{text}")), [block.clone(), block]);
        let mut encrypted = Block::new("RSA PRIVATE KEY", vec![1, 2, 3]);
        encrypted.headers.push(("Proc-Type".to_owned(), "4,ENCRYPTED".to_owned()));
        assert_eq!(blocks(&encrypted.text()), [encrypted]);
        assert_eq!(label(b"-----BEGIN X-----\nA\n-----END X-----\n").as_deref(), Some("X"));
        assert_eq!(label(b"nothing"), None);
    }
}
