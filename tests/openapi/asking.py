"""Requests as bytes, and the connections that they take."""

import json
import time
from urllib.parse import quote

from daemon import TIMEOUT_S, Connection
from table import ADMIN, EVERYWHERE, EXAMPLE, HERE


def asks_for(case):
    """What the table says of a case of the description, as a list."""
    return as_list(HERE.get(case) or EVERYWHERE.get(case[1:]) or [])


def as_list(asks):
    return asks if isinstance(asks, list) else [asks]


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


def idle_connection(daemon):
    """One that has been served already."""
    connection = Connection(daemon.address)
    connection.send(plain_request("GET", "/healthz", {}, b""))
    connection.receive()
    return connection


def await_stop(connection):
    """Ask until the stop has begun: from then on every answer closes its connection."""
    deadline = time.monotonic() + TIMEOUT_S
    answer = None
    while answer is None or answer.headers.get("connection") != "close":
        assert time.monotonic() < deadline, "the daemon does not stop"
        connection.send(plain_request("GET", "/readyz", {}, b""))
        answer = connection.receive()
