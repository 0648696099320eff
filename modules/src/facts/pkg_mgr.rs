//! Facts `pkg_mgr`: the module that installs packages here. Needs the distribution.

use super::family::Family;
use super::scene::Scene;
use super::shared::single;
use crate::contract::JsonMap;
use crate::host::Command;
use std::path::Path;

pub const FAMILY: Family = Family::minimal("pkg_mgr", collect).needs(&["distribution"]).commands(commands);

/// Programs and the managers that they stand for; the last one found counts.
const PROGRAMS: [(&str, &str); 26] = [
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "dnf"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/usr/pkg/bin/pkgin", "pkgin"),
    ("/opt/local/bin/pkgin", "pkgin"),
    ("/opt/tools/bin/pkgin", "pkgin"),
    ("/opt/local/bin/port", "macports"),
    ("/usr/local/bin/brew", "homebrew"),
    ("/opt/homebrew/bin/brew", "homebrew"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/pkg", "pkgng"),
    ("/usr/sbin/swlist", "swdepot"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/sbin/pkgadd", "svr4pkg"),
    ("/usr/bin/pkg", "pkg5"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/local/sbin/pkg", "pkgng"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/sorcery", "sorcery"),
    ("/usr/bin/installp", "installp"),
];

/// Asks RPM whether it owns `apt-get`: then this is APT-RPM.
fn commands(scene: &Scene) -> Vec<Command> {
    let both = scene.exists("/usr/bin/rpm") && scene.exists("/usr/bin/apt-get");
    let ask = scene.program("/usr/bin/rpm").args(["-q", "--whatprovides", "/usr/bin/apt-get"]);
    both.then_some(ask).into_iter().collect()
}

fn collect(scene: &Scene) -> JsonMap {
    let family = scene.fact("os_family");
    // On ALT Linux /usr/bin/pkg is a Perl package.
    let relevant = PROGRAMS.iter().filter(|(path, _)| !(family == "Altlinux" && *path == "/usr/bin/pkg"));
    let found = relevant.filter(|(path, _)| scene.exists(path)).map(|(_, name)| *name).next_back().unwrap_or("unknown");
    let name = match (family, found) {
        ("RedHat", _) => red_hat(scene),
        ("Altlinux", "apt") => "apt_rpm",
        ("Debian", _) | (_, "apt") => {
            let owned = commands(scene).iter().any(|command| scene.run(command).is_some_and(|o| o.ok()));
            if owned { "apt_rpm" } else { "apt" }
        }
        (_, other) => other,
    };
    single("pkg_mgr", name)
}

fn red_hat(scene: &Scene) -> &'static str {
    if scene.exists("/run/ostree-booted") {
        return "atomic_container";
    }
    for program in ["/usr/bin/dnf", "/usr/bin/microdnf"] {
        if scene.exists(program) {
            let real = scene.host.canonicalize(Path::new(program));
            return if real.is_ok_and(|path| path == Path::new("/usr/bin/dnf5")) { "dnf5" } else { "dnf" };
        }
    }
    "unknown"
}
