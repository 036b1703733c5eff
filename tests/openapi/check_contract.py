#!/usr/bin/python3 -B
"""The contract test: every operation, status and problem that docs/openapi.yaml documents is brought about on the real
daemon, and each answer is compared with it.

    SEQD=build/seqd tests/openapi/check_contract.py [DESCRIPTION]

Neither can drift from the other: what is documented and not in table.py, what is in table.py and not documented,
whatever the daemon answers that is not documented, and what only the tables of its source know each fail the test.
"""

import json
import os
import re
import subprocess
import sys
import time
from urllib.parse import quote

sys.path.append(os.path.join(os.path.dirname(__file__), "../lib"))
from daemon import TIMEOUT_S, Connection, Daemon
from description import EMPTY, METHODS, Description
from table import ADMIN, BROKEN, ELSEWHERE, EVERYWHERE, EXAMPLE, HERE, ORIGIN, SCENES, Ask

BODY_MAX = 65536  # bytes of one body …
BODIES = 257  # … and so many are more than all together may have
DESCRIPTION = "docs/openapi.yaml"
ROUTES = "src/front/http_route.c"
PROBLEMS = "src/front/http_reply.c"


class Results:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def note(self, what, complaints):
        """`what` was checked; each complaint is printed."""
        if complaints:
            self.failed += 1
            for complaint in complaints:
                print(f"{what}: {complaint}")
        else:
            self.passed += 1


# ---- requests ----


def build(operation, ask):
    """The request, as bytes: the examples of the description, but for what `ask` says."""
    values = examples(operation, "path") | ask.path
    path = operation.path
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(str(value), safe="-._~"))
    query = examples(operation, "query") | ask.query
    words = [f"{name}={quote(str(value))}" for name, value in query.items() if value is not None]
    target = path + ("?" if words else "") + "&".join(words)
    return plain_request(operation.method, target, ask.headers, body_of(operation, ask))


