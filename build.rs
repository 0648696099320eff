//! Builds the static helper that is pushed to hosts and compresses it for `include_bytes!`.
//!
//! `TIGHTBEAM_HELPER=/path/to/tightbeam-helper` names a ready one instead (distributions, or a build without a static C
//! library). Helpers for other architectures are not built in: at run time they are looked for in
//! `$TIGHTBEAM_HELPERS_DIR/ARCH/tightbeam-helper`.

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    for path in ["build.rs", "Cargo.lock", "modules/Cargo.toml", "modules/src"] {
        println!("cargo:rerun-if-changed={path}");
    }
    println!("cargo:rerun-if-env-changed=TIGHTBEAM_HELPER");
    let out = PathBuf::from(variable("OUT_DIR"));
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    println!("cargo:rustc-env=TIGHTBEAM_HELPER_ARCH={}", uname(&arch));
    let raw = match std::env::var_os("TIGHTBEAM_HELPER").filter(|p| !p.is_empty()) {
        Some(path) => {
            println!("cargo:rerun-if-changed={}", Path::new(&path).display());
            read(Path::new(&path))
        }
        None if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") => read(&build(&out)),
        None => {
            println!("cargo:warning=no helper is built in: hosts run Linux; name one with TIGHTBEAM_HELPER");
            Vec::new()
        }
    };
    let digest: String = Sha256::digest(&raw).iter().map(|b| format!("{b:02x}")).collect();
    println!("cargo:rustc-env=TIGHTBEAM_HELPER_DIGEST={digest}");
    println!("cargo:rustc-env=TIGHTBEAM_HELPER_SIZE={}", raw.len());
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    let packed = gz.write_all(&raw).and_then(|()| gz.finish()).expect("memory takes what is written to it");
    let packed = if raw.is_empty() { Vec::new() } else { packed };
    std::fs::write(out.join("helper.gz"), packed).expect("OUT_DIR can be written");
}

/// Runs cargo for the helper in a target directory of its own, so that it does not wait for the outer cargo's lock.
fn build(out: &Path) -> PathBuf {
    let (target, release) = (variable("TARGET"), variable("PROFILE") == "release");
    let profile = if release { "helper" } else { "helper-dev" };
    let dir = out.join("helper");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--locked", "--quiet", "--bin", "tightbeam-helper", "--profile", profile, "--target"])
        .arg(&target)
        .arg("--target-dir")
        .arg(&dir)
        .arg("--manifest-path")
        .arg(Path::new(&variable("CARGO_MANIFEST_DIR")).join("modules/Cargo.toml"));
    // What the outer cargo says to its own processes is not meant for this one: flags, wrappers such as clippy's, features.
    let kept = ["CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_NET_OFFLINE"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && !kept.contains(&text.as_ref());
        if of_cargo || text.starts_with("RUSTC") || text == "RUSTFLAGS" || text == "RUSTDOC" {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    let status = cargo.status().unwrap_or_else(|e| panic!("cargo cannot be run: {e}"));
    assert!(
        status.success(),
        "the helper for hosts cannot be built; it needs a static C library (Debian: libc6-dev, Fedora: glibc-static). \
         TIGHTBEAM_HELPER=/path/to/tightbeam-helper takes a ready one"
    );
    dir.join(target).join(profile).join("tightbeam-helper")
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("the helper {} cannot be read: {e}", path.display()))
}

fn variable(name: &str) -> String {
    let value: Option<OsString> = std::env::var_os(name);
    value.and_then(|v| v.into_string().ok()).unwrap_or_else(|| panic!("cargo sets {name}"))
}

/// What `uname -m` prints on Rust's architecture.
fn uname(arch: &str) -> &str {
    match arch {
        "x86" => "i686",
        "arm" => "armv7l",
        "powerpc64" => "ppc64le",
        other => other,
    }
}
