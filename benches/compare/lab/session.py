"""Runs the cells: hosts up, every program in turn, again and again; judges what each did and collects the figures."""

import json
import os
import platform
import shutil
import statistics
import time

from . import measure, report, workloads
from .delay import Forwarder
from .hosts import Fleet
from .peers import Adhoc


class Result:
    """What one program did in one cell."""

    def __init__(self):
        self.first, self.again = [], []  # samples: on new hosts, and once more
        self.faults, self.state, self.recap, self.used = [], None, None, 0.0

    @staticmethod
    def of(samples):
        good = [s for s in samples if not s.fault]
        return statistics.median(s.seconds for s in good) if good else None

    def data(self):
        keep = {"seconds_first": self.of(self.first), "seconds": self.of(self.again), "faults": self.faults}
        for name in ["first", "again"]:
            keep[f"runs_{name}"] = [s.data() for s in getattr(self, name)]
        return keep


class Session:
    def __init__(self, args, tools, work):
        self.args, self.tools, self.work = args, tools, work
        self.fleet = Fleet(work, 77, args.port)
        self.forwarder = None
        self.layers = set()
        self.results = []
        (args.out / "logs").mkdir(exist_ok=True)
        path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        self.env = {"PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", "NO_COLOR": "1", "ANSIBLE_TIMEOUT": "120"}

    def run(self):
        content = self.work / "content"
        cells = [c for c in workloads.cells(self.args.hosts, content) if not self.args.only or c.workload in self.args.only]
        if any(c.workload == "W5" for c in cells):
            workloads.make_content(content)
        self.facts = {
            "time": time.strftime("%Y-%m-%d %H:%M:%S %z"), "kernel": platform.release(), "machine": platform.machine(),
            "processors": os.cpu_count(), "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "load": os.getloadavg(), "programs": {t.name: t.version() for t in self.tools},
            "runs": self.args.runs, "forks": self.args.forks,
        }
        print(report.setting(self.facts), flush=True)
        try:
            for cell in cells:
                self.cell(cell)
                self.write()
        finally:
            self.write()
        print()
        print(report.setting(self.facts))
        print(report.table(self.results, self.tools))
        print(f"\n{self.args.out}/results.json, results.svg, logs/")
        return int(any(result.faults for _, found in self.results for result in found.values()))

    def write(self):
        data = {"setting": self.facts, "results": []}
        for cell, found in self.results:
            head = {"workload": cell.workload, "title": cell.title, "hosts": cell.hosts or cell.listed, "delay_ms": cell.delay}
            data["results"].append({**head, "programs": {name: r.data() for name, r in found.items()}})
        (self.args.out / "results.json").write_text(json.dumps(data, indent=1) + "\n")
        (self.args.out / "results.svg").write_text(report.picture(self.results, self.tools, self.facts))
        (self.args.out / "results.txt").write_text(
            f"{report.setting(self.facts)}\n\n{report.table(self.results, self.tools)}\n"
        )

    # --- hosts

    def hosts(self, cell):
        """New hosts for a cell, and the inventory that leads to them."""
        self.fleet.reset(cell.hosts, cell.layer)
        if cell.delay and not self.forwarder:
            self.forwarder = Forwarder(self.fleet.hosts, 78, self.args.port)
            self.forwarder.set(cell.delay)
        self.inventory(self.forwarder.addresses if cell.delay else None)

    def inventory(self, addresses):
        text, known = self.fleet.inventory(addresses)
        (self.work / "inventory").write_text(text)
        (self.work / "known_hosts").write_text(known)
        rows = []
        for host in self.fleet.hosts:
            address, port = addresses[host.name] if addresses else (host.address, host.fleet.port)
            rows.append((host.name, {
                "ssh_hostname": address, "ssh_port": port, "ssh_user": "root", "ssh_key": str(self.work / "keys/user"),
                "ssh_known_hosts_file": str(self.work / "known_hosts"), "ssh_strict_host_key_checking": "yes",
            }))
        (self.work / "inventory.py").write_text(f"hosts = {rows!r}\n")

    def make_layer(self, name, count):
        """Hosts that have what a play makes, as a state that others can start with."""
        if name in self.layers:
            shutil.rmtree(self.work / "layers" / name)
        cell = workloads.Cell("layer", name, workloads.LAYERS[name], count, fresh=True, changes=True)
        print(f"  {count} hosts are brought to the state to start with", flush=True)
        self.hosts(cell)
        sample = self.once(cell, self.tools[0], "layer")
        if sample.fault:
            raise SystemExit(f"the state of {name} cannot be made: {sample.fault}\n{measure.tail(sample.output, 30)}")
        self.sweep()
        self.fleet.keep(name)
        self.layers.add(name)

    # --- one cell

    def cell(self, cell):
        tools = [t for t in self.tools if not cell.only or t.name in cell.only]
        tools = [t for t in tools if t.words(cell.job, self.work, 1)]
        if not tools:
            return
        print(f"{cell.name}, {cell.hosts or cell.listed or 'no'} hosts", flush=True)
        if cell.layer and not all((self.work / "layers" / cell.layer / f"h{n:04}").exists() for n in (1, cell.hosts)):
            self.make_layer(cell.layer, cell.hosts)
        if cell.hosts:
            self.hosts(cell)
        else:
            (self.work / "inventory").write_text(workloads.listed_inventory(cell.listed) if cell.listed else "localhost\n")
        found = {tool.name: Result() for tool in tools}
        self.results.append((cell, found))
        try:
            for number in range(self.args.runs):
                turn = number % len(tools)
                for tool in tools[turn:] + tools[:turn]:
                    result = found[tool.name]
                    if result.used < self.args.budget and len(result.faults) < 2:
                        begin = time.monotonic()
                        self.turn(cell, tool, result, number + 1)
                        self.sweep()
                        result.used += time.monotonic() - begin
        finally:
            if self.forwarder:
                self.forwarder.stop()
                self.forwarder = None
        self.compare(cell, found)
        print(report.table([(cell, found)], self.tools), flush=True)

    def turn(self, cell, tool, result, number):
        """One program's turn: on new hosts, and again where it left something there."""
        home = self.work / "home" / tool.name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        hosts = bool(cell.hosts)
        if hosts and (tool.leaves or cell.fresh):
            self.hosts(cell)
            sample = self.once(cell, tool, f"first {number}")
            self.add(cell, tool, result, result.first, sample)
            if not tool.leaves:
                result.again.append(sample)
                return
            if cell.fresh:
                self.hosts(cell)
                ping = workloads.Cell("ping", "", Adhoc("ping"), cell.hosts, delay=cell.delay)
                self.command(ping, tool, f"{tool.name}-ping")
            if sample.fault:
                return
        self.add(cell, tool, result, result.again, self.once(cell, tool, f"again {number}"))
        if not (hosts and tool.leaves):
            result.first.append(result.again[-1])

    def once(self, cell, tool, label):
        if self.forwarder:
            self.forwarder.set(cell.delay)
        log = f"{cell.workload}-{cell.title}-{cell.hosts}-{tool.name}-{label}".replace(" ", "_").replace("/", "_").replace(",", "")
        sample = self.command(cell, tool, log)
        sample.fault = workloads.judge(cell, tool, sample)
        if self.forwarder:
            counts = self.forwarder.set(cell.delay).values()
            sample.exchanges = {
                key: round(sum(c[key] for c in counts) / cell.hosts, 1) for key in ["connections", "exchanges", "up", "down"]
            }
        line = f"    {tool.name:<10} {label:<8} {sample.seconds:9.3f} s  {sample.processor:8.2f} s cpu"
        if sample.exchanges:
            line += f"  {sample.exchanges['connections']:g} connections, {sample.exchanges['exchanges']:g} exchanges per host"
        print(line + (f"  {sample.fault}" if sample.fault else ""), flush=True)
        if sample.fault:
            print(measure.tail(sample.output), flush=True)
        return sample

    def command(self, cell, tool, log):
        home = self.work / "home" / tool.name
        for name in ["tmp", "run"]:
            (home / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        env = {**self.env, **tool.environment(self.work), "HOME": str(home), "TMPDIR": str(home / "tmp"), "XDG_RUNTIME_DIR": str(home / "run")}
        forks = min(max(cell.hosts or cell.listed, 1), self.args.forks)
        words = tool.words(cell.job, self.work, forks)
        return measure.run(words, env, self.work, self.args.out / "logs" / f"{log}.txt", self.args.limit)

    def sweep(self):
        """Ends what programs left running here: open connections."""
        hosts = {host.pid for host in self.fleet.hosts}
        measure.sweep(hosts | {self.forwarder.pid} if self.forwarder else hosts)

    def add(self, cell, tool, result, samples, sample):
        samples.append(sample)
        if sample.fault:
            result.faults.append(sample.fault)
            return
        result.recap = measure.recap(sample.output) or None
        if cell.watch:
            state = self.fleet.state(cell.watch)
            if result.state and state != result.state:
                result.faults.append("two runs of it left hosts in different states: " + difference(result.state, state))
            result.state = state

    def compare(self, cell, found):
        """Whoever did not do the same work as the reference has no figure."""
        reference = next((n for n in ["ansible", "mitogen", "tightbeam"] if n in found and found[n].state), None)
        for name, result in found.items():
            if result.state and result.state != found[reference].state:
                result.faults.append(f"hosts are not as {reference} leaves them: {difference(found[reference].state, result.state)}")
        reference = next((n for n in ["ansible", "mitogen", "tightbeam"] if n in found and found[n].recap), None)
        for name, result in found.items():
            if result.recap and result.recap != found[reference].recap:
                host = next(h for h in result.recap if result.recap[h] != found[reference].recap.get(h))
                words = f"recap of {host}: {result.recap[host]}, {reference}: {found[reference].recap.get(host)}"
                result.faults.append(words)
        for name, result in found.items():
            for fault in dict.fromkeys(result.faults):
                print(f"    {name}: {fault}", flush=True)

    def stop(self):
        if self.forwarder:
            self.forwarder.stop()
            self.forwarder = None
        self.fleet.stop()
        measure.sweep(set())


def difference(a, b):
    told = []
    for host in a:
        for path in sorted(a[host].keys() | b.get(host, {}).keys()):
            left, right = a[host].get(path, "none"), b.get(host, {}).get(path, "none")
            if left != right:
                told.append(f"{host} {path}: {left} / {right}")
    return "; ".join(told[:4]) + (f"; and {len(told) - 4} more" if len(told) > 4 else "")
