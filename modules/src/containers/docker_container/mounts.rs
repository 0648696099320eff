//! Mounts and volumes of a container: as they are written, as the API wants them and as it tells of them.

use crate::contract::{Failure, Json, JsonMap, python_text, size_in_bytes};
use crate::host::{Observe, expand_path};
use serde_json::json;
use std::collections::BTreeMap;

/// Which options of a mount go with which types.
const OF_TYPES: &[(&str, &[&str])] = &[
    ("create_mountpoint", &["bind"]),
    ("labels", &["volume"]),
    ("no_copy", &["volume"]),
    ("non_recursive", &["bind"]),
    ("propagation", &["bind"]),
    ("read_only_force_recursive", &["bind"]),
    ("read_only_non_recursive", &["bind"]),
    ("subpath", &["volume", "image"]),
    ("tmpfs_size", &["tmpfs"]),
    ("tmpfs_mode", &["tmpfs"]),
    ("tmpfs_options", &["tmpfs"]),
    ("volume_driver", &["volume"]),
    ("volume_options", &["volume"]),
];

/// Places within the container that are taken, and by which option.
#[derive(Default)]
pub struct Taken(BTreeMap<String, &'static str>);

impl Taken {
    fn take(&mut self, place: &str, option: &'static str) -> Result<(), Failure> {
        match self.0.insert(place.to_owned(), option) {
            None => Ok(()),
            Some(other) if other == option => {
                Err(Failure::new(format!("The mount point \"{place}\" appears twice in the {option} option")))
            }
            Some(other) => Err(Failure::new(format!(
                "The mount point \"{place}\" appears both in the {option} and {other} option"
            ))),
        }
    }
}

/// The option `mounts`, checked and in one form for comparing.
///
/// # Errors
/// A mount cannot be so.
pub fn mounts(given: &[Json], taken: &mut Taken) -> Result<Vec<Json>, Failure> {
    given.iter().filter_map(Json::as_object).map(|mount| one(mount, taken)).collect()
}

fn one(given: &JsonMap, taken: &mut Taken) -> Result<Json, Failure> {
    let mut mount: JsonMap = given.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let text = |key: &str| mount.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (target, kind) = (text("target"), text("type"));
    taken.take(&target, "mounts")?;
    if !mount.contains_key("source") && !matches!(kind.as_str(), "tmpfs" | "volume" | "image" | "cluster") {
        return Err(Failure::new(format!("source must be specified for mount \"{target}\" of type \"{kind}\"")));
    }
    for (option, kinds) in OF_TYPES {
        if mount.contains_key(*option) && !kinds.contains(&kind.as_str()) {
            let s = if kinds.len() == 1 { "" } else { "s" };
            return Err(Failure::new(format!(
                "{option} cannot be specified for mount \"{target}\" of type \"{kind}\" (needs type{s} \"{}\")",
                kinds.join("\", \"")
            )));
        }
    }
    let has_driver = mount.get("volume_driver").and_then(Json::as_str).is_some_and(|d| !d.is_empty());
    if let Some(options) = mount.remove("volume_options")
        && has_driver
    {
        mount.insert("volume_options".to_owned(), plain_texts(&options));
    }
    if let Some(labels) = mount.get("labels").map(plain_texts) {
        mount.insert("labels".to_owned(), labels);
    }
    if let Some(size) = mount.get("tmpfs_size").map(python_text) {
        let bytes = size_in_bytes(&size).ok_or_else(|| {
            Failure::new(format!("Failed to convert tmpfs_size of mount \"{target}\" to bytes: {size}"))
        })?;
        mount.insert("tmpfs_size".to_owned(), bytes.into());
    }
    if let Some(mode) = mount.get("tmpfs_mode").map(python_text) {
        let bits = u32::from_str_radix(mode.trim_start_matches("0o"), 8)
            .map_err(|_| Failure::new(format!("tmp_fs mode of mount \"{target}\" is not an octal string!")))?;
        mount.insert("tmpfs_mode".to_owned(), bits.into());
    }
    if let Some(Json::Array(options)) = mount.get("tmpfs_options").cloned() {
        let pair = |option: &Json| match option.as_object().map(|o| o.iter().collect::<Vec<_>>()).as_deref() {
            Some([(key, Json::Null)]) => Ok(json!([key])),
            Some([(key, Json::String(value))]) => Ok(json!([key, value])),
            _ => Err(Failure::new(format!(
                "tmpfs_options of mount \"{target}\" must be one-element dictionaries of strings!"
            ))),
        };
        mount.insert("tmpfs_options".to_owned(), options.iter().map(pair).collect::<Result<Vec<_>, _>>()?.into());
    }
    Ok(mount.into())
}

/// Mounts as the API wants them.
pub fn for_api(mounts: &Json) -> Json {
    let one = |mount: &Json| {
        let mut out = json!({
            "Target": mount["target"], "Source": mount["source"], "Type": mount["type"], "ReadOnly": mount["read_only"],
        });
        if let Some(consistency) = mount.get("consistency") {
            out["Consistency"] = consistency.clone();
        }
        let mut options = |name: &str, keys: &[(&str, &str)]| {
            let map: JsonMap = keys
                .iter()
                .filter_map(|(key, api)| mount.get(*key).map(|value| ((*api).to_owned(), value.clone())))
                .collect();
            if !map.is_empty() {
                out[name] = map.into();
            }
        };
        match mount["type"].as_str() {
            Some("bind") => options(
                "BindOptions",
                &[
                    ("propagation", "Propagation"),
                    ("non_recursive", "NonRecursive"),
                    ("create_mountpoint", "CreateMountpoint"),
                    ("read_only_non_recursive", "ReadOnlyNonRecursive"),
                    ("read_only_force_recursive", "ReadOnlyForceRecursive"),
                ],
            ),
            Some("volume") => {
                options("VolumeOptions", &[("no_copy", "NoCopy"), ("labels", "Labels"), ("subpath", "Subpath")]);
                if let Some(driver) = mount.get("volume_driver").filter(|d| **d != "") {
                    let mut config = json!({"Name": driver});
                    if let Some(options) = mount.get("volume_options") {
                        config["Options"] = options.clone();
                    }
                    out["VolumeOptions"]["DriverConfig"] = config;
                }
            }
            Some("tmpfs") => options(
                "TmpfsOptions",
                &[("tmpfs_mode", "Mode"), ("tmpfs_size", "SizeBytes"), ("tmpfs_options", "Options")],
            ),
            Some("image") => options("ImageOptions", &[("subpath", "Subpath")]),
            _ => {}
        }
        out
    };
    mounts.as_array().into_iter().flatten().map(one).collect()
}

/// Mounts of an inspected container, in the form of the option.
pub fn of_container(mounts: &Json) -> Json {
    let Json::Array(mounts) = mounts else { return Json::Null };
    let or = |value: &Json, other: Json| if value.is_null() { other } else { value.clone() };
    let one = |m: &Json| {
        let (bind, volume, tmpfs) = (&m["BindOptions"], &m["VolumeOptions"], &m["TmpfsOptions"]);
        json!({
            "type": m["Type"],
            "source": m["Source"],
            "target": m["Target"],
            "read_only": or(&m["ReadOnly"], false.into()),
            "consistency": m["Consistency"],
            "propagation": bind["Propagation"],
            "no_copy": or(&volume["NoCopy"], false.into()),
            "labels": or(&volume["Labels"], json!({})),
            "volume_driver": volume["DriverConfig"]["Name"],
            "volume_options": or(&volume["DriverConfig"]["Options"], json!({})),
            "tmpfs_size": tmpfs["SizeBytes"],
            "tmpfs_mode": tmpfs["Mode"],
            "non_recursive": bind["NonRecursive"],
            "create_mountpoint": bind["CreateMountpoint"],
            "read_only_non_recursive": bind["ReadOnlyNonRecursive"],
            "read_only_force_recursive": bind["ReadOnlyForceRecursive"],
            "subpath": or(&volume["Subpath"], m["ImageOptions"]["Subpath"].clone()),
            "tmpfs_options": tmpfs["Options"],
        })
    };
    mounts.iter().map(one).collect()
}

/// The option `volumes`: those without a place on the host, and the binds.
///
/// # Errors
/// A volume is not written as one.
pub fn volumes(host: &dyn Observe, given: &[Json], taken: &mut Taken) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut anonymous, mut binds) = (Vec::new(), Vec::new());
    for volume in given.iter().filter_map(Json::as_str) {
        let parts: Vec<&str> = volume.split(':').collect();
        match parts.as_slice() {
            [from, to, mode] => {
                if !is_mode(mode) {
                    return Err(Failure::new(format!("Found invalid volumes mode: {mode}")));
                }
                taken.take(to, "volumes")?;
                binds.push(format!("{}:{to}:{mode}", on_host(host, from)?));
            }
            [from, to] if !is_mode(to) => {
                taken.take(to, "volumes")?;
                binds.push(format!("{}:{to}:rw", on_host(host, from)?));
            }
            parts => {
                taken.take(parts.get(1).or(parts.first()).copied().unwrap_or_default(), "volumes")?;
                anonymous.push(volume.to_owned());
            }
        }
    }
    Ok((anonymous, binds))
}

