//! `community.docker.docker_container`: a container as wanted: there, running, stopped or gone.

mod manage;
mod mounts;
mod options;
mod ports;
#[cfg(test)]
mod tests;
mod wanted;

use super::engine::{ENGINE_ARGS, Reach};
use super::road::{self, Work};
use crate::contract::{
    Arg, ArgType, Call, Failure, Json, JsonMap, Literal, Module, ModuleSpec, Outcome, Plan, Return, Rule, python_text,
};
use crate::host::{Change, Observe};
use serde::Deserialize;
use std::path::PathBuf;

pub struct DockerContainer;

#[derive(Clone, Debug, Deserialize)]
pub struct Args {
    name: String,
    image: Option<String>,
    state: State,
    cleanup: bool,
    comparisons: Option<JsonMap>,
    container_default_behavior: String,
    command_handling: String,
    default_host_ip: Option<String>,
    env_file: Option<PathBuf>,
    force_kill: bool,
    healthy_wait_timeout: f64,
    image_comparison: String,
    image_label_mismatch: String,
    image_name_mismatch: String,
    keep_volumes: bool,
    kill_signal: Option<String>,
    networks_cli_compatible: bool,
    paused: Option<bool>,
    pull: Json,
    pull_check_mode_behavior: String,
    recreate: bool,
    removal_wait_timeout: Option<f64>,
    restart: bool,
    #[serde(flatten)]
    reach: Reach,
    /// All that describes the container, by the names of the options.
    #[serde(flatten)]
    options: JsonMap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Absent,
    Present,
    Healthy,
    Started,
    Stopped,
}

impl Args {
    /// When the image is pulled: `never`, `missing` or `always`.
    fn pull(&self) -> &str {
        match &self.pull {
            Json::Bool(true) => "always",
            Json::String(word) if matches!(word.to_lowercase().as_str(), "true" | "yes" | "on") => "always",
            Json::String(word) if word == "always" || word == "never" => word,
            _ => "missing",
        }
    }

    /// Sets what older releases of the collection took for granted.
    fn complete(&mut self) -> Result<(), Failure> {
        let word = python_text(&self.pull);
        const WORDS: &[&str] = &["never", "missing", "always", "True", "False", "yes", "no", "true", "false"];
        if !WORDS.contains(&word.as_str()) {
            return Err(Failure::new(format!(
                "value of pull must be one of: never, missing, always, True, False, got: {word}"
            )));
        }
        if self.container_default_behavior == "compatibility" {
            self.paused.get_or_insert(false);
            for (name, value) in [
                ("auto_remove", Json::from(false)),
                ("detach", true.into()),
                ("init", false.into()),
                ("interactive", false.into()),
                ("memory", "0".into()),
                ("privileged", false.into()),
                ("read_only", false.into()),
                ("tty", false.into()),
            ] {
                let option = self.options.entry(name).or_insert(Json::Null);
                if option.is_null() {
                    *option = value;
                }
            }
        }
        Ok(())
    }
}

