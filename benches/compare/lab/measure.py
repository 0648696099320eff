"""Runs one command and tells what it cost: the clock, the processor, memory."""

import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field

# A run is ended when this machine has less memory left than this.
LEAST_MEMORY = 700 << 20


@dataclass
class Sample:
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0  # the most that its processes had together, as far as samples tell (PSS: shared pages are counted once)
    code: int = 0
    load: float = 0.0
    fault: str = ""
    output: str = field(default="", repr=False)
    exchanges: dict | None = None

    def data(self):
        return {k: v for k, v in vars(self).items() if k != "output" and v not in (None, "")}


def available_memory():
    for line in open("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 1 << 62


def run(words, env, cwd, log, limit):
    sample = Sample(load=os.getloadavg()[0])
    with open(log, "w+", errors="replace") as out:
        begin = time.perf_counter()
        child = subprocess.Popen(
            [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd,
            start_new_session=True,
        )
        try:
            handle = os.pidfd_open(child.pid)
            ready = select.poll()
            ready.register(handle, select.POLLIN)
            pause = 0.02
            while not ready.poll(pause * 1000):
                looked = time.perf_counter()
                sample.memory = max(sample.memory, memory(child.pid))
                # Seldom enough not to be noticed in the figures.
                pause = min(max(pause * 1.5, 30 * (time.perf_counter() - looked)), 3)
                if time.perf_counter() - begin > limit:
                    sample.fault = f"ended after {limit:.0f} s"
                elif available_memory() < LEAST_MEMORY:
                    sample.fault = "ended: no memory was left on this machine"
                if sample.fault:
                    os.kill(child.pid, signal.SIGKILL)
            os.close(handle)
            sample.seconds = time.perf_counter() - begin
        finally:
            os.kill(child.pid, signal.SIGKILL)  # where this program was interrupted; what it had started is swept
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        sample.output = out.read()
    sample.processor = used.ru_utime + used.ru_stime
    sample.code = child.returncode
    return sample


def children():
    """Parent → its children, of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            found.setdefault(parent, []).append(int(name))
    return found


def memory(pid):
    """What a process and its descendants have."""
    total, of, stack = 0, children(), [pid]
    while stack:
        pid = stack.pop()
        stack += of.get(pid, [])
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total


def sweep(keep):
    """Ends all children of this process but some; orphans are children too (`kernel.adopt_orphans`)."""
    while left := [pid for pid in children().get(os.getpid(), []) if pid not in keep]:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        for pid in left:
            os.waitpid(pid, 0)


RECAP = re.compile(r"^(\S+)\s*: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)(?:\s+skipped=(\d+))?", re.M)


def recap(output):
    """Host → ok, changed, unreachable, failed, skipped, from the words at a run's end."""
    output = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return {m[1]: tuple(int(n or 0) for n in m.groups()[1:]) for m in RECAP.finditer(output)}


def tail(text, lines=12):
    return "\n".join("    | " + line for line in text.rstrip().splitlines()[-lines:])
