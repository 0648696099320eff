//! What the engine costs, on scripted hosts that answer at once: `cargo bench --bench engine`.
//!
//! Each workload is run at 1, 2 and 4 times its size; a cost that is linear keeps the time per unit the same.
//! `cargo bench --bench engine -- HOSTS TASKS` runs that many tasks on that many hosts only.

#[path = "../tests/support/scripted.rs"]
mod scripted;

use clap::Parser;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tightbeam::cli::args::AnsiblePlaybook;
use tightbeam::cli::{Base, Stage, play};
use tightbeam::config::Surroundings;
use tightbeam::event::{Event, Observer};

/// Counts results, so that a run that does nothing is not taken for a fast one.
struct Count(Arc<std::sync::atomic::AtomicUsize>);

impl Observer for Count {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::TaskFinished { .. }) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// Seconds of a run, of the processor and of the clock, and the results it gave.
fn run(dir: &Path, hosts: usize) -> (Duration, Duration, usize) {
    let inventory: String = (0..hosts).map(|i| format!("h{i:04}\n")).collect();
    std::fs::write(dir.join("hosts"), inventory).expect("a file");
    let around = Surroundings { cwd: dir.to_owned(), home: None, env: Default::default(), cwd_world_writable: false };
    let words = ["ansible-playbook", "-i", "hosts", "-f", "500", "play.yml"];
    let mut args = AnsiblePlaybook::try_parse_from(words).expect("arguments").args;
    args.inventory.inventory = vec![dir.join("hosts").display().to_string()];
    let results = Arc::default();
    let stage =
        Stage { hosts: Arc::new(scripted::Scripted::default()), observer: Box::new(Count(Arc::clone(&results))) };
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(8 << 20).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (clock, cpu) = (Instant::now(), processor_time());
    let code = runtime.block_on(async { play(Base::at(around)?, args, Some(stage)).await });
    assert!(matches!(code, Ok(0)), "{code:?}");
    (processor_time() - cpu, clock.elapsed(), results.load(std::sync::atomic::Ordering::Relaxed))
}

/// Time of the processor that this process has used.
fn processor_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

fn report(name: &str, sizes: impl Iterator<Item = (usize, (Duration, Duration, usize))>, unit: &str) {
    println!("{name}");
    let mut first = None;
    for (size, (cpu, clock, results)) in sizes {
        let each = cpu.as_secs_f64() * 1e6 / size as f64;
        let ratio = each / *first.get_or_insert(each);
        println!(
            "  {size:>8} {unit}: {:>7.3} s clock, {:>7.3} s processor, {each:>7.1} µs each ({ratio:.2} × the first), {results} results",
            clock.as_secs_f64(),
            cpu.as_secs_f64()
        );
    }
}

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("a file");

    let tasks = |n: usize| -> String {
        let mut text = "- hosts: all\n  gather_facts: false\n  vars: {greeting: hello}\n  tasks:\n".to_owned();
        for i in 0..n {
            text += &format!(
                "    - name: task {i}\n      command: echo {{{{ greeting }}}} {{{{ inventory_hostname }}}} {i}\n      register: said\n      changed_when: said.rc != 0\n      when: greeting == 'hello'\n"
            );
        }
        text
    };
    let sizes: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    if let [hosts, n] = sizes[..] {
        put("play.yml", &tasks(n));
        let one = std::iter::once((n * hosts, run(dir.path(), hosts)));
        return report(&format!("{n} tasks, {hosts} hosts"), one, "host-tasks");
    }

    put("included.yml", "- set_fact: {seen: \"{{ item }}\"}\n- ping:\n  when: item < 0\n");
    let includes = [500, 1000, 2000, 4000].into_iter().map(|n| {
        put(
            "play.yml",
            &format!("- hosts: all\n  gather_facts: false\n  tasks:\n    - include_tasks: included.yml\n      loop: \"{{{{ range({n}) | list }}}}\"\n"),
        );
        (n, run(dir.path(), 1))
    });
    report("includes in a loop, one host", includes, "includes");

    put("play.yml", &tasks(300));
    let hosts = [50, 100, 200, 400].into_iter().map(|n| (n * 300, run(dir.path(), n)));
    report("300 tasks, more and more hosts", hosts, "host-tasks");
    let longer = [75, 150, 300, 600].into_iter().map(|n| {
        put("play.yml", &tasks(n));
        (n * 200, run(dir.path(), 200))
    });
    report("200 hosts, more and more tasks", longer, "host-tasks");
}
