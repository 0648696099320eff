"""A TCP forwarder on loopback, as a process of its own, that holds what it gets for half a round trip in each direction.

A connection's own handshake costs what it costs on a real line: the server sees it a round trip and a half after the client
asked. It counts connections and exchanges: how often the client said something after the server had.
"""

import heapq
import json
import os
import selectors
import socket
import sys
import time

from . import kernel

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class End:
    """One side of a connection."""

    def __init__(self, sock):
        self.sock, self.pending, self.open, self.closing = sock, bytearray(), True, False


class Connection:
    def __init__(self, loop, sock, host):
        self.loop, self.host = loop, host
        self.client, self.server = End(sock), End(None)
        self.begun = time.monotonic() + 1.5 * loop.delay
        self.last = None
        loop.count(host, connections=1)
        loop.watch(self.client.sock, READ, lambda mask: self.ready(self.client, mask))
        loop.at(self.begun, self.connect)

    def connect(self):
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.connect(self.loop.targets[self.host])  # on this machine: at once
        except OSError:
            return self.drop()
        sock.setblocking(False)
        self.server.sock = sock
        self.loop.watch(sock, READ, lambda mask: self.ready(self.server, mask))
        self.flush(self.server)

    def ready(self, end, mask):
        if mask & WRITE:
            self.flush(end)
        if not mask & READ or end.sock is None:
            return
        try:
            data = end.sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            return self.drop()
        to = self.server if end is self.client else self.client
        if data:
            side = "client" if end is self.client else "server"
            self.loop.count(self.host, **{"up" if side == "client" else "down": len(data)})
            if side == "client" and self.last != "client":
                self.loop.count(self.host, exchanges=1)
            self.last = side
        else:
            end.open = False
            self.interest(end)
        due = max(time.monotonic() + self.loop.delay / 2, self.begun if to is self.server else 0)
        self.loop.at(due, lambda: self.arrive(to, data))

    def arrive(self, to, data):
        to.pending += data
        to.closing |= not data
        self.flush(to)

    def flush(self, to):
        if to.sock is None:
            return
        try:
            while to.pending:
                del to.pending[: to.sock.send(to.pending)]
        except BlockingIOError:
            pass
        except OSError:
            return self.drop()
        if to.closing and not to.pending:
            if not self.client.open and not self.server.open:
                return self.drop()
            try:
                to.sock.shutdown(socket.SHUT_WR)
            except OSError:
                return self.drop()
            to.closing = False
        self.interest(to)

    def interest(self, end):
        self.loop.change(end.sock, (READ if end.open else 0) | (WRITE if end.pending else 0))

    def drop(self):
        for end in (self.client, self.server):
            if end.sock is not None:
                self.loop.change(end.sock, 0)
                end.sock.close()
                end.sock = None


class Loop:
    def __init__(self, targets, listeners, control):
        self.targets, self.control = targets, control
        self.delay, self.counts, self.timers, self.number = 0.0, {}, [], 0
        self.selector = selectors.DefaultSelector()
        self.callbacks = {}
        for host, listener in listeners.items():
            self.watch(listener, READ, lambda mask, host=host, listener=listener: self.accept(host, listener))
        self.watch(control, READ, lambda mask: self.command())

    def watch(self, sock, mask, callback):
        self.callbacks[sock] = callback
        self.selector.register(sock, mask)

    def change(self, sock, mask):
        if sock is None:
            return
        known = sock in self.selector.get_map()
        if mask and known:
            self.selector.modify(sock, mask)
        elif mask:
            self.selector.register(sock, mask)
        elif known:
            self.selector.unregister(sock)

    def at(self, when, action):
        self.number += 1
        heapq.heappush(self.timers, (when, self.number, action))

    def count(self, host, **more):
        counts = self.counts.setdefault(host, {"connections": 0, "exchanges": 0, "up": 0, "down": 0})
        for key, n in more.items():
            counts[key] += n

    def accept(self, host, listener):
        sock, _ = listener.accept()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(self, sock, host)

    def command(self):
        word = self.control.recv(64).decode().split()
        if not word:
            os._exit(0)
        self.delay = float(word[0]) / 1000
        text = json.dumps(self.counts).encode()
        self.counts = {}
        self.control.sendall(len(text).to_bytes(4, "big") + text)

    def run(self):
        while True:
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, mask in self.selector.select(wait):
                self.callbacks[key.fileobj](mask)
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()
                now = time.monotonic()


class Forwarder:
    """Started for some hosts; `addresses` is where they are seen."""

    def __init__(self, hosts, net, port):
        self.addresses = {h.name: (h.address.replace(f".{h.fleet.net}.", f".{net}.", 1), port) for h in hosts}
        targets = {h.name: (h.address, h.fleet.port) for h in hosts}
        listeners = {name: socket.create_server(place, backlog=64) for name, place in self.addresses.items()}
        self.control, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                kernel.end_with_parent()
                os.setsid()
                self.control.close()
                Loop(targets, listeners, theirs).run()
            except BaseException as error:
                print(f"forwarder: {error!r}", file=sys.stderr)
            os._exit(1)
        theirs.close()
        for listener in listeners.values():
            listener.close()

    def set(self, milliseconds):
        """Sets the round trip that is added; gives what was counted since the last call, by host."""
        self.control.sendall(f"{milliseconds}".encode())
        length = int.from_bytes(self.control.recv(4, socket.MSG_WAITALL), "big")
        return json.loads(self.control.recv(length, socket.MSG_WAITALL))

    def stop(self):
        self.control.close()
        os.waitpid(self.pid, 0)