fn on_host(host: &dyn Observe, place: &str) -> Result<String, Failure> {
    if place.starts_with('.') {
        return Err(Failure::new(format!("{place}: volumes relative to a directory are not supported")));
    }
    Ok(if place.starts_with('~') { expand_path(host, place) } else { place.to_owned() })
}

fn is_mode(text: &str) -> bool {
    const MODES: &[&str] = &[
        "rw",
        "ro",
        "z",
        "Z",
        "consistent",
        "delegated",
        "cached",
        "rprivate",
        "private",
        "rshared",
        "shared",
        "rslave",
        "slave",
        "nocopy",
    ];
    text.split(',').all(|part| MODES.contains(&part))
}

/// Values as texts; truth as Go writes it.
pub fn plain_texts(map: &Json) -> Json {
    let text = |value: &Json| match value {
        Json::Bool(yes) => yes.to_string(),
        other => python_text(other),
    };
    Json::from(map.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), text(v).into())).collect::<JsonMap>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn volumes_and_mounts() {
        let mut taken = Taken::default();
        let given = [json!("/a:/b"), json!("name:/c:ro"), json!("/d"), json!("~/x:/e:z"), json!("/f:ro")];
        let (anonymous, binds) = volumes(&Fake::new(), &given, &mut taken).unwrap();
        assert_eq!(anonymous, ["/d", "/f:ro"]);
        assert_eq!(binds, ["/a:/b:rw", "name:/c:ro", "/root/x:/e:z"]);
        let tmpfs = json!({"target": "/t", "type": "tmpfs", "tmpfs_size": "1M", "tmpfs_mode": "0700", "source": null});
        let given = mounts(&[tmpfs], &mut taken).unwrap();
        assert_eq!(
            for_api(&given.into()),
            json!([{"Target": "/t", "Source": null, "Type": "tmpfs", "ReadOnly": null,
                "TmpfsOptions": {"Mode": 0o700, "SizeBytes": 1_048_576}}])
        );
        let again = mounts(&[json!({"target": "/b", "type": "volume"})], &mut taken).unwrap_err();
        assert_eq!(again.msg, "The mount point \"/b\" appears both in the mounts and volumes option");
        assert!(mounts(&[json!({"target": "/n", "type": "bind"})], &mut taken).is_err());
    }
}
