//! Process 1 of a host: makes its file system, gives up what could change the machine, starts the server, reaps.

use super::{Place, fault, files, minimal, mounts, overlay};
use crate::sandbox::SandboxError;
use rustix::process::{Signal, WaitOptions};
use rustix::thread::{CapabilitySet, UnshareFlags, unshare_unsafe};
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};

/// What root on a host cannot do, because it would reach the machine: its clock, modules, network settings, devices, log.
/// This guards against playbooks that mean no harm; it is no jail for programs that do.
const WITHHELD: [CapabilitySet; 16] = [
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::SYS_TIME,
    CapabilitySet::SYS_BOOT,
    CapabilitySet::NET_ADMIN,
    CapabilitySet::MKNOD,
    CapabilitySet::SYSLOG,
    CapabilitySet::MAC_ADMIN,
    CapabilitySet::MAC_OVERRIDE,
    CapabilitySet::AUDIT_CONTROL,
    CapabilitySet::AUDIT_READ,
    CapabilitySet::WAKE_ALARM,
    CapabilitySet::BLOCK_SUSPEND,
    CapabilitySet::BPF,
    CapabilitySet::PERFMON,
    CapabilitySet::DAC_READ_SEARCH,
];

/// `mapped`: in a user namespace in which only our own user exists, as root.
pub(super) fn run(place: &Place, mapped: bool) -> Result<ExitCode, SandboxError> {
    // Should `outer` be killed, we go at once, and everything in the namespace with us.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| fault("prctl", e))?;
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let flags = UnshareFlags::NEWNS | UnshareFlags::NEWUTS | UnshareFlags::NEWIPC;
    // SAFETY: the table of file descriptors stays shared (no UnshareFlags::FILES), which is all that can go wrong.
    unsafe { unshare_unsafe(flags) }.map_err(|e| not_allowed("namespaces", e))?;
    std::thread::spawn(end_with_parent);

    let identity = files::Identity::read(place)?;
    let machine = mounts::read()?;
    mounts::make_private()?;
    let root = if mapped { minimal::build(place)? } else { overlay::build(place, &machine)? };
    mounts::kernel_views(&root, mapped)?;
    files::personalise(&root, place, &identity, mapped)?;
    mounts::enter(&root)?;
    rustix::system::sethostname(place.name.as_bytes()).map_err(|e| fault("the host's name cannot be set", e))?;
    for capability in WITHHELD {
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let _ = rustix::thread::set_name(c"init");

    let server = Command::new("/proc/self/exe")
        .args(place.arguments("server"))
        .env("PATH", super::super::server::PATH)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|e| fault("the host's SSH server cannot be started", e))?;
    silence()?;
    Ok(reap(server.id()))
}

/// What is refused here although `outer` got its namespaces: some systems give out user namespaces without rights.
pub(super) fn not_allowed(what: &str, error: rustix::io::Errno) -> SandboxError {
    SandboxError::new(
        format!("the kernel refuses {what} to the sandbox ({error})"),
        "run as root (in a container: --privileged), on Ubuntu also sysctl kernel.apparmor_restrict_unprivileged_userns=0, \
         or use a host with sshd",
    )
}

/// Waits for the end of the pipe that the starting process holds, then ends the host.
fn end_with_parent() {
    let mut rest = [0; 16];
    while matches!(std::io::stdin().read(&mut rest), Ok(n) if n > 0) {}
    std::process::exit(0);
}

/// Keeps the standard output for the server alone, so that its end is heard.
fn silence() -> Result<(), SandboxError> {
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").map_err(|e| fault("/dev/null", e))?;
    rustix::stdio::dup2_stdout(&null).map_err(|e| fault("/dev/null", e))
}

/// Takes the exit status of every process that has no parent any more, until the server ends.
fn reap(server: u32) -> ExitCode {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get().cast_unsigned() == server => {
                return ExitCode::from(u8::from(status.exit_status() != Some(0)));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return ExitCode::FAILURE,
        }
    }
}
