"""A job's output: the text of ``/airflow/xcom/return.json`` as a value, or the reason why it is none.

Pure functions; the pod manager reads the file, the operator reports what they raise.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pydantic
from airflow.sdk.exceptions import AirflowException

FILE = "/airflow/xcom/return.json"

LIMIT = 32 * 2**20
"""Bytes of an output. Airflow's database holds it in one field, and each reader's process in memory."""

NULL_KEY = "output_is_null"
"""The XCom that marks a stored ``null``: Airflow gives the same None for a null and for no output."""

_PYTHON_LITERAL = re.compile(r"'|\b(?:True|False|None)\b|\(")
_WHOLE_NUMBERS = range(-(2**63), 2**64)  # that MessagePack has
_RESERVED = ("__classname__", "__id__")
_SURROGATE = re.compile("[\ud800-\udfff]")


class OutputError(AirflowException):
    """The job wrote an output that cannot be used."""


def check_size(size: int) -> None:
    """Raise ``OutputError`` where so many bytes are too many."""
    if size > LIMIT:
        raise OutputError(
            f"{FILE} is larger than {LIMIT // 2**20} MiB, the most that an output may have"
            " (write the data to a volume, and its path to the output)"
        )


def parse(data: bytes) -> Any:
    """The value of a file's content.

    Raises ``OutputError``, which names the file, the position and the likely cause.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line, column = _position(data[: failure.start])
        raise OutputError(
            f"{FILE} is not UTF-8: line {line}, column {column}: byte 0x{data[failure.start]:02x}"
            " (write text with encoding='utf-8'; keep binary data in a volume and write its path)"
        ) from None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as failure:
        where = f"line {failure.lineno}, column {failure.colno}: {_lower(failure.msg)}"
        raise OutputError(f"{FILE} is not valid JSON: {where}{_cause(text, failure)}") from None
    except RecursionError:
        raise OutputError(f"{FILE} is nested too deeply to be read") from None
    except ValueError:  # Python's own limit, 4,300 digits
        raise OutputError(f"{FILE} has a whole number of thousands of digits (write it as text)") from None
    _check_storable(value)
    for key in _RESERVED:
        if key in text and _has_key(value, key):
            raise OutputError(
                f"{FILE} cannot be stored: the key `{key}` has a meaning of its own in Airflow (rename it)"
            )
    return value


def check_items(value: Any, runners: Sequence[str], most: int) -> None:
    """Check the output that the jobs ``runners`` run over, each once for each item.

    Raises ``OutputError`` for anything but a list of at most ``most`` items.
    """
    if not runners:
        return
    who = ", ".join(f"`{name}`" for name in runners)
    runs = f"{who} {'runs' if len(runners) == 1 else 'run'} for each item of this output"
    if not isinstance(value, list):
        raise OutputError(f"{runs}, so it must be a list; it is {describe_type(value)}")
    if len(value) > most:
        raise OutputError(
            f"{runs}, and the list has {len(value):,} items, more than {most:,}"
            " (let one instance work on several items: a list of lists)"
        )


def check_exists(runners: Sequence[str]) -> None:
    """Raise ``OutputError`` where jobs run over the output of a job that wrote none."""
    if runners:
        who = ", ".join(f"`{name}`" for name in runners)
        raise OutputError(
            f"{who} {'runs' if len(runners) == 1 else 'run'} for each item of this output, so it must be a list;"
            f" this job wrote no output: {FILE} is missing or empty"
        )


def _cause(text: str, failure: json.JSONDecodeError) -> str:
    if failure.msg == "Extra data":
        return " (several values? write one list of them)"
    rest = text[failure.pos : failure.pos + 40].lstrip()
    if _PYTHON_LITERAL.match(rest):
        return " (a Python value? write json.dump(value, file))"
    if rest.startswith(("}", "]")):
        return " (a comma after the last item?)"
    if not rest:
        return " (is it cut off? close the file before the job ends)"
    if rest[0].isalpha():
        return " (plain text? write json.dump(text, file))"
    return ""


def _check_storable(value: Any) -> None:
    """Find what JSON, or the protocol between a task's process and its supervisor, cannot hold."""
    try:
        json.dumps(value, allow_nan=False)
        msgspec.msgpack.encode(value)
        pydantic.TypeAdapter(pydantic.JsonValue).validate_python([[value]])  # as Airflow takes it
        return
    except (RecursionError, pydantic.ValidationError):  # a valid value but for its depth
        raise OutputError(f"{FILE} is nested too deeply to be stored (more than some 250 levels)") from None
    except (ValueError, OverflowError):
        pass  # only now look for the place: a walk in Python is slow
    for path, one in _leaves(value):
        if (reason := _unstorable(one)) is not None:
            where = f"`{path.encode(errors='backslashreplace').decode()[:200]}`" if path else "the value"
            raise OutputError(f"{FILE} cannot be stored: {where} is {reason}")


def _unstorable(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"{name}, which JSON does not have (write null, or text)"
    if isinstance(value, int) and value not in _WHOLE_NUMBERS:
        return "a whole number of more than 64 bits (write it as text)"
    if isinstance(value, str) and _SURROGATE.search(value):
        return "text with half of a surrogate pair (write text that is valid Unicode)"
    return None


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Every value that holds no others, and every key, with its path; without recursion, in the file's order."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, dict):
            waiting += [(f"{path}.{key}" if path else key, item) for key, item in reversed(one.items())]
            waiting += [(f"{path}.{key}" if path else key, key) for key in one if _SURROGATE.search(key)]
        elif isinstance(one, list):
            waiting += [(f"{path}[{index}]", item) for index, item in reversed(list(enumerate(one)))]
        else:
            yield path, one


def _has_key(value: Any, key: str) -> bool:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if key in one:
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def describe_type(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return f"a map of {len(value):,} {'key' if len(value) == 1 else 'keys'}"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return f"a list of {len(value):,} {'item' if len(value) == 1 else 'items'}"
    return "true or false" if isinstance(value, bool) else "a number"


def _position(before: bytes) -> tuple[int, int]:
    line = before.rpartition(b"\n")[2]
    return before.count(b"\n") + 1, len(line.decode(errors="replace")) + 1


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