def plain_request(method, target, headers, body):
    lines = {"Host": "seqd"} | ADMIN
    if body:
        lines |= {"Content-Type": "application/json", "Content-Length": len(body)}
    lines |= headers
    head = [f"{method} {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in lines.items() if value is not None]
    return "\r\n".join(head + ["", ""]).encode("latin-1") + body


def examples(operation, place):
    return {p["name"]: p["example"] for p in operation.parameters if p["in"] == place}


def body_of(operation, ask):
    if ask.body is not EXAMPLE:
        return ask.body or b""
    if operation.body is None:
        return b""
    first = next(iter(operation.body["content"]["application/json"]["examples"].values()))
    return json.dumps(first["value"]).encode()


def asks_for(case):
    """What the table says of a case of the description, as a list."""
    return as_list(HERE.get(case) or EVERYWHERE.get(case[1:]) or [])


def as_list(asks):
    return asks if isinstance(asks, list) else [asks]


# ---- what is checked ----


class Check:
    def __init__(self, program, description):
        self.program = program
        self.description = description
        self.results = Results()
        self.used = set()  # (operation, parameter) of requests that were granted
        self.daemons = {name: Daemon(program, files, ADMIN) for name, files in SCENES.items()}
        for name in BROKEN:
            self.daemons[name].break_store()
        self.crowd = [self.half_a_body() for _ in range(BODIES)]

    def half_a_body(self):
        """A connection that the server keeps the body for, and waits for the rest of it."""
        connection = Connection(self.daemons["crowded"].address)
        head = {"Content-Length": BODY_MAX}
        connection.send(plain_request("PUT", "/v1/sequences/orders", head, b" " * (BODY_MAX - 1)))
        return connection

    def close(self):
        for connection in self.crowd:
            connection.close()
        for daemon in self.daemons.values():
            daemon.close()

    def judge(self, case, ask, answer):
        operation = self.description.operations[case[0]]
        what, complaints = self.description.judge(operation, answer)
        if not complaints and (str(answer.status), what) != case[1:]:
            complaints = [f"the answer is {answer.status} {what}: {answer.body[:200]!r}"]
        if answer.status < 400:
            self.used |= {(operation.id, name) for name in examples(operation, "query") | ask.headers}
        self.results.note(" ".join(case), complaints)

    def cases(self):
        """Everything but what is only answered at the stop."""
        for case in self.description.cases():
            asks = asks_for(case)
            if not asks:
                self.results.note(" ".join(case), ["is documented, and nothing in table.py brings it about"])
            for ask in asks:
                if ask.on != "stopping":
                    self.judge(case, ask, self.answer(case, ask))

    def elsewhere(self):
        """What brings about a refusal in one operation is sent to all that do not document it, too: whatever they
        answer has to be documented."""
        cases = set(self.description.cases())
        for (status, what), asks in EVERYWHERE.items():
            for operation in self.description.operations.values():
                for ask in as_list(asks):
                    if status >= "400" and ask.on != "stopping" and (operation.id, status, what) not in cases:
                        answer = self.daemons["other" if ask.on == "plain" else ask.on].ask(build(operation, ask))
                        _, complaints = self.description.judge(operation, answer)
                        self.results.note(f"{operation.id}, asked for {status} {what}", complaints)

    def answer(self, case, ask):
        daemon = self.daemons[ask.on]
        for name, first in ask.before:
            granted = daemon.ask(build(self.description.operations[name], first))
            assert granted.status < 300, f"{name}: {granted.status} {granted.body}"
        request = self.build(case, ask)
        deadline = time.monotonic() + TIMEOUT_S
        answer = daemon.ask(request)
        while ask.until and str(answer.status) != case[1] and time.monotonic() < deadline:
            time.sleep(0.01)
            answer = daemon.ask(request)
        return answer

    def stop(self):
        """Requests wait for a store that fails, and the daemon is told to stop. It is asked the rest over connections
        that it had before; told again, it does not let anybody wait any longer."""
        daemon = self.daemons["stopping"]
        wanted = [(case, ask) for case in self.description.cases() for ask in asks_for(case) if ask.on == "stopping"]
        late = [(case, ask, idle_connection(daemon)) for case, ask in wanted if not ask.waits]
        waiting = [(case, ask, Connection(daemon.address)) for case, ask in wanted if ask.waits]
        probe = idle_connection(daemon)
        for case, ask, connection in waiting:
            connection.send(self.build(case, ask))
        self.await_waiters(daemon, len(waiting))
        daemon.terminate()
        await_stop(probe)
        for case, ask, connection in late:
            connection.send(self.build(case, ask))
            self.judge(case, ask, connection.receive())
        daemon.terminate()
        for case, ask, connection in waiting:
            self.judge(case, ask, connection.receive())

    def build(self, case, ask):
        return build(self.description.operations[case[0]], ask)

    def await_waiters(self, daemon, count):
        while json.loads(daemon.get("/v1/sequences/default").body)["waiters"] != str(count):
            time.sleep(0.01)

    def ends(self):
        """Told to stop, they do, and have nothing to complain of."""
        for name, daemon in self.daemons.items():
            status = daemon.stop()
            self.results.note(f"the end of '{name}'", [] if status == 0 else [f"{status}", *daemon.said])

    def table(self):
        """Nothing in the table is idle."""
        cases = set(self.description.cases())
        kinds = {case[1:] for case in cases}
        for case in HERE:
            self.results.note(f"table.py: {' '.join(case)}", [] if case in cases else ["is not documented"])
        for kind in EVERYWHERE:
            self.results.note(f"table.py: {' '.join(kind)}", [] if kind in kinds else ["is documented nowhere"])

    def parameters(self):
        """Each parameter was part of a request that was granted."""
        for operation in self.description.operations.values():
            for parameter in operation.parameters:
                known = parameter["in"] == "path" or (operation.id, parameter["name"]) in self.used
                complaints = [] if known else ["no request with it was granted"]
                self.results.note(f"{operation.id}: parameter {parameter['name']}", complaints)

    def members(self):
        """Each documented member was part of some answer."""
        self.results.note("members", [f"no answer had {member}" for member in self.description.members_not_seen()])

    def problems(self):
        """The introduction lists exactly the problems that the operations have, and those that none has."""
        documented = dict(ELSEWHERE)
        for _, status, what in self.description.cases():
            if "/" not in what and what != EMPTY:
                documented[what] = status
        listed = self.description.problems()
        for name in sorted(documented.keys() | listed.keys()):
            complaints = [] if documented.get(name) == listed.get(name) else [
                f"the introduction says {listed.get(name)}, the operations say {documented.get(name)}"
            ]
            self.results.note(f"/problems/{name}", complaints)

    def sources(self):
        """The daemon's own tables have no path and no problem that is not documented."""
        with open(ROUTES, encoding="utf-8") as file:
            routes = set(re.findall(r'^    \{"(/[^"]*)"', file.read(), re.M))
        documented = set()
        for operation in self.description.operations.values():
            documented |= self.description.spelled_out(operation)
        self.results.note(ROUTES, [f"{path} is in one of both only" for path in routes ^ documented])
        with open(PROBLEMS, encoding="utf-8") as file:
            problems = re.findall(r'\{"/problems/([a-z-]+)", "[^"]+", (\d+)\}', file.read())
        listed = self.description.problems().items()
        self.results.note(PROBLEMS, [f"{problem} is in one of both only" for problem in set(problems) ^ set(listed)])

    def paths(self):
        """OPTIONS and HEAD everywhere, and 405 for every method that a path has not."""
        by_path = {}
        for operation in self.description.operations.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        for operations in by_path.values():
            allowed = set(operations) | {"OPTIONS"} | ({"HEAD"} if "GET" in operations else set())
            any_operation = next(iter(operations.values()))
            for method in {m.upper() for m in METHODS} | {"HEAD", "OPTIONS", "TRACE", "BREW"}:
                if method not in operations:
                    self.method(any_operation, method, allowed, operations.get("GET"))

    def method(self, operation, method, allowed, get):
        target = build(operation, Ask()).split(b" ")[1].decode()
        answer = self.daemons["plain"].ask(plain_request(method, target, {}, b""), method)
        if method == "HEAD" and method in allowed:
            expected = self.daemons["plain"].ask(build(get, Ask()))
            complaints = [] if answer.status == expected.status else [f"{answer.status}, GET {expected.status}"]
            if answer.headers.get("content-type") != expected.headers.get("content-type"):
                complaints.append(f"{answer.headers} where GET has {expected.headers}")
        else:
            status = 204 if method in allowed else 405
            complaints = [] if answer.status == status else [f"{answer.status}, expected {status}"]
            if set(answer.headers.get("allow", "").split(", ")) != allowed:
                complaints.append(f"Allow is '{answer.headers.get('allow')}', documented are {sorted(allowed)}")
            if status == 405 and method != "HEAD" and not answer.body.startswith(b'{"type":"/problems/method-not-allowed",'):
                complaints.append(f"the body is {answer.body[:200]!r}")
        self.results.note(f"{method} {operation.path}", complaints)

    def oddities(self):
        """What no operation documents, because it belongs to none."""
        answer = self.daemons["plain"].get("/favicon.ico")
        self.results.note(
            "/favicon.ico", [] if b'"/problems/unknown-path"' in answer.body and answer.status == 404 else [answer.body]
        )
        answer = self.daemons["plain"].get("/\0")
        # From version 1.0 on, the HTTP library refuses this by itself.
        known = b'"/problems/malformed-request"' in answer.body or answer.headers["content-type"] == "text/html"
        self.results.note("a NUL in the path", [] if known and answer.status == 400 else [answer.body])

    def origins(self):
        """What the introduction says of pages of other hosts, for every operation that only looks."""
        for operation in self.description.operations.values():
            if operation.method == "GET":
                for origin in (ORIGIN, "https://example.com", None):
                    ask = Ask(headers={"Origin": origin})
                    answer = self.daemons["shared"].ask(build(operation, ask))
                    self.origin(f"{operation.id} for {origin}", answer, origin == ORIGIN)
                    answer = self.daemons["plain"].ask(build(operation, ask))
                    kept = {"vary", "access-control-allow-origin"} & answer.headers.keys()
                    self.results.note(f"{operation.id} for nobody else", [f"there is {name}" for name in kept])

    def origin(self, what, answer, permitted):
        complaints = [] if answer.headers.get("vary") == "Origin" else [f"Vary is {answer.headers.get('vary')}"]
        allowed = answer.headers.get("access-control-allow-origin")
        if allowed != (ORIGIN if permitted else None):
            complaints.append(f"Access-Control-Allow-Origin is {allowed}")
        self.results.note(what, complaints)

    def preflight(self):
        for origin in (ORIGIN, "https://example.com"):
            headers = {"Origin": origin, "Access-Control-Request-Method": "PATCH", "Authorization": None}
            request = plain_request("OPTIONS", "/v1/sequences/orders", headers, b"")
            answer = self.daemons["shared"].ask(request, "OPTIONS")
            methods = answer.headers.get("access-control-allow-methods")
            permitted = answer.headers["allow"] if origin == ORIGIN else None
            complaints = [] if answer.status == 204 and methods == permitted else [f"{answer.status}, {methods}"]
            self.results.note(f"a preflight of {origin}", complaints)

    def version(self):
        said = subprocess.run([self.program, "-V"], capture_output=True, text=True, check=True).stdout.split()
        version = self.description.document["info"]["version"]
        self.results.note("info.version", [] if version in said else [f"{version}, the daemon says {said}"])

    def served(self, path):
        """The daemon serves this very description."""
        with open(path, "rb") as file:
            same = self.daemons["plain"].get("/openapi.yaml").body == file.read()
        json_text = self.daemons["plain"].get("/openapi.json").body
        self.results.note("/openapi.yaml", [] if same else ["is not the file that is tested"])
        same = json.loads(json_text) == json.loads(json.dumps(self.description.document))
        self.results.note("/openapi.json", [] if same else ["says something else than the YAML"])


def idle_connection(daemon):
    """One that has been served already."""
    connection = Connection(daemon.address)
    connection.send(plain_request("GET", "/healthz", {}, b""))
    connection.receive()
    return connection


def await_stop(connection):
    """Ask until the stop has begun: from then on every answer closes its connection."""
    answer = None
    while answer is None or answer.headers.get("connection") != "close":
        connection.send(plain_request("GET", "/readyz", {}, b""))
        answer = connection.receive()


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else DESCRIPTION
    description = Description(path)
    check = Check(os.environ["SEQD"], description)
    try:
        check.table()
        check.problems()
        check.sources()
        check.version()
        check.served(path)
        check.cases()
        check.parameters()
        check.elsewhere()
        check.paths()
        check.oddities()
        check.origins()
        check.preflight()
        check.stop()
        check.members()
        check.ends()
    finally:
        check.close()
    results = check.results
    cases = list(description.cases())
    statuses = {case[:2] for case in cases}
    print(f"ok: {len(description.operations)} operations, {len(statuses)} statuses, {len(cases)} kinds of answers driven"
          if not results.failed else "the description and the daemon differ")
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
