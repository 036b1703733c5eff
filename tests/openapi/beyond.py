"""What the contract test checks beyond the answers of single operations."""

import json
import re
import subprocess

from asking import build, plain_request
from description import EMPTY, METHODS
from table import ELSEWHERE, EVERYWHERE, HERE, ORIGIN, Ask

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


class Beyond:
    def __init__(self, program, description, daemons, results):
        self.program = program
        self.description = description
        self.daemons = daemons
        self.results = results

    def table(self):
        """Nothing in the table is idle."""
        cases = set(self.description.cases())
        kinds = {case[1:] for case in cases}
        for case in HERE:
            self.results.note(f"table.py: {' '.join(case)}", [] if case in cases else ["is not documented"])
        for kind in EVERYWHERE:
            self.results.note(f"table.py: {' '.join(kind)}", [] if kind in kinds else ["is documented nowhere"])

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
