//! Tables of mounts: the formats of fstab, vfstab, mnttab and AIX's filesystems, and what `mount` prints.

use super::shared::{facts, int, unescape_octal};
use crate::contract::{Json, JsonMap};
use fancy_regex::Regex;

/// Where hosts keep what should be mounted, and what is.
pub const STATIC: [&str; 3] = ["/etc/fstab", "/etc/vfstab", "/etc/filesystems"];
pub const DYNAMIC: [&str; 3] = ["/etc/mtab", "/proc/mounts", "/etc/mnttab"];

/// One mount as a source has it; `mount`, `device` and `fstype` are always among the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub source: String,
    /// The line or lines that it comes from.
    pub line: String,
    pub fields: JsonMap,
}

impl Found {
    pub fn point(&self) -> &str {
        self.fields["mount"].as_str().unwrap_or_default()
    }
}

type Entries = Vec<(String, JsonMap)>;

/// Reads a table in the first format that all of it fits.
pub fn from_file(source: &str, lines: &[String]) -> Vec<Found> {
    if lines.is_empty() {
        return Vec::new();
    }
    let formats = [vfstab, mnttab, fstab, aix];
    let entries = formats.iter().find_map(|format| format(lines)).unwrap_or_default();
    let found = |(line, fields)| Found { source: source.to_owned(), line, fields };
    entries.into_iter().map(found).collect()
}

fn is_note(line: &str) -> bool {
    line.trim().is_empty() || line.trim().starts_with('#')
}

/// Device, device to check, mount point, type, pass, whether at boot, options: seven columns.
fn vfstab(lines: &[String]) -> Option<Entries> {
    let parse = |line: &String| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [device, check, point, kind, pass, boot, options, ..] = fields[..] else { return None };
        let fields = facts! {
            "device" => device, "device_to_fsck" => check, "mount" => point, "fstype" => kind,
            "passno" => int(pass).map_or(Json::from(pass), Json::from), "mount_at_boot" => boot, "options" => options,
        };
        Some((line.clone(), fields))
    };
    lines.iter().filter(|line| !is_note(line)).map(parse).collect()
}

/// Device, mount point, type, options and the time of mounting, which has ten digits.
fn mnttab(lines: &[String]) -> Option<Entries> {
    let timed = |line: &String| line.split_whitespace().nth(4).map(|time| time.len() == 10);
    lines.iter().map_while(timed).find(|is_time| *is_time)?;
    let parse = |line: &String| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [device, point, kind, options, time, ..] = fields[..] else { return None };
        let fields = facts! { "device" => device, "mount" => point, "fstype" => kind, "options" => options, "time" => int(time)? };
        Some((line.clone(), fields))
    };
    lines.iter().map(parse).collect()
}

/// Device, mount point, type, options; dump and pass may be missing.
fn fstab(lines: &[String]) -> Option<Entries> {
    let parse = |line: &String| {
        let fields: Vec<String> = line.split_whitespace().map(unescape_octal).collect();
        let [device, point, kind, options, numbers @ ..] = &fields[..] else { return None };
        let mut fields = facts! {
            "device" => device.as_str(), "mount" => point.as_str(), "fstype" => kind.as_str(), "options" => options.as_str(),
        };
        for (name, number) in ["dump", "passno"].iter().zip(numbers) {
            fields.insert((*name).to_owned(), int(number)?.into());
        }
        Some((line.trim().to_owned(), fields))
    };
    lines.iter().filter(|line| !is_note(line)).map(parse).collect()
}

/// Stanzas `name:` with lines `attribute = value`. Linux has another file of this name, which is none of these.
fn aix(lines: &[String]) -> Option<Entries> {
    let mut stanzas: Vec<Vec<&String>> = Vec::new();
    for line in lines.iter().filter(|line| !line.starts_with('*') && !line.trim().is_empty()) {
        if line.trim_end().ends_with(':') {
            stanzas.push(vec![line]);
        } else if line.contains('=') {
            stanzas.last_mut()?.push(line);
        } else {
            return None;
        }
    }
    let parse = |stanza: &Vec<&String>| {
        let point = stanza[0].trim_end().trim_end_matches(':');
        let pairs = stanza[1..].iter().filter_map(|line| line.split_once('='));
        let attributes: JsonMap = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().into())).collect();
        let get = |name: &str| attributes.get(name).and_then(Json::as_str).filter(|value| !value.is_empty());
        let device = [get("nodename"), get("dev")].into_iter().flatten().collect::<Vec<_>>().join(":");
        let text: Vec<&str> = stanza.iter().map(|line| line.as_str()).collect();
        let fields = facts! {
            "mount" => point,
            "device" => if device.is_empty() { "unknown" } else { &device },
            "fstype" => get("vfs").unwrap_or("unknown"),
            "attributes" => attributes.clone(),
        };
        (text.join("\n"), fields)
    };
    Some(stanzas.iter().map(parse).collect())
}