impl Module for DockerContainer {
    const SPEC: ModuleSpec = ModuleSpec {
        shared: &[ENGINE_ARGS, OPTIONS],
        rules: &[
            Rule::RequiredTogether(&["client_cert", "client_key"]),
            Rule::RequiredIf { arg: "state", value: Literal::Str("present"), required: &["image"], any: false },
            Rule::RequiredBy { arg: "log_options", required: &["log_driver"] },
            Rule::RequiredBy { arg: "restart_retries", required: &["restart_policy"] },
        ],
        diff: true,
        examples: "- name: The application runs\n  community.docker.docker_container:\n    name: app\n    image: registry.example.org/app:1.2\n    restart_policy: unless-stopped\n    env:\n      DB_HOST: db.example.org\n    ports:\n      - 127.0.0.1:8080:80\n    volumes:\n      - app-data:/var/lib/app\n    networks:\n      - name: apps\n\n- name: The old one is gone\n  community.docker.docker_container:\n    name: app-old\n    state: absent\n",
        returns: &[
            Return { name: "container", when: "unless state=absent", doc: "What the engine tells of the container." },
            Return { name: "status", when: "detach=false", doc: "The exit status." },
            Return { name: "actions", when: "check mode or debug", doc: "What would be done." },
        ],
        differs: "Goes through the engine's API without Python. `platform` and `output_logs` are refused, so are `ssh://` as docker_host and volumes that begin with a dot.",
        ..ModuleSpec::new(
            "community.docker.docker_container",
            "Manages containers of Docker.",
            &[
                Arg::str("name").required().doc("Name, or the beginning of the id."),
                Arg::str("image").doc("Image by name or id."),
                Arg::str("state")
                    .choices(&["absent", "present", "healthy", "started", "stopped"])
                    .default(Literal::Str("started"))
                    .doc("What is wanted: gone, there, running and healthy, running, or stopped."),
                Arg::bool("cleanup").default(Literal::Bool(false)).doc("With detach=false, remove it after it ran."),
                Arg::dict("comparisons").doc("How options are compared: strict, ignore or allow_more_present."),
                Arg::str("container_default_behavior")
                    .choices(&["compatibility", "no_defaults"])
                    .default(Literal::Str("no_defaults"))
                    .doc("Whether absent options have the defaults of older releases."),
                Arg::str("command_handling")
                    .choices(&["compatibility", "correct"])
                    .default(Literal::Str("correct"))
                    .doc("Whether an empty command counts, and lists stay lists."),
                Arg::str("default_host_ip").doc("Address for ports that name none."),
                Arg::path("env_file").doc("File on the host with variables, one NAME=value a line."),
                Arg::bool("force_kill").aliases(&["forcekill"]).default(Literal::Bool(false)).doc("Kill, do not stop."),
                Arg::float("healthy_wait_timeout")
                    .default(Literal::Float(300.0))
                    .doc("Seconds to wait for health; 0: no end."),
                Arg::str("image_comparison")
                    .choices(&["desired-image", "current-image"])
                    .default(Literal::Str("desired-image"))
                    .doc("Whose defaults count when comparing."),
                Arg::str("image_label_mismatch")
                    .choices(&["ignore", "fail"])
                    .default(Literal::Str("ignore"))
                    .doc("What to do about the image's labels that are not wanted."),
                Arg::str("image_name_mismatch")
                    .choices(&["ignore", "recreate"])
                    .default(Literal::Str("recreate"))
                    .doc("What to do where the container names the same image otherwise."),
                Arg::bool("keep_volumes").default(Literal::Bool(true)).doc("Keep anonymous volumes when removing."),
                Arg::str("kill_signal").doc("Signal of force_kill."),
                Arg::bool("networks_cli_compatible")
                    .default(Literal::Bool(true))
                    .doc("The first network takes the place of the default one."),
                Arg::bool("paused").doc("Whether it is paused."),
                Arg::raw("pull")
                    .default(Literal::Str("missing"))
                    .doc("When the image is pulled: never, missing, always."),
                Arg::str("pull_check_mode_behavior")
                    .choices(&["image_not_present", "always"])
                    .default(Literal::Str("image_not_present"))
                    .doc("When check mode tells of a pull."),
                Arg::bool("recreate").default(Literal::Bool(false)).doc("Make a new one in any case."),
                Arg::float("removal_wait_timeout").doc("Seconds to wait for the old one to be gone."),
                Arg::bool("restart").default(Literal::Bool(false)).doc("Restart it if it runs already."),
            ],
        )
    };
    type Args = Args;
    type Work = Work<Args>;

    fn plan(mut args: Args, host: &dyn Observe, call: &Call) -> Result<Plan<Work<Args>>, Failure> {
        args.complete()?;
        road::plan(args, host, call, manage::manage)
    }

    fn preview(work: &Work<Args>, _: &Call) -> Outcome {
        work.outcome.clone()
    }

    fn apply(work: Work<Args>, host: &mut dyn Change, call: &Call) -> Result<Outcome, Failure> {
        road::apply(&work, host, call, manage::manage)
    }
}

const fn texts(name: &'static str) -> Arg {
    Arg::list(name, ArgType::Str)
}
const DEVICE: Arg = Arg::str("path").required().doc("Device on the host.");
const BPS: &[Arg] = &[DEVICE, Arg::str("rate").required().doc("Bytes a second, such as 1M.")];
const IOPS: &[Arg] = &[DEVICE, Arg::int("rate").required().doc("Operations a second.")];

