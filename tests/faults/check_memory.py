#!/usr/bin/python3
"""Memory that is refused to the real daemon: each allocation of a start, one by one and for good, and each of a round of
requests, over HTTP and gRPC, while it runs.

    SEQD=build/seqd tests/faults/check_memory.py FAILING_MEMORY.so

A start has to serve, or to end with a status and a reason; a request has to be answered or its connection closed, and the
daemon lives on. Nothing hangs, nothing ends by a signal, and no number comes twice, over all starts of a directory.

    FAULTS=n  how many allocations are tried, drawn by the seed; 0: all (0)
    SEED=n
    JOBS=n    daemons at a time

Prints 'faults: N tried (…), N wrong'."""
import mmap
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

PROGRAM = os.path.abspath(os.environ["SEQD"])
OBJECT = os.path.abspath(sys.argv[1])
TIMEOUT_S = 60  # for what takes milliseconds
FOR_GOOD = (1 << 64) - 1
TOKEN = "seqd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
HASH = "sha256:0c497d0c3396ebd108547a12982ff693fbab45930a90ec0805ea39418bc704f9"
CONFIGURATION = """[http]
listen = 127.0.0.1:0
socket = {folder}/socket
tokens = {folder}/tokens
threads = 1
wait_timeout = 2s
[grpc]
listen = 127.0.0.1:0
[sequence:default]
[sequence:every]
durability = every
[sequence:times]
kind = timestamp
"""
SHOWN = 10


class Control:
    """The struct of failing_memory.c."""

    def __init__(self, path):
        with open(path, "wb") as file:
            file.write(bytes(32))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 32)

    def get(self, place):
        return struct.unpack_from("=Q", self.map, 8 * place)[0]

    def count(self):
        return self.get(0)

    def refused(self):
        return self.get(3)

    def refuse(self, first, last):
        struct.pack_into("=QQ", self.map, 8, first, last)

    def allow(self):
        struct.pack_into("=QQ", self.map, 8, 0, 0)


class Wrong(Exception):
    """What may not be."""


class Home:
    """A configuration, a data directory, and the numbers that came out of it."""

    def __init__(self):
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="seqd-memory-", dir=base)
        self.write("tokens", f"{HASH} admin *\n")
        self.write("seqd.conf", "[seqd]\nfilesystem = any\n" + CONFIGURATION.replace("{folder}", self.folder))
        self.numbers = set()
        self.empty()

    def write(self, name, text):
        with open(os.open(os.path.join(self.folder, name), os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)

    def empty(self):
        """A new data directory: the next start makes all."""
        shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)
        os.mkdir(os.path.join(self.folder, "data"), 0o700)
        self.numbers.clear()

    def take(self, name, numbers):
        for number in numbers:
            if (name, number) in self.numbers:
                raise Wrong(f"{number} of '{name}' came twice")
            self.numbers.add((name, number))

    def remove(self):
        shutil.rmtree(self.folder)


class Daemon:
    """One life; `first` and `last` of its allocations are refused."""

    def __init__(self, home, first=0, last=0):
        self.home = home
        self.control = Control(os.path.join(home.folder, "control"))
        self.control.refuse(first, last)
        self.said = []
        self.process = subprocess.Popen(
            [PROGRAM, "-c", os.path.join(home.folder, "seqd.conf"), "-d", os.path.join(home.folder, "data")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"LD_PRELOAD": OBJECT, "FAILING_MEMORY": os.path.join(home.folder, "control")})
        self.hangs = False
        self.alarm = threading.Timer(TIMEOUT_S, self.end)
        self.alarm.start()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.grpc = self.http = None
        for line in self.process.stdout:  # until it serves, or has ended
            self.grpc = self.grpc or self.address(line, "grpc")
            self.http = self.http or self.address(line, "http")
            if self.grpc and self.http:
                break

    def end(self):
        self.hangs = True
        self.process.kill()

    def address(self, line, scheme):
        found = re.search(scheme + r"://([0-9.]+):(\d+)", line)
        return (found[1], int(found[2])) if found else None

    def read(self):
        for line in self.process.stderr:
            self.said.append(line)

    def last(self):
        """What it said last."""
        return "".join(self.said[-4:]).rstrip()

    def serves(self):
        return self.http is not None and self.grpc is not None

    def stop(self):
        """SIGTERM where it runs; its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        status = self.process.wait()
        self.alarm.cancel()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        if self.hangs:
            raise Wrong(f"it hangs: {self.last()}")
        if status < 0:
            raise Wrong(f"it ended by signal {-status}: {self.last()}")
        return status


def receive(connection):
    """Status, body, and whether the connection may be used again; None where it was closed without an answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        piece = connection.recv(65536)
        if not piece:
            return None
        said += piece
    head, body = said.split(b"\r\n\r\n", 1)
    length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [0, b"0"])[1])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    return int(head.split()[1]), body


