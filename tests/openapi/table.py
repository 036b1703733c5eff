"""The table of the contract test: for all that docs/openapi.yaml documents, the request that brings it about."""

from dataclasses import dataclass, field

from description import EMPTY

CONFIGURATION = """
[http]
threads = 1
wait_timeout = {wait_timeout}
request_timeout = 10min
"""

PLAIN = """
[sequence:default]
[sequence:orders]
[sequence:spent]
max = 2
"""

# Daemons by name, each with its files. What may change anything beyond its own case is asked of "other".
SCENES = {
    "plain": {"seqd.conf": CONFIGURATION.format(wait_timeout="5s") + PLAIN},
    "other": {"seqd.conf": CONFIGURATION.format(wait_timeout="5s") + PLAIN},
    "bare": {"seqd.conf": CONFIGURATION.format(wait_timeout="5s") + "[sequence:orders]\n"},
    "spent": {"seqd.conf": CONFIGURATION.format(wait_timeout="5s") + "[sequence:default]\nmax = 2\n"},
    "broken": {"seqd.conf": CONFIGURATION.format(wait_timeout="10ms") + "[sequence:default]\ndurability = every\n"},
    "stopping": {"seqd.conf": CONFIGURATION.format(wait_timeout="5min") + "[sequence:default]\ndurability = every\n"},
}
# Of these no file can be written any more.
BROKEN = ("broken", "stopping")


@dataclass
class Ask:
    """A request: the operation with the examples of its parameters, and of its body, but for what is said here."""

    path: dict = field(default_factory=dict)  # values of parameters in the path
    query: dict = field(default_factory=dict)  # None leaves a parameter out
    headers: dict = field(default_factory=dict)
    body: object = None  # bytes
    on: str = "plain"
    until: bool = False  # ask again until it is answered so: the way there takes time
    waits: bool = False  # is answered when the daemon stops


JSON = {"Accept": "application/json"}
TEXT = {"Accept": "text/plain"}

# The same for every operation that documents it.
EVERYWHERE = {
    ("200", "application/json"): Ask(headers=JSON),
    ("200", "text/plain"): Ask(headers=TEXT),
    ("304", EMPTY): Ask(headers={"If-None-Match": "*"}),
    ("400", "bad-count"): Ask(query={"count": "0"}),
    ("400", "bad-name"): Ask(path={"name": "-orders"}),
    ("400", "body-refused"): Ask(body=b"1"),
    ("400", "unknown-parameter"): Ask(query={"number": "1"}),
    ("404", "unknown-sequence"): Ask(path={"name": "order"}),
    ("406", "not-acceptable"): Ask(headers={"Accept": "image/png"}),
    ("409", "exhausted"): Ask(path={"name": "spent"}, query={"count": "3"}),
    ("413", "body-too-large"): Ask(headers={"Content-Length": "65537"}),
    ("414", "target-too-long"): Ask(query={"number": "1" * 1024}),
    ("431", "header-too-large"): Ask(headers={"X-Large": "1" * 3072}),
    ("503", "no-lease"): Ask(on="broken"),
    ("503", "prefetch-refused"): Ask(headers={"Sec-Purpose": "prefetch"}),
    ("503", "stopping"): Ask(on="stopping", waits=True),
}

# Where an operation differs, or is alone. A list is asked in this order; each answer has to be so.
HERE = {
    ("getDefault", "404", "unknown-sequence"): Ask(on="bare"),
    ("postDefault", "404", "unknown-sequence"): Ask(on="bare"),
    ("getDefault", "409", "exhausted"): Ask(on="spent"),
    ("postDefault", "409", "exhausted"): Ask(on="spent"),
    ("readiness", "503", "not-ready"): Ask(on="broken", until=True),
    ("readiness", "503", "stopping"): Ask(on="stopping", until=True),
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
    ("openapiYaml", "200", "application/yaml"): Ask(),
}

# Documented in the introduction only, because no operation answers so by itself: see check_paths().
ELSEWHERE = {
    "malformed-request": "400",
    "method-not-allowed": "405",
    "too-busy": "503",
    "unknown-path": "404",
    "unsupported-media-type": "415",
}