const OPTIONS: &[Arg] = &[
    Arg::bool("auto_remove").doc("The engine removes it when it ends."),
    Arg::int("blkio_weight").doc("Weight of its input and output."),
    texts("capabilities").doc("Capabilities to add."),
    texts("cap_drop").doc("Capabilities to drop."),
    Arg::str("cgroupns_mode").choices(&["private", "host"]).doc("Namespace of control groups."),
    Arg::str("cgroup_parent").doc("Parent of its control group."),
    Arg::raw("command").doc("Command, as a text or a list."),
    Arg::int("cpu_period").doc("Period of the scheduler."),
    Arg::int("cpu_quota").doc("Quota of the scheduler."),
    Arg::float("cpus").doc("How many CPUs' time it may take."),
    Arg::str("cpuset_cpus").doc("On which CPUs it runs."),
    Arg::str("cpuset_mems").doc("On which nodes of memory it runs."),
    Arg::int("cpu_shares").doc("Weight of its CPU time."),
    Arg::bool("detach").doc("Do not wait for it to end."),
    texts("devices").doc("Devices: HOST[:CONTAINER[:RIGHTS]]."),
    Arg::list("device_read_bps", ArgType::Dict).options(BPS).doc("Limits of reading from devices."),
    Arg::list("device_write_bps", ArgType::Dict).options(BPS).doc("Limits of writing to devices."),
    Arg::list("device_read_iops", ArgType::Dict).options(IOPS).doc("Limits of reads from devices."),
    Arg::list("device_write_iops", ArgType::Dict).options(IOPS).doc("Limits of writes to devices."),
    Arg::list("device_requests", ArgType::Dict)
        .options(&[
            Arg::list("capabilities", ArgType::List).doc("Lists of what the devices can do."),
            Arg::int("count").doc("How many; -1: all."),
            texts("device_ids").doc("Which ones."),
            Arg::str("driver").doc("Driver."),
            Arg::dict("options").doc("Options of the driver."),
        ])
        .doc("Devices that a driver gives, such as GPUs."),
    texts("device_cgroup_rules").doc("Rules for devices."),
    texts("dns_opts").doc("Options of the resolver."),
    texts("dns_servers").doc("Servers of names."),
    texts("dns_search_domains").doc("Domains in which names are looked up."),
    Arg::str("domainname").doc("Its domain."),
    Arg::dict("env").doc("Variables; values are texts."),
    texts("entrypoint").doc("Takes the place of the image's entry point."),
    Arg::dict("etc_hosts").doc("Names with addresses."),
    texts("exposed_ports").aliases(&["exposed", "expose"]).doc("Ports that it opens."),
    texts("groups").doc("Groups that its user is in."),
    Arg::dict("healthcheck")
        .options(&[
            Arg::raw("test").doc("Command that tells of health, as a text or a list."),
            Arg::bool("test_cli_compatible")
                .default(Literal::Bool(false))
                .doc("Without a test, keep the image's and set the other values."),
            Arg::str("interval").doc("Time between tests, such as 1m30s."),
            Arg::str("timeout").doc("Time that a test may take."),
            Arg::int("retries").doc("How many failed tests make it unhealthy."),
            Arg::str("start_period").doc("Time in which failed tests do not count."),
            Arg::str("start_interval").doc("Time between tests in that time."),
        ])
        .doc("How its health is told."),
    Arg::str("hostname").doc("Its host name."),
    Arg::bool("init").doc("Run a small init in it."),
    Arg::bool("interactive").doc("Keep its standard input open."),
    Arg::str("ipc_mode").doc("Namespace of IPC."),
    Arg::str("kernel_memory").doc("Limit of the kernel's memory."),
    Arg::dict("labels").doc("Labels."),
    texts("links").doc("Links to others: NAME[:ALIAS]."),
    Arg::str("log_driver").doc("Driver of its log."),
    Arg::dict("log_options").aliases(&["log_opt"]).doc("Options of that driver."),
    Arg::str("mac_address").doc("Address of its interface."),
    Arg::str("memory").doc("Limit of memory, such as 512M."),
    Arg::str("memory_reservation").doc("Soft limit of memory."),
    Arg::str("memory_swap").doc("Limit of memory and swap; -1 or unlimited: none."),
    Arg::int("memory_swappiness").doc("How much the kernel swaps, 0 to 100."),
    Arg::list("mounts", ArgType::Dict)
        .options(&[
            Arg::str("target").required().doc("Place in the container."),
            Arg::str("source").doc("What is mounted."),
            Arg::str("type")
                .choices(&["bind", "npipe", "tmpfs", "volume", "cluster", "image"])
                .default(Literal::Str("volume"))
                .doc("Kind of mount."),
            Arg::bool("read_only").doc("Whether it cannot be written."),
            Arg::str("consistency").choices(&["default", "consistent", "cached", "delegated"]).doc("Consistency."),
            Arg::str("propagation")
                .choices(&["private", "rprivate", "shared", "rshared", "slave", "rslave"])
                .doc("Propagation of mounts below."),
            Arg::bool("no_copy").doc("Do not copy what is in the target."),
            Arg::dict("labels").doc("Labels of the volume."),
            Arg::str("volume_driver").doc("Driver of the volume."),
            Arg::dict("volume_options").doc("Options of that driver."),
            Arg::str("tmpfs_size").doc("Size."),
            Arg::str("tmpfs_mode").doc("Mode, in octal."),
            Arg::bool("non_recursive").doc("Without mounts below."),
            Arg::bool("create_mountpoint").doc("Make the source if it is missing."),
            Arg::bool("read_only_non_recursive").doc("Read-only without mounts below."),
            Arg::bool("read_only_force_recursive").doc("Read-only with all mounts below."),
            Arg::str("subpath").doc("Path within the volume or image."),
            Arg::list("tmpfs_options", ArgType::Dict).doc("Options, each a mapping of one."),
        ])
        .doc("Mounts."),
    Arg::str("network_mode").doc("Network: bridge, host, none, container:NAME or a network's name."),
    Arg::list("networks", ArgType::Dict)
        .options(&[
            Arg::str("name").required().doc("Name of the network."),
            Arg::str("ipv4_address").doc("Address in it."),
            Arg::str("ipv6_address").doc("Address in it."),
            texts("links").doc("Links: NAME[:ALIAS]."),
            texts("aliases").doc("Other names in it."),
            Arg::str("mac_address").doc("Address of its interface."),
        ])
        .doc("Networks that it is in."),
    Arg::bool("oom_killer").doc("Keep the kernel from ending it for want of memory."),
    Arg::int("oom_score_adj").doc("How readily the kernel ends it."),
    Arg::str("pid_mode").doc("Namespace of processes."),
    Arg::int("pids_limit").doc("How many processes it may have."),
    Arg::bool("privileged").doc("With all rights of the host."),
    Arg::bool("publish_all_ports").doc("Publish all ports that it opens, at free ones."),
    texts("published_ports").aliases(&["ports"]).doc("Ports: [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]."),
    Arg::bool("read_only").doc("Its root cannot be written."),
    Arg::str("restart_policy")
        .choices(&["no", "on-failure", "always", "unless-stopped"])
        .doc("When the engine starts it again."),
    Arg::int("restart_retries").doc("How often, with on-failure."),
    Arg::str("runtime").doc("Runtime."),
    texts("security_opts").doc("Options of security."),
    Arg::str("shm_size").doc("Size of /dev/shm."),
    Arg::str("stop_signal").doc("Signal that stops it."),
    Arg::int("stop_timeout").doc("Seconds until it is killed when stopped."),
    Arg::dict("storage_opts").doc("Options of its storage."),
    Arg::dict("sysctls").doc("Settings of the kernel."),
    texts("tmpfs").doc("File systems in memory: PLACE[:OPTIONS]."),
    Arg::bool("tty").doc("With a terminal."),
    texts("ulimits").doc("Limits: NAME:SOFT[:HARD]."),
    Arg::str("user").doc("User that it runs as."),
    Arg::str("userns_mode").doc("Namespace of users."),
    Arg::str("uts").doc("Namespace of names."),
    Arg::str("volume_driver").doc("Driver of its volumes."),
    texts("volumes").doc("Volumes: [HOST_OR_NAME:]PLACE[:MODE]."),
    texts("volumes_from").doc("Containers whose volumes it has too."),
    Arg::str("working_dir").doc("Directory in which the command runs."),
];
