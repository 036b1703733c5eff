#!/usr/bin/python3 -B
"""The snippets of docs/CLIENTS.md are run against the real daemon.

    SEQD=build/seqd tests/clients/check_clients.py docs/CLIENTS.md

Each takes numbers beyond 2^53, up to 2^63-1 and downward, in several processes and threads at a time: none may come
twice, from any of them, and each must be one of its sequence. A store that fails for a while has to be borne, a refusal
and an answer that breaks off must never become a number.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "../lib"))
from cutter import Cutter
from daemon import TIMEOUT_S, Daemon

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = "http://127.0.0.1:8080"  # stands for the daemon's in the snippets
PROCESSES, THREADS, NUMBERS = 2, 4, 500

# Odd numbers beyond 2^53 are none that a double can be; the last of `top` is the largest of all.
SEQUENCES = {
    "wide": (9007199254740993, 2),
    "top": (9223372036854775807 - 99999, 1),
    "down": (-1, -3),
}
CONFIGURATION = "".join(
    f"[sequence:{name}]\nstart = {start}\nincrement = {step}\nmin = -9223372036854775807\n"
    for name, (start, step) in SEQUENCES.items()
)
STEADY = f"{CONFIGURATION}[sequence:default]\n"
SHAKY = "[http]\nwait_timeout = 10ms\n[sequence:default]\ndurability = every\n"


class Client:
    def __init__(self, name, files, command, build=None, retries=True, needs=None):
        self.name = name
        self.files = files  # of HERE, copied beside the snippets
        self.command = command
        self.build = build
        self.retries = retries  # by itself, when an answer breaks off
        self.needs = needs  # a program without which it is left out


CLIENTS = [
    Client("curl", ["drive.sh"], ["sh", "drive.sh"], retries=False),
    Client("Python", ["drive.py"], ["/usr/bin/python3", "drive.py"]),
    Client("Node", ["drive.mjs"], ["node", "drive.mjs"]),
    Client("Go", ["drive.go"], ["./drive"], build=["go", "build", "-o", "drive", "drive.go", "seqd.go"]),
    Client(
        "Java",
        ["Drive.java", "stubs"],
        ["java", "-Xmx64m", "-cp", "classes", "Drive"],
        build=["javac", "-d", "classes", "-sourcepath", "stubs:.", "Drive.java", "Numbers.java", "SeqdGenerator.java"],
        needs="javac",
    ),
]


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def note(self, what, complaint):
        if complaint:
            self.failed += 1
            print(f"{what}: {complaint}")
        else:
            self.passed += 1


def snippets(path):
    """{file: text} of the blocks that begin with ```LANGUAGE FILE."""
    with open(path, encoding="utf-8") as file:
        return dict(re.findall(r"^```\w+ ([\w.]+)\n(.*?)^```$", file.read(), re.M | re.S))


class Workshop:
    """A folder with all snippets and programs, in which `address` stands in the place of SERVER."""

    def __init__(self, texts, address):
        self.folder = tempfile.mkdtemp(prefix="seqd-clients-")
        self.environment = os.environ | {"GO111MODULE": "off", "PYTHONDONTWRITEBYTECODE": "1"}
        server = f"http://{address[0]}:{address[1]}"
        for name in os.listdir(HERE):
            if os.path.isdir(os.path.join(HERE, name)):
                shutil.copytree(os.path.join(HERE, name), os.path.join(self.folder, name))
            elif name.lower().startswith("drive"):
                with open(os.path.join(HERE, name), encoding="utf-8") as file:
                    texts = texts | {name: file.read()}
        for name, text in texts.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text.replace(SERVER, server))
        os.chmod(self.folder, 0o755)

    def build(self, client):
        if client.build:
            subprocess.run(client.build, cwd=self.folder, env=self.environment, check=True, timeout=10 * TIMEOUT_S)

    def start(self, client, *arguments):
        return subprocess.Popen(
            client.command + [str(argument) for argument in arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def close(self):
        shutil.rmtree(self.folder)


def finish(process):
    """(exit status, numbers, what it said)"""
    try:
        out, said = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, said = process.communicate()
    return process.returncode, [int(line) for line in out.split()], said


class Check:
    def __init__(self, path):
        self.results = Results()
        self.texts = snippets(path)
        self.seen = {name: set() for name in SEQUENCES}
        self.steady = Daemon(os.environ["SEQD"], {"seqd.conf": STEADY})
        self.shaky = Daemon(os.environ["SEQD"], {"seqd.conf": SHAKY})

    def close(self):
        self.steady.close()
        self.shaky.close()

    def client(self, client):
        with_steady = Workshop(self.texts, self.steady.address)
        with_shaky = Workshop(self.texts, self.shaky.address)
        cutter = Cutter(self.steady)
        with_cutter = Workshop(self.texts, cutter.address)
        try:
            for workshop in (with_steady, with_shaky, with_cutter):
                workshop.build(client)
            for sequence in SEQUENCES:
                self.takes_numbers(client, with_steady, sequence)
            self.takes_no_for_an_answer(client, with_steady)
            self.bears_an_outage(client, with_shaky)
            self.believes_no_half(client, with_cutter)
        finally:
            cutter.close()
            for workshop in (with_steady, with_shaky, with_cutter):
                workshop.close()

    def takes_numbers(self, client, workshop, sequence):
        before = self.issued(sequence)
        processes = [workshop.start(client, sequence, THREADS, NUMBERS) for _ in range(PROCESSES)]
        numbers = []
        for process in processes:
            status, some, said = finish(process)
            self.results.note(f"{client.name}, {sequence}", status and f"exit status {status}: {said}")
            numbers += some
        self.judge(client, sequence, numbers, PROCESSES * THREADS * NUMBERS)
        # So many are whole blocks, of any size that a client takes: none is left over.
        lost = self.issued(sequence) - before - len(numbers)
        self.results.note(f"{client.name}, {sequence}", lost and f"{lost} numbers of the blocks were not handed out")

    def issued(self, sequence):
        return int(json.loads(self.steady.get(f"/v1/sequences/{sequence}").body)["issued"])

    def judge(self, client, sequence, numbers, wanted):
        start, step = SEQUENCES[sequence]
        what = f"{client.name}, {sequence}"
        wrong = [n for n in numbers if (n - start) % step or (n - start) // step < 0 or n > 2**63 - 1]
        self.results.note(what, len(numbers) != wanted and f"{len(numbers)} numbers, {wanted} wanted")
        self.results.note(what, wrong and f"{wrong[:3]} are none of the sequence")
        twice = len(numbers) - len(set(numbers)) + len(self.seen[sequence] & set(numbers))
        self.results.note(what, twice and f"{twice} numbers came twice")
        self.seen[sequence] |= set(numbers)

    def takes_no_for_an_answer(self, client, workshop):
        status, numbers, _ = finish(workshop.start(client, "unknown", THREADS, 1))
        self.results.note(f"{client.name}, refused", (status == 0 or numbers) and f"exit status {status}, {numbers}")

    def bears_an_outage(self, client, workshop):
        before = self.refusals()
        self.shaky.break_store()
        process = workshop.start(client, "default", THREADS, 1)
        deadline = time.monotonic() + TIMEOUT_S
        while self.refusals() == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.shaky.mend_store()
        status, numbers, said = finish(process)
        right = status == 0 and len(set(numbers)) == THREADS and self.refusals() > before
        self.results.note(f"{client.name}, an outage", not right and f"exit status {status}, {numbers}: {said}")

    def refusals(self):
        page = self.shaky.get("/metrics").body.decode()
        return sum(int(line.rsplit(None, 1)[1]) for line in page.split("\n") if "requests_total" in line and 'code="503"' in line)

    def believes_no_half(self, client, workshop):
        status, numbers, said = finish(workshop.start(client, "wide", 2 if client.retries else 1, 100))
        if client.retries:
            self.results.note(f"{client.name}, cut", status and f"exit status {status}: {said}")
            self.judge(client, "wide", numbers, 200)
        else:
            self.results.note(f"{client.name}, cut", (status == 0 or numbers) and f"exit status {status}, {numbers}")

    def psql(self):
        """Its snippet has no program around it: it is run as it stands."""
        cutter = Cutter(self.steady)
        texts = self.texts | {"torn.sql": self.texts["copy.sql"].replace(SERVER, "http://%s:%d" % cutter.address)}
        workshop = Workshop(texts, self.steady.address)
        psql = Client("psql", [], ["pg_virtualenv", "sh", "drive_sql.sh"])
        try:
            status, out, said = self.run_psql(workshop, psql)
            self.results.note("psql", status and f"exit status {status}: {said}")
            numbers = [int(line) for line in out if re.fullmatch(r"-?\d+", line)]
            self.results.note("psql", numbers != list(range(1001, 3001)) and f"{len(numbers)}: {numbers[:5]}")
        finally:
            cutter.close()
            workshop.close()

    def run_psql(self, workshop, psql):
        process = workshop.start(psql)
        out, said = process.communicate(timeout=10 * TIMEOUT_S)
        return process.returncode, out.split("\n"), said


def main():
    check = Check(sys.argv[1])
    ran = ["psql"]
    try:
        for client in CLIENTS:
            if client.needs and not shutil.which(client.needs):
                print(f"*** NOT TESTED: the client for {client.name} ({client.needs} is not here)")
                continue
            check.client(client)
            ran.append(client.name)
        check.psql()
    finally:
        check.close()
    results = check.results
    total = sum(len(numbers) for numbers in check.seen.values())
    print(f"ok: {', '.join(sorted(ran))} took {total} numbers, none twice" if not results.failed else "clients failed")
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
