"""Label and field selectors: the grammar of ``labelSelector`` and ``fieldSelector``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import ApiError, bad_request

Object = dict[str, Any]
Match = Callable[[Object], bool]

_TOKEN = re.compile(r"\s*(?:(!=|==|=|!|,|\(|\)|<|>)|([^\s=!,()<>]+))")
_FIELDS = {
    "pods": (
        "metadata.name", "metadata.namespace", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
        "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    "events": (
        "metadata.name", "metadata.namespace", "involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
        "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    ),
    "secrets": ("metadata.name", "metadata.namespace", "type"),
    "namespaces": ("metadata.name", "status.phase"),
    "nodes": ("metadata.name", "spec.unschedulable"),
}  # fmt: skip


def labels(text: str) -> Match:
    """A test of an object's labels. Raises a 400 worded as Kubernetes' parser words it."""
    tests = _parse(text)
    return lambda obj: all(test(obj.get("metadata", {}).get("labels") or {}) for test in tests)


def fields(text: str, resource: str) -> Match:
    """A test of an object's fields. Raises a 400 for a field that the resource does not support in selectors."""
    tests: list[tuple[str, bool, str]] = []
    for term in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([^=!]+)(!=|==|=)(.*)", term)
        if not match:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        if match[1] not in _FIELDS.get(resource, ("metadata.name", "metadata.namespace")):
            raise bad_request(f'field label not supported: "{match[1]}"')
        tests.append((match[1], match[2] != "!=", match[3]))
    return lambda obj: all((_field(obj, path) == value) is equal for path, equal, value in tests)


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    if path == "source":
        return str(obj.get("source", {}).get("component", "") or obj.get("reportingComponent", ""))
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "false" if path in ("spec.hostNetwork", "spec.unschedulable") else ""
    return str(value)


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if not match:
                raise bad_request(f"unable to parse requirement: {text}")
            self.tokens.append(match[1] or match[2])
            position = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.at += 1
        return token


LabelTest = Callable[[dict[str, str]], bool]


def _parse(text: str) -> list[LabelTest]:
    reader = _Reader(text)
    tests: list[LabelTest] = []
    while reader.peek():
        tests.append(_requirement(reader))
        end = reader.next()
        if end == "":
            break
        if end != ",":
            raise _unexpected(end, "',' or 'end of string'")
        if not reader.peek():
            raise _unexpected("", "identifier after ','")
    return tests


def _requirement(reader: _Reader) -> LabelTest:
    token = reader.next()
    if token == "!":
        key = _key(reader.next())
        return lambda labels: key not in labels
    key = _key(token)
    operator = reader.peek()
    if operator in ("", ","):
        return lambda labels: key in labels
    reader.next()
    if operator in ("=", "=="):
        value = _value(reader)
        return lambda labels: labels.get(key) == value
    if operator == "!=":
        value = _value(reader)
        return lambda labels: labels.get(key) != value
    if operator in ("in", "notin"):
        values = _values(reader)
        return (
            (lambda labels: labels.get(key) in values)
            if operator == "in"
            else (lambda labels: labels.get(key) not in values)
        )
    if operator in ("<", ">"):
        return _compare(key, operator, reader.next())
    raise _unexpected(operator, "in, notin, =, ==, !=, gt, lt")


def _compare(key: str, operator: str, text: str) -> LabelTest:
    if not re.fullmatch(r"-?\d+", text):
        raise bad_request(
            f"values[0][{key}]: Invalid value: \"{text}\": for 'Gt', 'Lt' operators, the value must be an integer"
        )
    bound = int(text)

    def test(labels: dict[str, str]) -> bool:
        value = labels.get(key, "")
        if not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > bound if operator == ">" else int(value) < bound

    return test


def _key(token: str) -> str:
    if not re.match(r"[^=!,()<>]", token or ""):
        raise _unexpected(token, "identifier")
    if not re.fullmatch(r"(?:[a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", token):
        raise bad_request(
            f'unable to parse requirement: <nil>: Invalid value: "{token}": name part must consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
            "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return token


def _value(reader: _Reader) -> str:
    if reader.peek() in ("", ","):
        return ""
    token = reader.next()
    if re.fullmatch(r"[=!()<>]+", token):
        raise _unexpected(token, "identifier")
    return token


def _values(reader: _Reader) -> set[str]:
    opening = reader.next()
    if opening != "(":
        raise _unexpected(opening, "'('")
    values, last = set(), ""
    while (token := reader.next()) != ")":
        if token == "":
            raise _unexpected("", "',' or ')'")
        if token == ",":
            if last in ("", ","):
                values.add("")
        else:
            values.add(token)
        last = token
    if last in ("", ","):
        values.add("")
    return values


def _unexpected(token: str, expected: str) -> ApiError:
    return bad_request(f"found '{token}', expected: {expected}")