def ask(address, method, target, body=None):
    """One request over a connection of its own; as receive()."""
    text = f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    if body is not None:
        text += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    try:
        with socket.create_connection(address, timeout=TIMEOUT_S) as connection:
            connection.sendall(f"{text}\r\n{body or ''}".encode())
            return receive(connection)
    except (ConnectionError, BrokenPipeError):
        return None
    except TimeoutError:
        raise Wrong(f"{method} {target}: no answer") from None


def numbers_of(answer):
    return [int(line) for line in answer[1].split()] if answer is not None and answer[0] == 200 else []


def read_block(message):
    """first … last of a NextResponse: four numbers, each a varint behind its tag."""
    fields, at = {}, 0
    while at < len(message):
        tag, value, shift, at = message[at] >> 3, 0, 0, at + 1
        while True:
            value |= (message[at] & 127) << shift
            shift += 7
            at += 1
            if message[at - 1] < 128:
                break
        fields[tag] = value
    return range(fields[1], fields[2] + 1)


def ask_grpc(address, name):
    """Two numbers of `name`, or none."""
    message = b"\x0a" + bytes([len(name)]) + name.encode() + b"\x10\x02"
    done = subprocess.run(
        ["curl", "-s", "-m", str(TIMEOUT_S), "--http2-prior-knowledge", "-H", "content-type: application/grpc", "-H",
         "te: trailers", "--data-binary", "@-", f"http://{address[0]}:{address[1]}/seqd.v1.SequenceService/Next"],
        input=b"\x00" + struct.pack(">I", len(message)) + message, capture_output=True, check=False)
    if done.returncode == 28:
        raise Wrong(f"gRPC Next of '{name}': no answer")
    return list(read_block(done.stdout[5:])) if done.returncode == 0 and len(done.stdout) > 5 else []


def round_of_requests(daemon):
    """Each kind of request once."""
    home, http = daemon.home, daemon.http
    home.take("default", numbers_of(ask(http, "GET", "/")))
    home.take("default", numbers_of(ask(http, "POST", "/v1/sequences/default/next?count=3")))
    home.take("every", numbers_of(ask(http, "GET", "/v1/sequences/every/next?count=2")))
    home.take("times", numbers_of(ask(http, "GET", "/v1/sequences/times/next")))
    for method, target, body in (
            ("GET", "/v1/sequences?limit=2", None), ("GET", "/v1/sequences/times", None),
            ("PUT", "/v1/sequences/made", '{"start":"5","max_gap":9}'), ("PATCH", "/v1/sequences/made", '{"max_gap":8}'),
            ("POST", "/v1/sequences/made/advance", '{"past":"100"}'), ("DELETE", "/v1/sequences/made", None),
            ("GET", "/v1/sequences/times/decode/1", None), ("GET", "/metrics", None), ("GET", "/readyz", None),
            ("GET", "/v1/backup", None), ("GET", "/nothing", None), ("PUT", "/v1/sequences/made", "{")):
        answer = ask(http, method, target, body)
        if answer is not None and answer[0] not in (200, 201, 204, 400, 404, 409, 500, 503):
            raise Wrong(f"{method} {target}: status {answer[0]}")
        if answer is not None and answer[0] == 200 and target == "/v1/backup" and not answer[1].startswith(b"seqd-backup"):
            raise Wrong(f"a backup of {len(answer[1])} bytes that is none")
    home.take("default", ask_grpc(daemon.grpc, "default"))
    home.take("every", ask_grpc(daemon.grpc, "every"))


