"""Throwaway hosts: each an sshd of its own that is process 1 of its own namespaces, on a copy-on-write root.

The root is an overlay of this machine's, without what is in people's homes; what a host changes is kept in memory. A
converged state is kept as layers, one per host, that a host can be started upon.
"""

import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

from . import kernel

CONFIG = """\
Port {port}
ListenAddress {address}
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
StrictModes no
UsePAM no
UseDNS no
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
LogLevel ERROR
Subsystem sftp internal-sftp
"""
DEVICES = ["null", "zero", "full", "random", "urandom", "tty"]


def sshd():
    found = shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/sbin")
    if not found:
        raise SystemExit("OpenSSH's server is needed (Debian: apt install openssh-server openssh-client)")
    return found


class Host:
    def __init__(self, fleet, number):
        self.fleet = fleet
        self.name = f"h{number:04}"
        self.address = f"127.{fleet.net}.{number // 250}.{number % 250 + 1}"
        self.pid = None
        self.generation = 0

    @property
    def files(self):
        return self.fleet.dir / "hosts" / f"{self.name}.{self.generation}"

    def start(self, layer=None):
        """Starts it anew: on this machine's files, or on those and a kept layer."""
        self.stop()
        self.generation += 1
        upper = self.files / "upper"
        for path in [upper, self.files / "work", self.files / "root"]:
            path.mkdir(parents=True)
        lower = "/"
        if layer:
            lower = f"{self.fleet.dir}/layers/{layer}/{self.name}:/"
        else:
            hidden(upper / "root", 0o700)
            hidden(upper / "home", 0o755)
        shutil.copystat("/", upper)
        log = os.open(self.fleet.dir / "sshd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        pid = kernel.clone()
        if pid == 0:
            try:
                self.become_host(lower, log)
            except BaseException as error:
                os.write(log, f"{self.name}: {error}\n".encode())
            os._exit(1)
        os.close(log)
        self.pid = pid

    def become_host(self, lower, log):
        """In the child, which is process 1 of the host: makes the files and turns into sshd."""
        kernel.end_with_parent()
        root = str(self.files / "root")
        # Read here: afterwards this machine's files are out of sight.
        keys = {name: (self.fleet.dir / "keys" / name).read_bytes() for name in ["host", "host.pub", "user.pub"]}
        kernel.mount("overlay", root, "overlay", 0, f"lowerdir={lower},upperdir={self.files}/upper,workdir={self.files}/work")
        kernel.mount("proc", f"{root}/proc", "proc", kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)
        kernel.mount("/sys", f"{root}/sys", None, kernel.BIND | kernel.REC)
        kernel.mount(None, f"{root}/sys", None, kernel.REMOUNT | kernel.BIND | kernel.READ_ONLY)
        for place, options in [("dev", "mode=755"), ("run", "mode=755"), ("tmp", "mode=1777"), ("root", "mode=700")]:
            kernel.mount("tmpfs", f"{root}/{place}", "tmpfs", kernel.NOSUID, options)
        for device in DEVICES:
            Path(root, "dev", device).touch()
            kernel.mount(f"/dev/{device}", f"{root}/dev/{device}", None, kernel.BIND)
        os.mkdir(f"{root}/dev/pts")
        kernel.mount("devpts", f"{root}/dev/pts", "devpts", 0, "newinstance,ptmxmode=666,mode=620")
        os.symlink("pts/ptmx", f"{root}/dev/ptmx")
        os.symlink("/proc/self/fd", f"{root}/dev/fd")
        os.mkdir(f"{root}/dev/shm")
        os.chmod(f"{root}/dev/shm", 0o1777)
        os.makedirs(f"{root}/run/sshd", 0o755)
        os.makedirs(f"{root}/run/keys", 0o755)
        for name, text in keys.items():
            with open(f"{root}/run/keys/{name}", "wb") as out:
                os.fchmod(out.fileno(), 0o600)
                out.write(text)
        with open(f"{root}/run/sshd_config", "w") as out:
            out.write(CONFIG.format(port=self.fleet.port, address=self.address, keys="/run/keys"))
        program = os.path.realpath(self.fleet.sshd)
        kernel.enter(root)
        kernel.host_name(self.name)
        null = os.open("/dev/null", os.O_RDWR)
        for number, fd in [(0, null), (1, null), (2, log)]:
            os.dup2(fd, number)
        os.closerange(3, 256)
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGPIPE]:
            signal.signal(number, signal.SIG_DFL)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        os.execve(program, [program, "-D", "-e", "-f", "/run/sshd_config"], {"PATH": path, "LANG": "C.UTF-8"})

    def wait(self, until):
        while True:
            try:
                with socket.create_connection((self.address, self.fleet.port), timeout=5) as s:
                    if s.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            ended = os.waitpid(self.pid, os.WNOHANG)[0]
            if ended or time.monotonic() > until:
                if ended:
                    self.pid = None
                tail = (self.fleet.dir / "sshd.log").read_text()[-1500:]
                raise SystemExit(f"{self.name} ({self.address}:{self.fleet.port}) does not answer\n{tail}")
            time.sleep(0.01)

    def end(self):
        """Process 1 ends, and the kernel ends everything in its namespace with it."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    def stop(self):
        if self.pid is not None:
            self.end()
            os.waitpid(self.pid, 0)
            self.pid = None
            shutil.rmtree(self.files, ignore_errors=True)

    def keep(self, layer):
        """Ends the host and keeps what it changed as a layer."""
        place = self.fleet.dir / "layers" / layer / self.name
        place.parent.mkdir(parents=True, exist_ok=True)
        self.end()
        os.waitpid(self.pid, 0)
        self.pid = None
        (self.files / "upper").rename(place)
        shutil.rmtree(self.files, ignore_errors=True)

    def state(self, places):
        """What there is in some places of the host: name → kind, mode, owner and content."""
        root = f"/proc/{self.pid}/root"
        found = {}
        for place in places:
            add_state(found, root, place)
        return found


def add_state(found, root, path):
    try:
        meta = os.lstat(root + path)
    except FileNotFoundError:
        found[path] = "none"
        return
    head = f"{stat.filemode(meta.st_mode)} {meta.st_uid}:{meta.st_gid}"
    if stat.S_ISLNK(meta.st_mode):
        found[path] = f"{head} -> {os.readlink(root + path)}"
    elif stat.S_ISDIR(meta.st_mode):
        found[path] = head
        for name in sorted(os.listdir(root + path)):
            add_state(found, root, f"{path}/{name}")
    else:
        with open(root + path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path] = f"{head} {meta.st_size} {digest[:16]}"


def hidden(path, mode):
    """A directory of an upper layer that hides the one below it."""
    path.mkdir()
    path.chmod(mode)
    os.setxattr(path, "trusted.overlay.opaque", b"y")


class Fleet:
    """Hosts of one machine. `dir` is on a tmpfs of this process's own."""

    def __init__(self, dir, net, port):
        self.dir, self.net, self.port = dir, net, port
        self.sshd = sshd()
        self.hosts = []
        keys = dir / "keys"
        keys.mkdir(parents=True)
        for name in ["host", "user"]:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", keys / name], check=True)

    def reset(self, count, layer=None):
        """`count` hosts, all as new."""
        for host in self.hosts:
            host.end()
        for host in self.hosts[count:]:
            host.stop()
        del self.hosts[count:]
        while len(self.hosts) < count:
            self.hosts.append(Host(self, len(self.hosts) + 1))
        for host in self.hosts:
            host.start(layer)
        until = time.monotonic() + 30 + count / 10
        for host in self.hosts:
            host.wait(until)

    def keep(self, layer):
        for host in self.hosts:
            host.keep(layer)
        self.hosts.clear()

    def state(self, places):
        return {host.name: host.state(places) for host in self.hosts}

    def stop(self):
        for host in self.hosts:
            host.end()
        for host in self.hosts:
            host.stop()
        self.hosts.clear()

    def inventory(self, addresses=None):
        """Ansible's INI, and the known host keys for it, as two texts. `addresses`: where the hosts are seen instead."""
        public = (self.dir / "keys/host.pub").read_text().strip()
        lines, known = ["[hosts]"], []
        for host in self.hosts:
            address, port = addresses[host.name] if addresses else (host.address, self.port)
            lines.append(f"{host.name} ansible_host={address}")
            known.append(f"[{address}]:{port} {public}")
        port = next(iter(addresses.values()))[1] if addresses else self.port
        lines += [
            "", "[hosts:vars]", f"ansible_port={port}", "ansible_user=root", "ansible_python_interpreter=/usr/bin/python3",
            f"ansible_ssh_private_key_file={self.dir}/keys/user",
            f"ansible_ssh_common_args='-o StrictHostKeyChecking=yes -o UserKnownHostsFile={self.dir}/known_hosts'",
        ]
        return "\n".join(lines) + "\n", "\n".join(known) + "\n"
