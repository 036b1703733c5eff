#!/usr/bin/python3
"""Run the examples of docs/GRPC.md against the real daemon, and ask it what real clients can ask.

    SEQD=build/seqd tests/grpc/check_grpc.py NODE_MODULES PYTHON_MESSAGES

Every block of code that is followed by a block of text has to print just that, on a daemon of its own."""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc

DOCUMENT = Path("docs/GRPC.md")
MODULES = Path(sys.argv[1]).resolve()
MESSAGES = Path(sys.argv[2]).resolve()
sys.path.insert(0, str(MESSAGES))
from seqd.v1 import seqd_pb2 as seqd  # noqa: E402

SERVICE = "/seqd.v1.SequenceService/"


class Daemon:
    """seqd with gRPC on a port that the kernel chose."""

    def __init__(self, more=""):
        self.folder = tempfile.TemporaryDirectory()
        data = Path(self.folder.name, "data")
        data.mkdir(mode=0o700)
        file = Path(self.folder.name, "seqd.conf")
        file.write_text("[http]\nlisten = 127.0.0.1:0\n[grpc]\nlisten = 127.0.0.1:0\n" + more)
        self.command = [os.environ["SEQD"], "-c", str(file), "-d", str(data)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.address = re.search(r"grpc://(\S+)", self.process.stdout.readline()).group(1)
        self.http = re.search(r"http://(\S+)", self.process.stdout.readline()).group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.folder.cleanup()


def examples():
    """Language, code and what it prints, for each example of the document."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", DOCUMENT.read_text(), re.M | re.S)
    return [(language, code, text) for (language, code), (kind, text) in zip(blocks, blocks[1:])
            if language != "text" and kind == "text"]


def run_example(language, code):
    with Daemon() as daemon, tempfile.TemporaryDirectory() as folder:
        code = code.replace("127.0.0.1:9090", daemon.address)
        code = code.replace("/usr/include", str(Path("include").resolve()))
        name = {"sh": "a.sh", "python": "a.py", "js": "a.mjs"}[language]
        Path(folder, name).write_text(code)
        Path(folder, "node_modules").symlink_to(MODULES)
        command = {"sh": ["sh"], "python": ["/usr/bin/python3"], "js": ["node"]}[language]
        environment = dict(os.environ, PYTHONPATH=str(MESSAGES),
                           PATH=f"{MODULES}/.bin:{os.environ['PATH']}")
        return subprocess.run(command + [name], cwd=folder, env=environment, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def unary(channel, method, request, answer):
    return channel.unary_unary(SERVICE + method, request_serializer=request.SerializeToString,
                               response_deserializer=answer.FromString)


def status_of(call, request, **options):
    try:
        call(request, timeout=10, **options)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def check_statuses():
    """What grpcio makes of our statuses, trailers and frames."""
    with Daemon("[sequence:default]\n[sequence:three]\nmax = 3\n") as daemon:
        channel = grpc.insecure_channel(daemon.address)
        call = unary(channel, "Next", seqd.NextRequest, seqd.NextResponse)
        assert status_of(call, seqd.NextRequest(count=0)) == "INVALID_ARGUMENT"
        assert status_of(call, seqd.NextRequest(count=10001)) == "INVALID_ARGUMENT"
        assert status_of(call, seqd.NextRequest(sequence="three", count=4)) == "OUT_OF_RANGE"
        assert status_of(call, seqd.NextRequest(sequence="x" * 20000)) == "RESOURCE_EXHAUSTED"
        assert status_of(call, seqd.NextRequest(count=2),
                         compression=grpc.Compression.Gzip) in ("OK", "UNIMPLEMENTED")
        assert status_of(call, seqd.NextRequest(sequence="x" * 128),  # worth compressing
                         compression=grpc.Compression.Gzip) == "UNIMPLEMENTED"
        nothing = unary(channel, "Nothing", seqd.NextRequest, seqd.NextResponse)
        assert status_of(nothing, seqd.NextRequest()) == "UNIMPLEMENTED"
        create = unary(channel, "Create", seqd.CreateRequest, seqd.CreateResponse)
        assert status_of(create, seqd.CreateRequest(sequence="a")) == "UNAUTHENTICATED"
        get = unary(channel, "Get", seqd.GetRequest, seqd.GetResponse)
        assert get(seqd.GetRequest(sequence="three"), timeout=10).sequence.definition.max == 3


def check_times():
    """A timestamp taken, taken apart, and found again in the range of its time."""
    with Daemon("[sequence:events]\nkind = timestamp\nnode_id = 3\n") as daemon:
        channel = grpc.insecure_channel(daemon.address)
        call = unary(channel, "Next", seqd.NextRequest, seqd.NextResponse)
        decode = unary(channel, "Decode", seqd.DecodeRequest, seqd.DecodeResponse)
        span = unary(channel, "Range", seqd.RangeRequest, seqd.RangeResponse)
        number = call(seqd.NextRequest(sequence="events"), timeout=10).first
        said = decode(seqd.DecodeRequest(sequence="events", number=number), timeout=10)
        assert said.node == 3 and abs(said.time_ms / 1000 - time.time()) < 60
        of_time = span(seqd.RangeRequest(sequence="events", from_ms=said.time_ms,
                                         to_ms=said.time_ms + 1), timeout=10)
        assert of_time.first <= number <= of_time.last
        assert of_time.last - of_time.first == 2**22 - 1


def check_unique():
    """Many calls at a time from several channels: each number once."""
    numbers = []
    lock = threading.Lock()

    def draw(address):
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        call = unary(channel, "Next", seqd.NextRequest, seqd.NextResponse)
        waiting = [call.future(seqd.NextRequest(), timeout=60) for _ in range(500)]
        mine = [one.result().first for one in waiting]
        with lock:
            numbers.extend(mine)

    with Daemon() as daemon:
        threads = [threading.Thread(target=draw, args=(daemon.address,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == list(range(1, 2001)), "numbers are missing, or came twice"


def check_stop():
    """A stop under load: every call ends with a number or UNAVAILABLE, and no number is lost."""
    with Daemon() as daemon:
        channel = grpc.insecure_channel(daemon.address)
        call = unary(channel, "Next", seqd.NextRequest, seqd.NextResponse)
        call(seqd.NextRequest(), timeout=10)
        waiting = [call.future(seqd.NextRequest(), timeout=60) for _ in range(2000)]
        waiting[0].result()
        daemon.process.terminate()
        codes = [one.code().name for one in waiting]
        assert set(codes) <= {"OK", "UNAVAILABLE"}, set(codes)
        return codes.count("OK")


KILLED_NUMBERS = 10_000_000


def check_kills():
    """Both protocols on one sequence, with SIGKILL among them: no number twice."""
    blocks = []
    lock = threading.Lock()
    drawn = [0]

    def keep(first, last):
        with lock:
            blocks.append((first, last))
            drawn[0] += last - first + 1

    def draw_grpc(daemon, address):
        channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        call = unary(channel, "Next", seqd.NextRequest, seqd.NextResponse)
        count = 1
        while daemon.address == address:
            count = count * 7 % 9973 + 1
            try:
                block = call(seqd.NextRequest(count=count), timeout=5)
            except grpc.RpcError:
                return
            keep(block.first, block.last)

    def draw_http(daemon, address):
        connection = http.client.HTTPConnection(address, timeout=5)
        count = 2
        while daemon.http == address:
            count = count * 7 % 9973 + 1
            try:
                connection.request("GET", f"/v1/sequences/default/next?count={count}",
                                   headers={"Accept": "application/json"})
                block = json.loads(connection.getresponse().read())
            except (OSError, http.client.HTTPException, ValueError):
                return
            keep(int(block["first"]), int(block["last"]))

    with Daemon() as daemon:
        kills = 0
        while drawn[0] < KILLED_NUMBERS:
            goal = drawn[0] + KILLED_NUMBERS // 10
            threads = [threading.Thread(target=draw, args=(daemon, address))
                       for draw, address in ((draw_grpc, daemon.address),
                                             (draw_http, daemon.http)) for _ in range(2)]
            for thread in threads:
                thread.start()
            while drawn[0] < goal and any(thread.is_alive() for thread in threads):
                threads[0].join(0.01)
            daemon.process.kill()
            daemon.process.wait()
            kills += 1
            for thread in threads:
                thread.join()
            daemon.start()
    blocks.sort()
    twice = [b for a, b in zip(blocks, blocks[1:]) if b[0] <= a[1]]
    assert not twice, f"blocks that overlap: {twice[:3]}"
    print(f"{drawn[0]} numbers over both protocols, {kills} kills, 0 duplicates")


def main():
    failed = 0
    passed = 0
    for language, code, wanted in examples():
        got = run_example(language, code)
        if got == wanted:
            passed += 1
        else:
            failed += 1
            print(f"{DOCUMENT}: the {language} example was to print\n{wanted}and printed\n{got}")
    for check in (check_statuses, check_times, check_unique, check_stop, check_kills):
        check()
        passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed < 8 else 0


sys.exit(main())
