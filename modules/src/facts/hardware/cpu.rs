//! Processors, from /proc/cpuinfo. The counting is ansible-core's, oddities included: playbooks rely on its numbers.

use crate::contract::{Json, JsonMap};
use crate::facts::scene::Scene;
use crate::facts::shared::{facts, int};

/// Counts by name, in the order in which names appear. The name before any is known is none.
type Counts = Vec<(Option<String>, i64)>;

fn set(counts: &mut Counts, name: &Option<String>, value: i64) {
    match counts.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => counts.push((name.clone(), value)),
    }
}

fn has(counts: &Counts, name: &Option<String>) -> bool {
    counts.iter().any(|(known, _)| known == name)
}

#[derive(Default)]
struct Tally {
    lines: Vec<Json>,
    flags: Option<Vec<Json>>,
    vendors: i64,
    models: i64,
    numbers: i64,
    /// SPARC's own count.
    active: Option<i64>,
    sockets: Counts,
    cores: Counts,
    /// IBM Z: processors and threads of each.
    processors: i64,
    threads: i64,
    paravirtual: bool,
}

impl Tally {
    fn read(lines: &[String], xen: bool) -> Self {
        let mut tally = Tally::default();
        let (mut socket, mut core) = (None, None);
        for line in lines {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            let (key, value) = (key.trim(), value.trim());
            let number = int(value).unwrap_or(0);
            match key {
                "flags" => {
                    tally.paravirtual |= xen && !value.contains("vme");
                    tally.flags = Some(value.split_whitespace().map(Json::from).collect());
                }
                "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                    tally.lines.push(value.into());
                    tally.vendors += i64::from(key == "vendor_id");
                    tally.models += i64::from(key == "model name");
                    tally.numbers += i64::from(key == "processor");
                }
                "physical id" => {
                    socket = Some(value.to_owned());
                    if !has(&tally.sockets, &socket) {
                        set(&mut tally.sockets, &socket, 1);
                    }
                }
                "core id" => {
                    core = Some(value.to_owned());
                    if !has(&tally.sockets, &core) {
                        set(&mut tally.cores, &core, 1);
                    }
                }
                "cpu cores" => set(&mut tally.sockets, &socket, number),
                "siblings" => set(&mut tally.cores, &core, number),
                "# processors" => tally.processors = number,
                "max thread id" => tally.threads = number + 1,
                "ncpus active" => tally.active = Some(number),
                _ => {}
            }
        }
        tally
    }

    fn count(&self, architecture: &str) -> i64 {
        if ["armv", "aarch", "ppc"].iter().any(|start| architecture.starts_with(start)) {
            self.numbers
        } else if self.vendors > 0 && self.vendors == self.models {
            self.vendors
        } else {
            self.active.unwrap_or(self.lines.len() as i64)
        }
    }

    fn facts(&self, architecture: &str) -> JsonMap {
        let count = self.count(architecture);
        let (count, cores, threads, vcpus, nproc) = if architecture == "s390x" {
            let cores = rounded(self.processors, self.threads);
            (1, cores, self.threads, self.processors, self.processors)
        } else if self.paravirtual {
            (count, count, 1, count, count)
        } else {
            let count = if self.sockets.is_empty() { count } else { self.sockets.len() as i64 };
            let cores = self.sockets.first().map(|(_, cores)| *cores).filter(|cores| *cores != 0).unwrap_or(1);
            let threads = rounded(self.cores.first().map_or(1, |(_, siblings)| *siblings), cores);
            (count, cores, threads, threads * count * cores, self.numbers)
        };
        facts! {
            "processor" => self.lines.clone(),
            "processor_count" => count,
            "processor_cores" => cores,
            "processor_threads_per_core" => threads,
            "processor_vcpus" => vcpus,
            "processor_nproc" => nproc,
        }
    }
}

/// Python's `round(a / b)`: halves go to the even neighbour.
fn rounded(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { (a as f64 / b as f64).round_ties_even() as i64 }
}

pub fn collect(scene: &Scene) -> JsonMap {
    if !scene.exists("/proc/cpuinfo") {
        return JsonMap::new();
    }
    let xen =
        scene.exists("/proc/xen") || scene.lines("/sys/hypervisor/type").first().is_some_and(|kind| kind == "xen");
    let tally = Tally::read(&scene.lines("/proc/cpuinfo"), xen);
    let mut facts = tally.facts(scene.fact("architecture"));
    if let Some(flags) = tally.flags {
        facts.insert("flags".to_owned(), flags.into());
    }
    if let Some(usable) = usable(scene) {
        facts.insert("processor_nproc".to_owned(), usable.into());
    }
    facts
}

/// How many processors this process may use.
fn usable(scene: &Scene) -> Option<i64> {
    let lines = scene.lines("/proc/self/status");
    let list = lines.iter().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let parts = list.trim().split(',').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(int(last)? - int(first)? + 1)
    });
    parts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counts(architecture: &str, text: &str) -> Json {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let facts = Tally::read(&lines, false).facts(architecture);
        ["count", "cores", "threads_per_core", "vcpus", "nproc"]
            .iter()
            .map(|n| facts[&format!("processor_{n}")].clone())
            .collect()
    }

    fn x86(sockets: usize, cores: usize, threads: usize) -> String {
        let mut text = String::new();
        for n in 0..sockets * cores * threads {
            let (socket, core) = (n / (cores * threads), n % cores);
            text.push_str(&format!(
                "processor\t: {n}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: {socket}\nsiblings\t: {}\n\
                 core id\t\t: {core}\ncpu cores\t: {cores}\nflags\t\t: fpu vme\n\n",
                cores * threads
            ));
        }
        text
    }

    #[test]
    fn intel_sockets_cores_and_threads() {
        assert_eq!(counts("x86_64", &x86(1, 1, 1)), json!([1, 1, 1, 1, 1]));
        assert_eq!(counts("x86_64", &x86(1, 4, 2)), json!([1, 4, 2, 8, 8]));
        assert_eq!(counts("x86_64", &x86(2, 8, 2)), json!([2, 8, 2, 32, 32]));
    }

    #[test]
    fn arm_and_power_count_processor_lines() {
        let arm = "processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\nBogoMIPS\t: 50.00\n";
        assert_eq!(counts("aarch64", arm), json!([2, 1, 1, 2, 2]));
        let power = "processor\t: 0\ncpu\t\t: POWER8E\nclock\t\t: 3690MHz\n\nprocessor\t: 8\ncpu\t\t: POWER8E\n";
        assert_eq!(counts("ppc64le", power), json!([2, 1, 1, 2, 2]));
        let old_arm = "Processor\t: ARMv7 Processor rev 4 (v7l)\nprocessor\t: 0\nprocessor\t: 1\nprocessor\t: 2\n";
        assert_eq!(counts("armv7l", old_arm), json!([3, 1, 1, 3, 3]));
    }

    #[test]
    fn mainframe_has_one_socket() {
        let text = "vendor_id       : IBM/S390\n# processors    : 6\nbogomips per cpu: 3033.00\nmax thread id   : 1\n";
        assert_eq!(counts("s390x", text), json!([1, 3, 2, 6, 6]));
    }

    #[test]
    fn virtual_processors_without_topology() {
        let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\n\nprocessor\t: 1\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\n";
        assert_eq!(counts("x86_64", text), json!([2, 1, 1, 2, 2]));
    }
}
