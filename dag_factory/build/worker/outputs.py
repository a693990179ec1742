"""Parse and check a job's output, the text of ``/airflow/xcom/return.json``.

These functions are pure: the pod manager reads the file, and the operator reports the errors.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pydantic

from dag_factory.build.worker.errors import OutputError

FILE = "/airflow/xcom/return.json"

LIMIT = 32 * 2**20
"""Maximum bytes of an output. Airflow stores it in one database field, and each reader loads it into memory."""

NULL_KEY = "output_is_null"
"""The XCom that marks a stored ``null``: Airflow returns None both for a null and for no output."""

_PYTHON_LITERAL = re.compile(r"'|\b(?:True|False|None)\b|\(")
_WHOLE_NUMBERS = range(-(2**63), 2**64)  # that MessagePack can store
_RESERVED = ("__classname__", "__id__")
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_size(size: int) -> None:
    """Raise ``OutputError`` if an output of ``size`` bytes is too large."""
    if size > LIMIT:
        raise OutputError(
            f"{FILE} is larger than {LIMIT // 2**20} MiB, the limit of an output"
            " (write the data to a volume, and its path to the output)"
        )


def parse(data: bytes) -> Any:
    """Parse the content of the file. Raises ``OutputError`` with the file, the position and the likely cause."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line, column = _position(data[: failure.start])
        raise OutputError(
            f"{FILE} is not UTF-8: line {line}, column {column}: byte 0x{data[failure.start]:02x}"
            " (write text with encoding='utf-8'; write binary data to a volume, and its path to the output)"
        ) from None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as failure:
        where = f"line {failure.lineno}, column {failure.colno}: {_lower(failure.msg)}"
        raise OutputError(f"{FILE} is not valid JSON: {where}{_cause(text, failure)}") from None
    except RecursionError:
        raise OutputError(f"{FILE} is nested too deeply to be read") from None
    except ValueError:  # more than Python's limit of 4,300 digits
        raise OutputError(f"{FILE} contains an integer with more than 4,300 digits (write it as text)") from None
    _check_storable(value)
    for key in _RESERVED:
        if key in text and _has_key(value, key):
            raise OutputError(f"{FILE} cannot be stored: Airflow reserves the key `{key}` (rename it)")
    return value


def check_items(value: Any, runners: Sequence[str], most: int) -> None:
    """Check an output that the jobs ``runners`` map over.

    Raises ``OutputError`` unless it is a list of at most ``most`` items.
    """
    if not runners:
        return
    runs = _runs_per_item(runners)
    if not isinstance(value, list):
        raise OutputError(f"{runs}, so it must be a list; it is {describe_type(value)}")
    if len(value) > most:
        raise OutputError(
            f"{runs}, but the list has {len(value):,} items; at most {most:,} are allowed"
            " (let each mapped task process several items: use a list of lists)"
        )


def check_exists(runners: Sequence[str]) -> None:
    """Raise ``OutputError`` if jobs map over the output of a job that wrote none."""
    if runners:
        raise OutputError(
            f"{_runs_per_item(runners)}, so it must be a list; this job wrote no output: {FILE} is missing or empty"
        )


def _runs_per_item(runners: Sequence[str]) -> str:
    names = ", ".join(f"`{name}`" for name in runners)
    return f"{names} {'runs' if len(runners) == 1 else 'run'} once per item of this output"


def _cause(text: str, failure: json.JSONDecodeError) -> str:
    if failure.msg == "Extra data":
        return " (several values? write them as one list)"
    rest = text[failure.pos : failure.pos + 40].lstrip()
    if _PYTHON_LITERAL.match(rest):
        return " (a Python value? write json.dump(value, file))"
    if rest.startswith(("}", "]")):
        return " (a comma after the last item?)"
    if not rest:
        return " (incomplete? close the file before the job ends)"
    if rest[0].isalpha():
        return " (plain text? write json.dump(text, file))"
    return ""


def _check_storable(value: Any) -> None:
    """Find values that JSON, or the protocol between a task's process and its supervisor, cannot represent."""
    try:
        json.dumps(value, allow_nan=False)
        msgspec.msgpack.encode(value)
        pydantic.TypeAdapter(pydantic.JsonValue).validate_python([[value]])  # as Airflow validates it
        return
    except (RecursionError, pydantic.ValidationError):  # the value is valid except for its depth
        raise OutputError(f"{FILE} is nested too deeply to be stored (more than about 250 levels)") from None
    except (ValueError, OverflowError):
        pass  # search for the position only now: a walk in Python is slow
    for path, one in _leaves(value):
        if (reason := _unstorable(one)) is not None:
            where = f"`{path.encode(errors='backslashreplace').decode()[:200]}`" if path else "the value"
            raise OutputError(f"{FILE} cannot be stored: {where} is {reason}")


def _unstorable(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return f"{name}, which is not valid JSON (write null or text)"
    if isinstance(value, int) and value not in _WHOLE_NUMBERS:
        return "an integer of more than 64 bits (write it as text)"
    if isinstance(value, str) and _SURROGATE.search(value):
        return "text with an unpaired surrogate (write valid Unicode)"
    return None


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each scalar and each invalid key with its path, in the order of the file. There is no recursion."""
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
    """Describe a JSON value, for messages."""
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
