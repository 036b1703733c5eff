"""The table of the contract test: for all that docs/openapi.yaml documents, the request that brings it about."""

import hashlib
from dataclasses import dataclass, field

from description import EMPTY

ADMIN = {"Authorization": "Bearer seqd_" + "A" * 43}  # what every request sends that says nothing else
NARROW = {"Authorization": "Bearer seqd_" + "N" * 43}
WRONG = {"Authorization": "Bearer seqd_" + "W" * 43}


def token_line(headers, rest):
    token = headers["Authorization"].removeprefix("Bearer ")
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()} {rest}\n"


TOKENS = token_line(ADMIN, "admin *") + token_line(NARROW, "read none-of-these")


ORIGIN = "https://example.org"  # whose pages may read the answers of "shared"


def scene(wait_timeout, sequences, options=""):
    """The files of a daemon that lets nobody do anything without a token."""
    return {
        "tokens": TOKENS,
        "seqd.conf": f"""
[http]
threads = 1
wait_timeout = {wait_timeout}
request_timeout = 10min
idle_timeout = 10min
tokens = {{folder}}/tokens
issue_without_token = never
{options}
{sequences}
""",
    }


PLAIN = """
[sequence:default]
[sequence:orders]
[sequence:spent]
max = 2
[sequence:tickets]
kind = timestamp
node_id = 17
"""
EVERY = "[sequence:default]\ndurability = every\n"

# Daemons by name. What may change anything beyond its own case is asked of "other".
SCENES = {
    "plain": scene("5s", PLAIN),
    "other": scene("5s", PLAIN),
    "bare": scene("5s", "[sequence:orders]"),
    "spent": scene("5s", "[sequence:default]\nmax = 2"),
    "broken": scene("10ms", EVERY),
    "stopping": scene("5min", EVERY),
    "crowded": scene("5s", PLAIN),
    "shared": scene("5s", PLAIN, f"cors_origins = {ORIGIN}"),
    "forgetful": scene("5s", PLAIN + "[seqd]\nledger_age = 0s\n"),
}
# Of these no file can be written any more.
BROKEN = ("broken", "stopping")


EXAMPLE = object()


@dataclass
class Ask:
    """A request: the operation with the examples of its parameters, and of its body, but for what is said here."""

    path: dict = field(default_factory=dict)  # values of parameters in the path
    query: dict = field(default_factory=dict)  # None leaves a parameter out
    headers: dict = field(default_factory=dict)  # None leaves one out
    body: object = EXAMPLE  # bytes; None sends none
    on: str = "plain"
    before: tuple = ()  # (operation, Ask) that are asked first, each of which has to be granted
    until: bool = False  # ask again until it is answered so: the way there takes time
    waits: bool = False  # is answered when the daemon stops


def named(name, **rest):
    return Ask(path={"name": name}, **rest)


TIMED = b'{"kind": "timestamp"}'
LATE = b'{"past": "900000000000000000"}'
LESS_LATE = b'{"past": "800000000000000000", "force": true}'
JSON = {"Accept": "application/json"}
TEXT = {"Accept": "text/plain"}

# The same for every operation that documents it.
EVERYWHERE = {
    ("200", "application/json"): Ask(headers=JSON),
    ("200", "text/plain"): Ask(headers=TEXT),
    ("304", EMPTY): Ask(headers={"If-None-Match": "*"}),
    ("400", "bad-body"): [Ask(body=b"[]"), Ask(body=b'{"max_gap": 1.5}'), Ask(body=b'{"colour": "red"}'), Ask(body=b"{")],
    ("400", "bad-count"): Ask(query={"count": "0"}),
    ("400", "bad-name"): Ask(path={"name": "-orders"}),
    ("400", "body-refused"): Ask(body=b"1"),
    ("400", "unknown-parameter"): Ask(query={"number": "1"}),
    ("401", "unauthenticated"): [Ask(headers={"Authorization": None}), Ask(headers=WRONG)],
    ("403", "forbidden"): Ask(headers=NARROW),
    ("404", "unknown-sequence"): Ask(path={"name": "order"}),
    ("406", "not-acceptable"): Ask(headers={"Accept": "image/png"}),
    ("409", "exhausted"): Ask(path={"name": "spent"}, query={"count": "3"}),
    ("409", "wrong-kind"): Ask(path={"name": "orders"}),
    ("413", "body-too-large"): [Ask(headers={"Content-Length": "65537"}, body=b" " * 65537)],
    ("414", "target-too-long"): Ask(query={"number": "1" * 1024}),
    ("415", "unsupported-media-type"): [Ask(headers={"Content-Type": "text/plain"}), Ask(headers={"Content-Type": None})],
    ("431", "header-too-large"): Ask(headers={"X-Large": "1" * 3072}),
    ("503", "no-lease"): Ask(on="broken"),
    ("503", "not-writable"): Ask(on="broken", path={"name": "default"}),
    ("503", "prefetch-refused"): Ask(headers={"Sec-Purpose": "prefetch"}),
    ("503", "stopping"): Ask(on="stopping"),
    ("503", "too-busy"): Ask(on="crowded", until=True),
}

