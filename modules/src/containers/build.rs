//! What is asked of a build, as words for the engine's program. Values of build arguments go by its environment.

use crate::contract::{Failure, Json, JsonMap, python_text, size_in_bytes};
use crate::host::{FileKind, Observe};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Clone, Debug, Deserialize)]
pub struct Build {
    pub path: PathBuf,
    pub dockerfile: Option<String>,
    cache_from: Option<Vec<String>>,
    pull: bool,
    network: Option<String>,
    nocache: bool,
    etc_hosts: Option<JsonMap>,
    args: Option<JsonMap>,
    target: Option<String>,
    /// One or, where the module takes several, a list.
    platform: Option<Json>,
    shm_size: Option<String>,
    labels: Option<JsonMap>,
}

impl Build {
    /// The directory is there.
    ///
    /// # Errors
    /// It is not.
    pub fn check_directory(&self, host: &dyn Observe) -> Result<(), Failure> {
        if host.is_dir(&self.path) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "Requested build path {} could not be found or you do not have access.",
            self.path.display()
        )))
    }

    /// The file with the instructions is there, if one is named.
    ///
    /// # Errors
    /// It is not.
    pub fn check_file(&self, host: &dyn Observe) -> Result<(), Failure> {
        let Some(file) = self.dockerfile.as_ref().map(|f| self.path.join(f)) else { return Ok(()) };
        if host.stat(&file).is_ok_and(|s| s.kind == FileKind::File) {
            return Ok(());
        }
        Err(Failure::new(format!("\"{}\" is not an existing file", file.display())))
    }

    /// Adds the words; gives the variables that go with them.
    ///
    /// # Errors
    /// A size is none.
    pub fn words(&self, words: &mut Vec<String>) -> Result<Vec<(String, String)>, Failure> {
        let mut env = Vec::new();
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if let Some(file) = &self.dockerfile {
            option("--file", self.path.join(file).to_string_lossy().into_owned());
        }
        self.cache_from.iter().flatten().for_each(|image| option("--cache-from", image.clone()));
        for (name, value) in [("--network", &self.network), ("--target", &self.target)] {
            value.iter().for_each(|v| option(name, v.clone()));
        }
        for (name, ip) in sorted(self.etc_hosts.as_ref()) {
            option("--add-host", format!("{name}:{ip}"));
        }
        for (name, value) in sorted(self.args.as_ref()) {
            // The program itself reads some variables; those cannot stand for arguments of the build.
            let own = ["PATH", "HOME"].contains(&name.as_str()) || name.starts_with("DOCKER_") || name.contains('=');
            if own {
                option("--build-arg", format!("{name}={value}"));
            } else {
                option("--build-arg", name.clone());
                env.push((name, value));
            }
        }
        match &self.platform {
            Some(Json::Array(list)) => list.iter().for_each(|p| option("--platform", python_text(p))),
            Some(Json::String(one)) => option("--platform", one.clone()),
            _ => {}
        }
        if let Some(size) = &self.shm_size {
            let bytes = size_in_bytes(size)
                .ok_or_else(|| Failure::new(format!("Failed to convert shm_size to bytes: {size}")))?;
            option("--shm-size", bytes.to_string());
        }
        for (name, value) in sorted(self.labels.as_ref()) {
            option("--label", format!("{name}={value}"));
        }
        for (name, asked) in [("--pull", self.pull), ("--no-cache", self.nocache)] {
            words.extend(asked.then(|| name.to_owned()));
        }
        words.extend(["--".to_owned(), self.path.to_string_lossy().into_owned()]);
        Ok(env)
    }
}

/// Values as texts, truth as Go writes it, in the order of their names.
fn sorted(map: Option<&JsonMap>) -> Vec<(String, String)> {
    let text = |value: &Json| value.as_bool().map_or_else(|| python_text(value), |yes| yes.to_string());
    let mut all: Vec<(String, String)> = map.into_iter().flatten().map(|(k, v)| (k.clone(), text(v))).collect();
    all.sort();
    all
}
