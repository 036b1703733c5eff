#!/usr/bin/python3 -B
"""The contract test: every operation, status and problem that docs/openapi.yaml documents is brought about on the real
daemon, and each answer is compared with it.

    SEQD=build/seqd tests/openapi/check_contract.py [DESCRIPTION]

Neither can drift from the other: what is documented and not in table.py, what is in table.py and not documented,
whatever the daemon answers that is not documented, and what only the tables of its source know each fail the test.
"""

import json
import os
import sys
import time

sys.path.append(os.path.join(os.path.dirname(__file__), "../lib"))
from asking import as_list, asks_for, await_stop, build, examples, idle_connection, plain_request
from beyond import Beyond, Results
from daemon import TIMEOUT_S, Connection, Daemon
from description import Description
from table import ADMIN, BROKEN, EVERYWHERE, SCENES

BODY_MAX = 65536  # bytes of one body …
BODIES = 257  # … and so many are more than all together may have
DESCRIPTION = "docs/openapi.yaml"


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

    def let_go(self):
        for connection in self.crowd:
            connection.close()

    def close(self):
        self.let_go()
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
        deadline = time.monotonic() + TIMEOUT_S
        while json.loads(daemon.get("/v1/sequences/default").body)["waiters"] != str(count):
            assert time.monotonic() < deadline, f"there are no {count} requests that wait"
            time.sleep(0.01)

    def ends(self):
        """Told to stop, they do, and have nothing to complain of."""
        self.let_go()
        for name, daemon in self.daemons.items():
            status = daemon.stop()
            self.results.note(f"the end of '{name}'", [] if status == 0 else [f"{status}", *daemon.said])

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

def main():
    path = sys.argv[1] if len(sys.argv) > 1 else DESCRIPTION
    description = Description(path)
    check = Check(os.environ["SEQD"], description)
    beyond = Beyond(check.program, description, check.daemons, check.results)
    try:
        beyond.table()
        beyond.problems()
        beyond.sources()
        beyond.version()
        beyond.served(path)
        check.cases()
        check.parameters()
        check.elsewhere()
        beyond.paths()
        beyond.oddities()
        beyond.origins()
        beyond.preflight()
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