# Where an operation differs, or is alone. A list is asked in this order; each answer has to be so.
HERE = {
    ("getDefault", "404", "unknown-sequence"): Ask(on="bare"),
    ("postDefault", "404", "unknown-sequence"): Ask(on="bare"),
    ("getDefault", "409", "exhausted"): Ask(on="spent"),
    ("postDefault", "409", "exhausted"): Ask(on="spent"),
    ("readiness", "503", "not-ready"): Ask(on="broken", until=True),
    ("getDefault", "503", "stopping"): Ask(on="stopping", waits=True),
    ("postDefault", "503", "stopping"): Ask(on="stopping", waits=True),
    ("getNext", "503", "stopping"): Ask(on="stopping", waits=True),
    ("postNext", "503", "stopping"): Ask(on="stopping", waits=True),
    ("createSequence", "201", "application/json"): [
        named("created", body=None),
        named("created-time", body=b'{"kind": "timestamp", "epoch": "2026-01-01T00:00:00Z", "time_unit": "10ms", "node_id": 3}'),
        named("created-down", body=b'{"start": "1000", "increment": -1, "min": 1, "max_gap": "5", "lease": 5}'),
    ],
    ("createSequence", "200", "application/json"): [
        named("twice", before=(("createSequence", named("twice", body=b"{}")),), body=b'{"max_gap": 100000}'),
        named("orders", body=None),
    ],
    ("createSequence", "400", "bad-definition"): [named("other", body=b'{"start": "5", "max": "3"}')],
    ("createSequence", "409", "conflict"): [
        named("orders", body=b'{"start": "2"}'),
        named("tickets", body=b'{"kind": "timestamp", "node_id": 17, "epoch": "2026-01-01T00:00:00Z"}'),
    ],
    ("createSequence", "409", "exhausted"): named(
        "worn",
        body=b'{"max": "1"}',
        before=(
            ("createSequence", named("worn", body=b'{"max": "1"}')),
            ("getNext", named("worn", query={"count": "1"})),
            ("dropSequence", named("worn")),
        ),
    ),
    ("alterSequence", "200", "application/json"): [
        named("orders"),
        named("tickets", body=b'{"max_borrow_ms": 500}'),
        named("orders", body=b'{"max_gap": 500, "lease": "auto", "durability": "every"}'),
    ],
    ("alterSequence", "400", "bad-definition"): [
        named("orders", body=b"{}"),
        named("orders", body=b'{"start": "5"}'),
        named("orders", body=b'{"max_gap": "0"}'),
        named("orders", body=b'{"max_borrow_ms": 5}'),
    ],
    ("dropSequence", "200", "application/json"): [
        named("fresh", before=(("createSequence", named("fresh", body=b"{}")),)),
        named("used", before=(("createSequence", named("used", body=b"{}")), ("getNext", named("used")))),
    ],
    ("advanceSequence", "200", "application/json"): [
        named("moved", before=(("createSequence", named("moved", body=b"{}")),), body=b'{"past": 2000}'),
        named("moved", body=b'{"past": "5000", "force": false}'),
        named("moved", body=b'{"past": "1000", "force": true}'),
        named("moved-time", before=(("createSequence", named("moved-time", body=TIMED)),), body=LATE),
        named("moved-time", body=LESS_LATE),
    ],
    ("advanceSequence", "400", "bad-body"): [named("orders", body=b"{}"), named("orders", body=b'{"past": "x"}')],
    ("advanceSequence", "409", "would-rewind"): named("spent", body=b'{"past": "0"}', before=(("getNext", named("spent", query={"count": "1"})),)),
    ("advanceSequence", "409", "exhausted"): named("spent", body=b'{"past": "2"}'),
    ("docs", "200", "text/html"): Ask(),
    ("docsMove", "308", EMPTY): Ask(),
    ("docsFile", "200", "text/javascript"): [Ask(), Ask(path={"file": "swagger-ui-bundle.js"})],
    ("docsFile", "200", "text/css"): Ask(path={"file": "swagger-ui.css"}),
    ("docsFile", "404", "unknown-path"): Ask(path={"file": "swagger-ui.js"}),
    ("listSequences", "200", "application/json"): [
        Ask(),
        Ask(query={"prefix": None, "after": None, "limit": "1"}),
        Ask(query={"prefix": None, "after": None, "limit": None}),
    ],
    ("listSequences", "400", "bad-parameter"): [
        Ask(query={"limit": "0"}),
        Ask(query={"prefix": "-"}),
        Ask(query={"after": "-"}),
    ],
    ("decodeNumber", "400", "bad-parameter"): [
        Ask(path={"number": "-1"}),
        Ask(path={"number": "9223372036854775808"}),
    ],
    ("numbersOfTime", "200", "application/json"): [
        Ask(),
        Ask(query={"from": "2026-11-25T20:15:00.5Z", "to": "2026-11-25T22:15:00+01:00"}),
    ],
    ("numbersOfTime", "400", "bad-parameter"): [
        Ask(query={"from": None}),
        Ask(query={"to": "tomorrow"}),
        Ask(query={"to": "2026-11-25T20:15:00Z"}),
    ],
    ("readLedger", "200", "application/json"): [
        Ask(query={"after": None}, before=(("getNext", named("orders")),)),
        Ask(query={"sequence": "tickets", "number": None, "after": None}, before=(("getNext", named("tickets")),)),
        Ask(query={"sequence": None, "number": None, "limit": "1"}),
        Ask(query={"sequence": None, "number": None, "after": None, "limit": None}),
    ],
    ("readLedger", "400", "bad-parameter"): [
        Ask(query={"sequence": "-"}),
        Ask(query={"number": "1.5"}),
        Ask(query={"after": "1"}),
        Ask(query={"limit": "0"}),
        Ask(query={"limit": "1001"}),
    ],
    ("readLedger", "400", "unknown-parameter"): Ask(query={"count": "1"}),
    ("readLedger", "404", "no-ledger"): Ask(on="forgetful"),
    ("openapiYaml", "200", "application/yaml"): Ask(),
}

# Documented in the introduction only, because no operation answers so by itself: see check_paths().
ELSEWHERE = {
    "malformed-request": "400",
    "method-not-allowed": "405",
    "unknown-path": "404",
}