def check_serving(daemon):
    """With memory again, everything is served."""
    for name in ("default", "every", "times"):
        numbers = numbers_of(ask(daemon.http, "GET", f"/v1/sequences/{name}/next"))
        if len(numbers) != 1:
            raise Wrong(f"with memory again '{name}' is not served: {daemon.last()}")
        daemon.home.take(name, numbers)
    numbers = ask_grpc(daemon.grpc, "default")
    if len(numbers) != 2:
        raise Wrong("with memory again gRPC does not serve")
    daemon.home.take("default", numbers)


def start(home, first, last):
    """A start without these allocations: it serves, or says why not. Returns how many were refused."""
    daemon = Daemon(home, first, last)
    refused = daemon.control.refused()
    if daemon.serves():
        daemon.control.allow()
        check_serving(daemon)
        if daemon.stop() != 0:
            raise Wrong(f"it served, and its stop failed: {daemon.last()}")
        return refused
    status = daemon.wait()
    if status not in (1, 2, 3) or not daemon.said:
        raise Wrong(f"it ended with status {status} and said: {daemon.last()}")
    return refused


class Rig:
    def __init__(self, wanted, seed):
        self.wanted = wanted
        self.choose = random.Random(seed)
        self.tried = {}
        self.wrong = 0
        self.lock = threading.Lock()

    def draw(self, share, trials):
        """So many of them as this part gets."""
        return trials if self.wanted == 0 else self.choose.sample(trials, min(len(trials), max(1, int(self.wanted * share))))

    def note(self, part, what, error=None):
        with self.lock:
            self.tried[part] = self.tried.get(part, 0) + 1
            if error is not None:
                self.wrong += 1
                if self.wrong <= SHOWN:
                    print(f"wrong: {part} {what}: {error}", flush=True)

    def try_start(self, home, empty, first, last):
        part = "first start" if empty else "start"
        what = f"allocation {first}{' and all later' if last == FOR_GOOD else ''}"
        try:
            if empty:
                home.empty()
            start(home, first, last)
            self.note(part, what)
            return
        except Wrong as error:
            self.note(part, what, error)
        home.empty()

    def run_starts(self, jobs):
        """Of an empty directory, and of one that is there."""
        homes = [Home() for _ in range(jobs)]
        for empty in (True, False):
            daemon = Daemon(homes[0])
            count = daemon.control.count()
            daemon.stop()
            if not empty:
                for home in homes:
                    home.empty()
                    start(home, 0, 0)
            trials = self.draw(0.3, [(first, last) for first in range(1, count + 1) for last in (first, FOR_GOOD)])
            with ThreadPoolExecutor(jobs) as pool:
                list(pool.map(lambda job: [self.try_start(homes[job], empty, *trial) for trial in trials[job::jobs]], range(jobs)))
        for home in homes:
            home.remove()

    def run_requests(self):
        """Each allocation of a round of requests; the daemon stays the same, unless it ended."""
        home = Home()
        daemon = Daemon(home)
        daemon.alarm.cancel()  # it lives as long as this takes; each request has a limit of its own
        round_of_requests(daemon)
        before = daemon.control.count()
        round_of_requests(daemon)
        count = daemon.control.count() - before
        for number in self.draw(0.4, list(range(1, count + 1))):
            try:
                refused = daemon.control.count() + number
                daemon.control.refuse(refused, refused)
                round_of_requests(daemon)
                daemon.control.allow()
                check_serving(daemon)
                self.note("request", f"allocation {number}")
            except Wrong as error:
                if daemon.process.poll() is not None:
                    error = f"{error}: it ended with status {daemon.process.returncode}: {daemon.last()}"
                self.note("request", f"allocation {number}", error)
                daemon.process.kill()
                daemon.process.wait()
                daemon.alarm.cancel()
                daemon = Daemon(home)
        daemon.alarm.cancel()
        if daemon.stop() != 0:
            self.note("request", "the stop", daemon.last())
        home.remove()


def main():
    seed = int(os.environ.get("SEED") or random.randrange(1 << 32))
    print(f"SEED={seed}", flush=True)
    rig = Rig(int(os.environ.get("FAULTS") or 0), seed)
    rig.run_starts(int(os.environ.get("JOBS") or os.cpu_count()))
    rig.run_requests()
    parts = ", ".join(f"{part} {count}" for part, count in rig.tried.items())
    print(f"faults: {sum(rig.tried.values())} tried (memory of a {parts}), {rig.wrong} wrong")
    return 1 if rig.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
