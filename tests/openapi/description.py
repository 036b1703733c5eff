"""docs/openapi.yaml as the contract test sees it: its operations, what each may answer, and whether an answer is one
of these."""

import gzip
import json
import re

import jsonschema
import yaml

METHODS = ("get", "put", "post", "patch", "delete")
# What HTTP itself, or the library below the server, puts into answers; the contract need not name these.
PLUMBING = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
PROBLEM = "application/problem+json"
EMPTY = "no content"


class Operation:
    """One method of one path. `responses` maps a status, as text, to the response."""

    def __init__(self, method, path, parameters, node, resolve):
        self.id = node["operationId"]
        self.method = method.upper()
        self.path = path
        self.parameters = [resolve(p) for p in parameters + node.get("parameters", [])]
        self.body = resolve(node["requestBody"]) if "requestBody" in node else None
        self.responses = {status: resolve(r) for status, r in node["responses"].items()}

    def has_parameter(self, name):
        return any(p["name"] == name for p in self.parameters)


class Description:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.document = yaml.safe_load(file)
        self.operations = {}
        self.objects = {}  # those of the schemas that answers were compared with, by id()
        self.members = set()  # (id of the object, member) that some answer had
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    operation = Operation(method, path, item.get("parameters", []), item[method], self.resolve)
                    assert operation.id not in self.operations, f"two operations are called {operation.id}"
                    self.operations[operation.id] = operation

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/")]
            node = target
        return node

    def cases(self):
        """All that has to be driven: (operation, status, what), where `what` is the name of a problem, else a content
        type."""
        for operation in self.operations.values():
            for status, response in operation.responses.items():
                for what in self.kinds(response):
                    yield operation.id, status, what

    def kinds(self, response):
        content = response.get("content", {EMPTY: {}})
        for media_type, node in content.items():
            if media_type == PROBLEM:
                yield from node["examples"]
            else:
                yield media_type

    def problems(self):
        """What the introduction's table says: {name: status}."""
        rows = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", self.document["info"]["description"], re.M)
        assert len(rows) == len(dict(rows)), "the introduction names a problem twice"
        return dict(rows)

    def spelled_out(self, operation):
        """The paths of an operation: with each value of a parameter that has a list of them."""
        paths = {operation.path}
        for parameter in operation.parameters:
            place = "{" + parameter["name"] + "}"
            values = parameter["schema"].get("enum", [place])
            paths = {path.replace(place, value) for path in paths for value in values}
        return paths

    # ---- judging ----

    def judge(self, operation, answer):
        """Compare an answer with the contract. Returns what it is, as in cases(), and a list of complaints."""
        response = operation.responses.get(str(answer.status))
        if response is None:
            return None, [f"status {answer.status} is not documented: {answer.body[:200]!r}"]
        what, complaints = self.judge_content(response, answer)
        return what, complaints + list(self.judge_headers(response, answer))

    def judge_headers(self, response, answer):
        documented = {name.lower(): self.resolve(node) for name, node in response.get("headers", {}).items()}
        for name, node in documented.items():
            if name in answer.headers:
                yield from self.mismatches(node["schema"], answer.headers[name], f"header {name}")
            elif node.get("required"):
                yield f"header {name} is missing"
        for name in answer.headers:
            if name not in documented and name not in PLUMBING:
                yield f"header {name} is not documented"

    def judge_content(self, response, answer):
        if "content" not in response:
            complaints = [f"a body that is not documented: {answer.body[:200]!r}"] if answer.body else []
            return EMPTY, complaints
        media_type = answer.headers.get("content-type", "").split(";")[0]
        node = response["content"].get(media_type)
        if node is None:
            return None, [f"content type '{media_type}' is not documented"]
        try:
            value = parse(media_type, answer)
        except ValueError as error:
            return media_type, [f"the body is not {media_type}: {error}"]
        complaints = list(self.mismatches(node["schema"], value, "body"))
        self.register(node["schema"])
        self.note_members(node["schema"], value)
        if media_type != PROBLEM or complaints:
            return media_type, complaints
        return self.judge_problem(node["examples"], answer.status, value)

    def judge_problem(self, examples, status, problem):
        name = problem["type"].removeprefix("/problems/")
        if name not in examples:
            return None, [f"problem {problem['type']} is not documented here: {problem['detail']}"]
        example = self.resolve(examples[name])["value"]
        complaints = [
            f"{key} is {problem[key]!r}, the example says {example[key]!r}"
            for key in ("type", "title", "status")
            if problem[key] != example[key]
        ]
        if problem["status"] != status:
            complaints.append(f"the body says {problem['status']}, the status line {status}")
        return name, complaints

    def register(self, node):
        """All objects that an answer of this schema may have in it."""
        node = self.resolve(node)
        parts = node.get("allOf", []) + node.get("oneOf", []) + [node[key] for key in ("items",) if key in node]
        if "properties" in node and id(node) not in self.objects:
            self.objects[id(node)] = node
            parts += node["properties"].values()
        for part in parts:
            self.register(part)

    def note_members(self, node, value):
        node = self.resolve(node)
        for part in node.get("allOf", []) + node.get("oneOf", []):
            if not list(self.mismatches(part, value, "")):
                self.note_members(part, value)
        if isinstance(value, list):
            for item in value:
                self.note_members(node.get("items", {}), item)
        if isinstance(value, dict) and "properties" in node:
            for name in value.keys() & node["properties"].keys():
                self.members.add((id(node), name))
                self.note_members(node["properties"][name], value[name])

    def members_not_seen(self):
        """Members that are documented, and that no answer had."""
        for key, node in self.objects.items():
            for name in node["properties"]:
                if (key, name) not in self.members:
                    yield f"{name} of '{node.get('description')}'"

    def mismatches(self, schema, value, where):
        validator = jsonschema.Draft7Validator(self.as_json_schema(schema))
        for error in validator.iter_errors(value):
            at = "".join(f"[{step!r}]" for step in error.absolute_path)
            yield f"{where}{at}: {error.message[:300]}"

    def as_json_schema(self, node):
        """OpenAPI 3.0 says `nullable`, and takes regular expressions as JavaScript does: `$` is the very end."""
        node = self.resolve(node)
        schema = {}
        for key, value in node.items():
            if key in ("allOf", "anyOf", "oneOf"):
                schema[key] = [self.as_json_schema(part) for part in value]
            elif key == "properties":
                schema[key] = {name: self.as_json_schema(part) for name, part in value.items()}
            elif key == "items" or key == "additionalProperties" and isinstance(value, dict):
                schema[key] = self.as_json_schema(value)
            elif key == "pattern":
                schema[key] = re.sub(r"\$$", r"\\Z", value)
            elif key not in ("description", "example", "nullable", "format"):
                schema[key] = value
        return {"anyOf": [schema, {"type": "null"}]} if node.get("nullable") else schema


def parse(media_type, answer):
    """The body as a value: of JSON what it says, else text."""
    body = answer.body
    if answer.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    text = body.decode("utf-8")
    if media_type == "application/json" or media_type.endswith("+json"):
        return json.loads(text, object_pairs_hook=without_repeats)
    return text


def without_repeats(pairs):
    if len(pairs) != len(dict(pairs)):
        raise ValueError(f"a member stands twice: {[name for name, _ in pairs]}")
    return dict(pairs)