/// What `mount` prints on Linux, on the BSDs or on AIX.
pub fn from_program(printed: &str) -> Vec<Found> {
    const LINUX: &str = r"^(?<device>\S+) on (?<mount>\S+) type (?<fstype>\S+) \((?<options>.+)\)$";
    const BSD: &str = r"^(?<device>\S+) on (?<mount>\S+) \((?<fstype>.+)\)$";
    const AIX: &str = r"^(?<node>\S*)\s+(?<mounted>\S+)\s+(?<mount>\S+)\s+(?<fstype>\S+)\s+(?<time>\S+\s+\d+\s+\d+:\d+)\s+(?<options>.*)$";
    let lines: Vec<&str> = printed.lines().collect();
    let all = |pattern: &str, skip: usize| {
        let regex = Regex::new(pattern).ok()?;
        let mut ours = lines.iter().skip(skip).filter(|line| pattern != BSD || !line.starts_with("map "));
        ours.all(|line| regex.is_match(line).unwrap_or(false)).then_some(regex)
    };
    let aix = || if lines.len() > 2 { all(AIX, 2) } else { None };
    let Some(regex) = all(LINUX, 0).or_else(|| all(BSD, 0)).or_else(aix) else { return Vec::new() };
    let parse = |line: &&str| {
        let groups = regex.captures(line).ok()??;
        let mut fields: JsonMap = regex
            .capture_names()
            .flatten()
            .filter_map(|name| Some((name.to_owned(), Json::from(groups.name(name)?.as_str()))))
            .collect();
        if regex.as_str() == BSD {
            let text = fields["fstype"].as_str().unwrap_or_default().to_owned();
            if let Some((kind, options)) = text.split_once(',') {
                fields.insert("fstype".to_owned(), kind.trim_end().into());
                fields.insert("options".to_owned(), options.trim_start().into());
            }
        }
        if let (Some(device), Some(node)) = (fields.remove("mounted"), fields.remove("node")) {
            let parts = [node.as_str().unwrap_or_default(), device.as_str().unwrap_or_default()];
            let device = parts.iter().copied().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(":");
            fields.insert("device".to_owned(), device.into());
        }
        Some(Found { source: "mount".to_owned(), line: (*line).to_owned(), fields })
    };
    lines.iter().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(text: &str) -> Json {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        from_file("x", &lines).into_iter().map(|found| Json::from(found.fields)).collect()
    }

    #[test]
    fn each_table_is_read_in_its_format() {
        assert_eq!(
            file("# note\n\nUUID=1-2 / ext4 defaults 0 1\nproc /proc proc defaults\n/dev/b /a\\040b xfs ro 0\n"),
            json!([
                {"device": "UUID=1-2", "mount": "/", "fstype": "ext4", "options": "defaults", "dump": 0, "passno": 1},
                {"device": "proc", "mount": "/proc", "fstype": "proc", "options": "defaults"},
                {"device": "/dev/b", "mount": "/a b", "fstype": "xfs", "options": "ro", "dump": 0},
            ])
        );
        assert_eq!(
            file("/dev/dsk/c0 /dev/rdsk/c0 / ufs 1 no -\n"),
            json!([{"device": "/dev/dsk/c0", "device_to_fsck": "/dev/rdsk/c0", "mount": "/", "fstype": "ufs", "passno": 1,
                    "mount_at_boot": "no", "options": "-"}])
        );
        assert_eq!(
            file("rpool/ROOT / zfs dev=1 1700000000\n"),
            json!([{"device": "rpool/ROOT", "mount": "/", "fstype": "zfs", "options": "dev=1", "time": 1_700_000_000}])
        );
        assert_eq!(
            file("* note\n/home:\n\tdev = /dev/hd1\n\tvfs = jfs2\n"),
            json!([{"mount": "/home", "device": "/dev/hd1", "fstype": "jfs2", "attributes": {"dev": "/dev/hd1", "vfs": "jfs2"}}])
        );
        assert_eq!(file("ext4\next3\nnodev proc\n"), json!([]));
    }

    #[test]
    fn programs_of_three_systems() {
        let list = |text: &str| from_program(text).into_iter().map(|found| Json::from(found.fields)).collect::<Json>();
        assert_eq!(
            list("proc on /proc type proc (rw,nosuid)\n"),
            json!([{"device": "proc", "mount": "/proc", "fstype": "proc", "options": "rw,nosuid"}])
        );
        assert_eq!(
            list("/dev/ada0p2 on / (ufs, local, journaled)\nmap auto on /x (autofs)\n")[0],
            json!({"device": "/dev/ada0p2", "mount": "/", "fstype": "ufs", "options": "local, journaled"})
        );
        let aix = "  node       mounted        mounted over    vfs       date        options\n-------- ---------------  --\n         /dev/hd4         /                jfs2   Sep 22 10:00 rw\n";
        assert_eq!(
            list(aix),
            json!([{"mount": "/", "fstype": "jfs2", "time": "Sep 22 10:00", "options": "rw", "device": "/dev/hd4"}])
        );
        assert_eq!(list("nonsense\n"), json!([]));
    }
}
