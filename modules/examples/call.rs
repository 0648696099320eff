//! Calls one module through the helper, on this machine or through ssh, and prints the result as JSON.
//!
//! ```text
//! call [--check] [--diff] [--env K=V]… [--blob N=FILE]… MODULE JSON [HELPER | -- COMMAND…]
//! cargo run --example call -- ansible.builtin.stat '{"path": "/etc"}' target/debug/tightbeam-helper
//! cargo run --example call -- --check ansible.builtin.ping '{}' -- ssh host sudo /tmp/tightbeam-helper
//! ```
//! Arguments are validated as the controller does. `--blob` offers a file under a number; streams from the host
//! (`fetch`) are counted and thrown away.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, ExitCode, Stdio};
use tightbeam_modules::catalogue;
use tightbeam_modules::contract::validate;
use tightbeam_modules::contract::wire::{CHUNK, FrameKind, HEADER, Reply, Request, Want, frame, header};

#[derive(Default)]
struct Options {
    request: Request,
    blobs: BTreeMap<u32, String>,
    helper: Vec<String>,
}

fn main() -> ExitCode {
    match options().and_then(|options| call(&options)) {
        Ok(good) => ExitCode::from(u8::from(!good)),
        Err(e) => {
            eprintln!("call: {e}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::default();
    let mut words = Vec::new();
    let mut rest = std::env::args().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--check" => options.request.check = true,
            "--diff" => options.request.diff = true,
            "--env" => {
                let pair = rest.next().ok_or("--env K=V")?;
                let (name, value) = pair.split_once('=').ok_or("--env K=V")?;
                options.request.environment.insert(name.into(), value.into());
            }
            "--blob" => {
                let pair = rest.next().ok_or("--blob N=FILE")?;
                let (number, file) = pair.split_once('=').ok_or("--blob N=FILE")?;
                options.blobs.insert(number.parse()?, file.into());
            }
            "--" => options.helper = rest.by_ref().collect(),
            _ => words.push(word),
        }
    }
    let [module, args, helper @ ..] = &words[..] else { return Err("MODULE JSON [HELPER | -- COMMAND…]".into()) };
    if options.helper.is_empty() {
        options.helper = vec![helper.first().map_or("target/debug/tightbeam-helper", String::as_str).to_owned()];
    }
    let entry = catalogue::find(module).or_else(|| catalogue::find(&format!("ansible.builtin.{module}")));
    let entry = entry.ok_or_else(|| format!("no module {module}"))?;
    let Json::Object(args) = serde_json::from_str(args)? else { return Err("arguments are a JSON object".into()) };
    options.request.module = entry.spec.name.into();
    options.request.args = validate(entry.spec, args)
        .map_err(|faults| faults.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join("\n"))?;
    Ok(options)
}

/// Whether the module succeeded.
fn call(options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut child = Command::new(&options.helper[0])
        .args(&options.helper[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut to = child.stdin.take().ok_or("no stdin")?;
    let mut from = child.stdout.take().ok_or("no stdout")?;
    to.write_all(&frame(FrameKind::Request, 1, &serde_json::to_vec(&options.request)?))?;
    to.flush()?;
    let (mut good, mut received) = (false, BTreeMap::<u32, u64>::new());
    loop {
        let mut head = [0; HEADER];
        from.read_exact(&mut head)?;
        let (len, kind, _) = header(head)?;
        let mut payload = vec![0; len];
        from.read_exact(&mut payload)?;
        match kind {
            FrameKind::Want => offer(&mut to, options, serde_json::from_slice(&payload)?)?,
            FrameKind::Chunk => {
                let number = u32::from_be_bytes(payload[..4].try_into()?);
                *received.entry(number).or_default() += (payload.len() - 4) as u64;
            }
            FrameKind::Progress => eprintln!("| {}", String::from_utf8_lossy(&payload)),
            FrameKind::Reply => {
                match serde_json::from_slice(&payload)? {
                    Reply::Outcome(outcome) => {
                        good = true;
                        println!("{}", serde_json::to_string_pretty(&outcome)?);
                    }
                    Reply::Failure(failure) => println!("FAILED {}", serde_json::to_string_pretty(&failure)?),
                    Reply::Fault(text) => println!("FAULT {text}"),
                    Reply::Passed => println!("PASSED"),
                }
                break;
            }
            _ => {}
        }
    }
    for (number, bytes) in received {
        eprintln!("stream {number}: {bytes} bytes");
    }
    drop(to);
    child.wait()?;
    Ok(good)
}

fn offer(to: &mut dyn Write, options: &Options, want: Want) -> Result<(), Box<dyn Error>> {
    let number = want.blob.to_be_bytes();
    let Some(path) = options.blobs.get(&want.blob) else {
        let reason = [&number[..], b"no such --blob"].concat();
        return Ok(to.write_all(&frame(FrameKind::Broken, 1, &reason))?);
    };
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(want.offset))?;
    let mut part = Vec::new();
    Read::by_ref(&mut file).take(want.length).read_to_end(&mut part)?;
    for chunk in part.chunks(CHUNK) {
        to.write_all(&frame(FrameKind::Chunk, 1, &[&number, chunk].concat()))?;
    }
    if want.offset + part.len() as u64 >= file.metadata()?.len() {
        to.write_all(&frame(FrameKind::Chunk, 1, &number))?;
    }
    Ok(to.flush()?)
}
