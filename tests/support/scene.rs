//! A playbook in a directory of its own, run on scripted hosts.

#[path = "scripted.rs"]
mod scripted;

use clap::Parser;
use std::sync::Arc;
use std::time::Duration;
use tightbeam::cli::args::AnsiblePlaybook;
use tightbeam::cli::{Base, CommandError, Stage, play};
use tightbeam::config::Surroundings;
use tightbeam::event::Observer;

/// No run on scripted hosts takes as long.
const LONGEST: Duration = Duration::from_secs(120);

#[derive(Default)]
pub struct Scene<'a> {
    /// An INI inventory; `h1` if left out.
    pub hosts: Option<&'a str>,
    pub play: &'a str,
    /// Path → text.
    pub files: Vec<(&'a str, &'a str)>,
    pub environment: Vec<(&'a str, &'a str)>,
    pub options: Vec<&'a str>,
}

pub struct Ran {
    /// Where it ran.
    pub dir: tempfile::TempDir,
    #[allow(dead_code, reason = "not every suite asks what they did")]
    pub hosts: Arc<scripted::Scripted>,
    pub ended: Result<u8, CommandError>,
}

impl Ran {
    /// A text of the run, with `.` for its directory.
    pub fn plain(&self, text: &str) -> String {
        text.replace(&self.dir.path().display().to_string(), ".")
    }
}

impl Scene<'_> {
    pub fn run(&self, observer: Box<dyn Observer>) -> Ran {
        let dir = tempfile::tempdir().unwrap();
        let inner = [("hosts", self.hosts.unwrap_or("h1\n")), ("play.yml", self.play)];
        for (path, text) in inner.iter().chain(&self.files) {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let at = |name| dir.path().join(name).display().to_string();
        let (inventory, playbook) = (at("hosts"), at("play.yml"));
        let words = ["ansible-playbook", "-i", &inventory].into_iter().chain(self.options.iter().copied());
        let args = AnsiblePlaybook::try_parse_from(words.chain([&*playbook])).unwrap().args;
        let base = [("ANSIBLE_LOCALHOST_WARNING", "false"), ("ANSIBLE_GATHERING", "explicit")];
        let env = base.iter().chain(&self.environment).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (cwd, home) = (dir.path().to_owned(), Some(dir.path().to_owned()));
        let around = Surroundings { cwd, home, env, cwd_world_writable: false };
        let hosts = Arc::new(scripted::Scripted::default());
        let stage = Stage { hosts: hosts.clone(), observer };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_stack_size(8 << 20)
            .enable_all()
            .build()
            .unwrap();
        let ended = runtime.block_on(async {
            let run = async { play(Base::at(around)?, args, Some(stage)).await };
            tokio::time::timeout(LONGEST, run).await.expect("the run comes to its end")
        });
        Ran { dir, hosts, ended }
    }
}
