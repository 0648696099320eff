"""What is run: the cells of the table, each a job on a number of hosts."""

import random
import re
from dataclasses import dataclass, field

from .measure import recap
from .peers import Adhoc, Engine, ListHosts, Play, Version

SITE = ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/profile", "/etc/site", "/home", "/opt/site", "/srv/site"]


@dataclass
class Cell:
    workload: str
    title: str
    job: object
    hosts: int = 0
    layer: str | None = None  # the kept state that the hosts start with
    fresh: bool = False  # hosts are made anew for every run
    changes: bool | None = None  # whether a run must change something
    watch: list = field(default_factory=list)  # what of the hosts must be equal afterwards
    delay: int = 0  # added round trip, ms
    listed: int = 0  # hosts that are only in the inventory
    only: list | None = None

    @property
    def name(self):
        return f"{self.workload} {self.title}"


def cells(hosts, content):
    """All cells; `hosts` replaces every number of hosts."""
    n = lambda usual: hosts or usual
    site = Play("site.yml")
    tree, big = Play("tree.yml", {"content": content}), Play("big.yml", {"content": content})
    found = [
        Cell("W1", "converged role of 50 tasks", site, n(10), layer="site", changes=False, watch=SITE),
        Cell("W2", "the role from scratch", site, n(10), fresh=True, changes=True, watch=SITE),
        Cell("W3", "loop of 100 items", Play("loop.yml"), n(10), layer="loop", changes=False, watch=["/srv/tenants"]),
        Cell("W4", "facts", Play("facts.yml"), n(50), changes=False),
        Cell("W5", "tree of 1,000 files", tree, n(3), fresh=True, changes=True, watch=["/srv/tree"]),
        Cell("W5", "file of 200 MB", big, n(3), fresh=True, changes=True, watch=["/srv/big"]),
    ]
    for count in [hosts] if hosts else [10, 200, 1000]:
        found.append(Cell("W6", "ad-hoc command", Adhoc("command", "uname -s"), count))
    for delay in [50, 200]:
        for count in [hosts] if hosts else [1, 10]:
            found.append(
                Cell("W7", f"W1 at {delay} ms", site, count, layer="site", changes=False, watch=SITE, delay=delay)
            )
    one = n(1)
    found += [
        Cell("W7", "ad-hoc command at 200 ms", Adhoc("command", "uname -s"), one, delay=200),
        Cell("W7", "loop of 100 items at 200 ms", Play("loop.yml"), one, layer="loop", changes=False, delay=200),
        Cell("W7", "50 independent tasks at 200 ms", Play("independent.yml"), one, delay=200),
    ]
    listed = n(1000)
    found += [
        Cell("W8", "--version", Version()),
        Cell("W8", "--list-hosts, 20,000 hosts", ListHosts(), listed=20_000),
        Cell("W8", "debug on localhost", Play("local.yml")),
        Cell("W9", "50 tasks without a connection", Play("controller.yml"), listed=listed, only=["tightbeam", "volant"]),
        Cell("W9", "50 tasks, scripted hosts", Engine(listed, 50), listed=listed),
    ]
    return found


LAYERS = {"site": Play("site.yml"), "loop": Play("loop.yml")}


def make_content(place):
    """What W5 copies: the same bytes every time."""
    source = random.Random(1)
    for number in range(1000):
        path = place / "tree" / f"part{number % 20:02}" / f"file{number:04}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.randbytes(source.randrange(100, 4000)))
        path.chmod(0o755 if number % 10 == 0 else 0o644)
    with open(place / "big", "wb") as out:
        for _ in range(200):
            out.write(source.randbytes(1 << 20))


def listed_inventory(count):
    """An inventory in groups, of hosts that do not exist."""
    lines = []
    for group in range(0, count, 100):
        lines.append(f"[rack{group // 100:03}]")
        lines += [f"node{i:05} ansible_host=10.{i >> 16}.{i >> 8 & 255}.{i & 255} unit={i % 48}" for i in range(group, min(group + 100, count))]
    return "\n".join(lines) + "\n"


def judge(cell, tool, sample):
    """Why a run does not count, or nothing."""
    if sample.fault:
        return sample.fault
    if sample.code:
        return f"ended with {sample.code}"
    lines = sample.output.splitlines()
    count = cell.hosts or cell.listed
    if isinstance(cell.job, Adhoc):
        told = sum(bool(re.search(r"(^|\s)Linux$", line)) for line in lines)
        return "" if told >= count else f"{told} of {count} hosts answered"
    if isinstance(cell.job, ListHosts):
        told = sum(line.strip().startswith("node") for line in lines)
        return "" if told == count else f"{told} of {count} hosts listed"
    if isinstance(cell.job, Engine):
        return "" if f" {cell.job.hosts * cell.job.tasks} results" in sample.output else "not all results came"
    if isinstance(cell.job, Version) or tool.name == "pyinfra":
        return ""  # pyinfra has no such recap: its hosts' state is compared
    found = recap(sample.output)
    if len(found) != (count or 1):
        return f"{len(found)} of {count or 1} hosts in the recap"
    for host, (ok, changed, unreachable, failed, _) in found.items():
        if failed or unreachable:
            return f"{host}: failed={failed} unreachable={unreachable}"
        if cell.changes is not None and bool(changed) != cell.changes:
            return f"{host}: changed={changed}"
        if not ok:
            return f"{host}: nothing was done"
    return ""
