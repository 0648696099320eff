"""The programs that are compared: how each is installed (into the cache only) and how it is told to do a job."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ANSIBLE = "ansible-core==2.19.14"
MITOGEN = "mitogen==0.3.54"
PYINFRA = "pyinfra==3.10.0"
VOLANT = "0.1.0-alpha.13"


# What a program can be told to do.
@dataclass
class Play:
    file: str
    extra: dict | None = None


@dataclass
class Adhoc:
    module: str
    arguments: str = ""


class Version:
    pass


class ListHosts:
    pass


@dataclass
class Engine:
    """The engine's benchmark: hosts that answer at once, from the same process."""

    hosts: int
    tasks: int


class Tool:
    name = title = ""
    # Whether its first run on new hosts leaves something there that its next run uses.
    leaves = False

    def __init__(self, cache, bench):
        self.cache, self.bench = cache, bench

    def prepare(self):
        """Installs it where that is not done; False where it cannot be had."""
        return True

    def environment(self, work):
        return {}

    def words(self, job, work, forks):
        """The command for a job, or None where it has no words for it."""
        raise NotImplementedError

    def version(self):
        words = self.words(Version(), Path("/nonexistent"), 1)
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
        out = subprocess.run(words, capture_output=True, text=True, env=env)
        return (out.stdout.splitlines() or ["?"])[0]


class AnsibleLike(Tool):
    play = adhoc = []

    def words(self, job, work, forks):
        common = ["-i", work / "inventory", "-f", str(forks)]
        if isinstance(job, Play):
            extra = [w for k, v in (job.extra or {}).items() for w in ("-e", f"{k}={v}")]
            return [*self.play, *common, *extra, self.bench / "plays" / job.file]
        if isinstance(job, Adhoc):
            arguments = ["-a", job.arguments] if job.arguments else []
            return [*self.adhoc, "all", *common, "-m", job.module, *arguments]
        if isinstance(job, ListHosts):
            return [*self.adhoc, "all", "-i", work / "inventory", "--list-hosts"]
        return [*self.play, "--version"] if isinstance(job, Version) else None


class Tightbeam(AnsibleLike):
    name, title, leaves = "tightbeam", "Tightbeam", True

    def __init__(self, cache, bench, program, engine):
        super().__init__(cache, bench)
        self.program, self.engine = program, engine
        self.play, self.adhoc = [program, "play"], [program, "run"]

    def words(self, job, work, forks):
        if isinstance(job, Engine):
            self.engine = self.engine or engine(self.bench.parents[1])
            return [self.engine, str(job.hosts), str(job.tasks)] if self.engine else None
        return [self.program, "--version"] if isinstance(job, Version) else super().words(job, work, forks)

    def environment(self, work):
        return {k: v for k, v in os.environ.items() if k == "TIGHTBEAM_HELPERS_DIR"}


class Ansible(AnsibleLike):
    name, title = "ansible", "ansible-core"
    packages, settings = [ANSIBLE], ""

    def prepare(self):
        self.venv = venv(self.cache, self.name, self.packages)
        self.play, self.adhoc = [self.venv / "bin/ansible-playbook"], [self.venv / "bin/ansible"]
        return True

    def environment(self, work):
        config = work / f"{self.name}.cfg"
        config.write_text(f"[defaults]\n{self.settings}\n[connection]\npipelining = true\n")
        return {"ANSIBLE_CONFIG": str(config)}


class Mitogen(Ansible):
    name, title = "mitogen", "Mitogen"
    packages = [ANSIBLE, MITOGEN]

    def prepare(self):
        super().prepare()
        plugins = next((self.venv / "lib").glob("python3*/site-packages/ansible_mitogen/plugins/strategy"))
        self.settings = f"strategy_plugins = {plugins}\nstrategy = mitogen_linear\n"
        return True


class Volant(AnsibleLike):
    name, title, leaves = "volant", "Volant", True

    def prepare(self):
        root = self.cache / f"volant-{VOLANT}"
        program, agent = root / "bin/volant", root / "bin/volant-agent"
        if not (program.exists() and agent.exists()):
            if not shutil.which("cargo"):
                print("  volant: left out, it needs cargo", flush=True)
                return False
            for crate in ["volant", "volant-agent"]:
                words = ["cargo", "install", crate, "--version", VOLANT, "--locked", "--root", root]
                if subprocess.run([*words, "--target-dir", self.cache / "volant-build"]).returncode:
                    print(f"  volant: left out, {crate} does not build", flush=True)
                    return False
            shutil.rmtree(self.cache / "volant-build", ignore_errors=True)
        # The crate has no agents inside; hosts are of this machine's kind, so its own agent is theirs too.
        machine = os.uname().machine
        for name in [f"volant-agent-{machine}-unknown-linux-musl", f"volant-agent-{machine}-unknown-linux-gnu"]:
            if not (agent.parent / name).exists():
                shutil.copy(agent, agent.parent / name)
        # Modules that it has not itself are ansible-core's, run by a Python that has it.
        self.python = venv(self.cache, "ansible", [ANSIBLE]) / "bin/python"
        self.agents = agent.parent
        self.play, self.adhoc = [program, "playbook"], [program, "adhoc"]
        self.program = program
        return True

    def words(self, job, work, forks):
        return [self.program, "--version"] if isinstance(job, Version) else super().words(job, work, forks)

    def environment(self, work):
        return {"VOLANT_AGENT_DIR": str(self.agents), "VOLANT_PYTHON": str(self.python)}


class Pyinfra(Tool):
    name, title = "pyinfra", "pyinfra"
    deploys = {"site.yml": "site.py", "loop.yml": "loop.py", "tree.yml": "tree.py", "big.yml": "big.py"}

    def prepare(self):
        self.program = venv(self.cache, self.name, [PYINFRA]) / "bin/pyinfra"
        return True

    def words(self, job, work, forks):
        common = [self.program, "-y", "--parallel", str(forks), work / "inventory.py"]
        if isinstance(job, Play) and job.file in self.deploys:
            data = [w for k, v in (job.extra or {}).items() for w in ("--data", f"{k}={v}")]
            return [*common, *data, self.bench / "plays/pyinfra" / self.deploys[job.file]]
        if isinstance(job, Adhoc) and job.module == "command":
            return [*common, "exec", "--", *shlex.split(job.arguments)]
        if isinstance(job, Version):
            return [self.program, "--version"]
        return None


def engine(repository):
    """The engine's benchmark, built."""
    if not shutil.which("cargo"):
        print("  the engine's benchmark is left out, it needs cargo", flush=True)
        return None
    words = ["cargo", "bench", "--no-run", "--bench", "engine", "--message-format", "json"]
    built = subprocess.run(words, cwd=repository, stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = (json.loads(line) for line in built.splitlines())
    return next(m["executable"] for m in lines if m.get("executable") and m["target"]["name"] == "engine")


def venv(cache, name, packages):
    """A virtual environment with these packages."""
    place, mark = cache / name, cache / name / "packages"
    wanted = " ".join(packages)
    if not mark.exists() or mark.read_text() != wanted:
        print(f"  installing {wanted}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages], check=True)
        mark.write_text(wanted)
    return place


PEERS = {tool.name: tool for tool in [Ansible, Mitogen, Pyinfra, Volant]}
