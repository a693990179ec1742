"""Decodes the JSON of a request into an object of its kind, as the decoder of an API server does.

Values of a wrong type are a 400 with the words of Go's decoder. Unknown fields are dropped and reported. A null is the
same as a missing field; in a list or a map, it is the zero value of the type.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ..objects import quantity
from .errors import bad_request

Types = dict[str, dict[str, str]]

_INT_RANGE = {"int32": 1 << 31, "int64": 1 << 63}
_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


@cache
def types() -> Types:
    """The fields of each type, with the name of their Go type: ``scripts/cluster_types.py`` writes them."""
    found: Types = json.loads(files(__package__).joinpath("schema/types.json").read_text("utf-8"))
    return found


@dataclass
class Decoded:
    """An object without null values and unknown fields. ``unknown``: the paths of the unknown fields."""

    object: dict[str, Any]
    unknown: list[str]


def decode(kind: str, body: Any) -> Decoded:
    """Raises a 400 for a value of a wrong type."""
    decoder = _Decoder(kind)
    if not isinstance(body, dict):
        name = _JSON_NAMES.get(type(body), "null")
        raise decoder.error(f"json: cannot unmarshal {name} into Go value of type v1.{kind}")
    return Decoded(decoder.struct(kind, body, ()), decoder.unknown)


@dataclass
class _Decoder:
    kind: str
    unknown: list[str] = field(default_factory=list)

    def error(self, text: str) -> Exception:
        return bad_request(f'{self.kind} in version "v1" cannot be handled as a {self.kind}: {text}')

    def struct(self, name: str, value: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        fields, found = types()[name], {}
        for key, child in value.items():
            if key not in fields:
                self.unknown.append(_position((*path, key)))
            elif child is not None:
                found[key] = self.value(fields[key], child, (*path, key), name)
        return found

    def value(self, kind: str, value: Any, path: tuple[str | int, ...], owner: str) -> Any:
        """``owner`` is the type that has the field at the end of ``path``."""
        if kind == "[]uint8":
            return self._bytes(value, path, owner)
        if kind.startswith("[]"):
            if not isinstance(value, list):
                raise self._mismatch(value, kind, path, owner)
            return [self._element(kind[2:], child, (*path, i), owner) for i, child in enumerate(value)]
        if kind.startswith("map[string]"):
            if not isinstance(value, dict):
                raise self._mismatch(value, kind, path, owner)
            inner = kind.removeprefix("map[string]")
            return {_text(key): self._element(inner, child, path, owner) for key, child in value.items()}
        if kind in types():
            if not isinstance(value, dict):
                raise self._mismatch(value, kind, path, owner)
            return self.struct(kind, value, path)
        return self._scalar(kind, value, path, owner)

    def _element(self, kind: str, value: Any, path: tuple[str | int, ...], owner: str) -> Any:
        if value is not None:
            return self.value(kind, value, path, owner)
        zero: dict[str, Any] = {"string": "", "int32": 0, "int64": 0, "bool": False, "Quantity": "0", "[]uint8": ""}
        return zero.get(kind, [] if kind.startswith("[]") else {})

    def _scalar(self, kind: str, value: Any, path: tuple[str | int, ...], owner: str) -> Any:
        if kind == "Quantity":
            try:
                return quantity.canonical(value)
            except ValueError as error:
                raise self.error(str(error)) from error
        if kind == "IntOrString" and not isinstance(value, str):
            return self._integer("int32", value, "Go value of type int32")
        if kind == "Time" and not isinstance(value, str):
            name = _JSON_NAMES[type(value)]
            raise self.error(f"json: cannot unmarshal {name} into Go value of type string")
        if kind in _INT_RANGE:
            return self._integer(kind, value, _place(kind, path, owner))
        if kind != "any" and not isinstance(value, bool if kind == "bool" else str):
            raise self._mismatch(value, kind, path, owner)
        return _text(value) if isinstance(value, str) else value

    def _integer(self, kind: str, value: Any, where: str) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and -_INT_RANGE[kind] <= value < _INT_RANGE[kind]:
            return value
        name = _JSON_NAMES[type(value)]
        raise self.error(f"json: cannot unmarshal {f'number {value}' if name == 'number' else name} into {where}")

    def _bytes(self, value: Any, path: tuple[str | int, ...], owner: str) -> str:
        if not isinstance(value, str):
            raise self._mismatch(value, "[]uint8", path, owner)
        try:
            base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.error(f"illegal base64 data at input byte {_first_bad_byte(value)}") from error
        return value

    def _mismatch(self, value: Any, kind: str, path: tuple[str | int, ...], owner: str) -> Exception:
        name = _JSON_NAMES.get(type(value), "null")
        return self.error(f"json: cannot unmarshal {name} into {_place(kind, path, owner)}")


def _place(kind: str, path: tuple[str | int, ...], owner: str) -> str:
    where = ".".join(part for part in path if isinstance(part, str))
    return f"Go struct field {owner}.{where} of type {_go_name(kind)}"


def _go_name(kind: str) -> str:
    """The type with its package: ``[]v1.Container``."""
    inner = kind.removeprefix("map[string]").removeprefix("[]")
    return kind.removesuffix(inner) + (f"v1.{inner}" if inner in types() else inner)


def _position(path: tuple[str | int, ...]) -> str:
    """The path with indexes: ``spec.containers[0].image``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _text(value: str) -> str:
    """Halves of surrogate pairs cannot be encoded. Go replaces them, too."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _first_bad_byte(value: str) -> int:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = value.rstrip("=")
    return next((index for index, letter in enumerate(text) if letter not in alphabet), len(value))
