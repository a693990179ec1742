"""Mutate valid files as text, as tokens or as trees. The result depends on the random source only."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dag_factory.config.schema import registry


def keys(schema: Any) -> Iterator[str]:
    """Yield every key of a schema."""
    below = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        yield from schema["properties"]
    for one in below:
        yield from keys(one)


POOL = (Path(__file__).parent / "values.txt").read_text("utf-8").splitlines()
"""Texts that replace values, as they are dumped in a file."""

KEYS = sorted(
    {key for name, schema in registry.documents().items() if "kubernetes" not in name for key in keys(schema)}
)
STRANGE = [*"\x00\u2028\ufeff\t\r\ue000\U0001f642\x7f\x85\xa0\u202e", "\x1b[2J"]
SIGNS = [*":,-[]{}#&*!|>'\"%@`?\n \t$", "${{", "}}", "{{", "${%", "%}", "---\n", "...\n", "<<: ", "? ", "- ", ": "]
_TOKEN = re.compile(r"\$\{\{|\$\{%|\{\{|\}\}|%\}|\w[\w.@/-]*|[^\w\s]|\n *| +")
_PAIR = re.compile(r"([\w-]+)(: ?)([^,{}\[\]#\n]*)")


def mutant(text: str, others: list[str], chance: random.Random) -> bytes:
    """Return ``text`` with one to four changes; ``others`` are files that pieces are copied from."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        change = chance.choice((_as_text, _as_tokens, _as_pairs, _as_pairs, _as_tree, _as_tree))
        text = change(text, others, chance)
    data = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.01:  # bytes that are not UTF-8
        place = chance.randrange(len(data) + 1)
        data = data[:place] + bytes(chance.randrange(256) for _ in range(3)) + data[place:]
    return data


def _as_text(text: str, others: list[str], chance: random.Random) -> str:
    lines = text.split("\n")
    line, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    place, end = sorted(chance.randrange(len(text) + 1) for _ in "ab")
    match chance.randrange(9):
        case 0:
            del lines[line]
        case 1:
            lines.insert(line, lines[other])
        case 2:
            lines[line], lines[other] = lines[other], lines[line]
        case 3:
            lines[line] = " " * chance.randrange(9) + lines[line].lstrip()
        case 4:
            return text[:place] + chance.choice(SIGNS + STRANGE) + text[place:]
        case 5:
            return text[:place] + text[min(end, place + chance.randrange(1, 9)) :]
        case 6:
            return text[: chance.choice((place, end))]
        case 7:
            piece = chance.choice(others).split("\n")
            start = chance.randrange(len(piece))
            lines[line:line] = piece[start : start + chance.randrange(1, 8)]
        case 8:
            lines[line:line] = lines[other : other + 3] * chance.choice((1, 2, 50))
    return "\n".join(lines)


def _as_tokens(text: str, others: list[str], chance: random.Random) -> str:
    tokens = _TOKEN.findall(text)
    if len(tokens) < 2:
        return text
    one, two = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    match chance.randrange(5):
        case 0:
            tokens[one], tokens[two] = tokens[two], tokens[one]
        case 1:
            del tokens[one]
        case 2:
            tokens.insert(one, chance.choice(_TOKEN.findall(chance.choice(others)) or [""]))
        case 3:
            tokens[one] = chance.choice(POOL)
        case 4:
            tokens[one] = chance.choice(SIGNS)
    return "".join(tokens)


def _as_pairs(text: str, _others: list[str], chance: random.Random) -> str:
    pairs = list(_PAIR.finditer(text))
    if not pairs:
        return text
    pair = chance.choice(pairs)
    if chance.random() < 0.6:
        return text[: pair.start(3)] + chance.choice(POOL) + text[pair.end(3) :]
    if chance.random() < 0.6:
        return text[: pair.start(1)] + chance.choice(KEYS) + text[pair.end(1) :]
    indent = " " * (pair.start() - text.rfind("\n", 0, pair.start()) - 1)
    return text[: pair.start()] + f"{chance.choice(KEYS)}: {chance.choice(POOL)}\n{indent}" + text[pair.start() :]


def _as_tree(text: str, others: list[str], chance: random.Random) -> str:
    head, separator, body = text.partition("\n---\n")  # the second part of a template is not YAML
    try:
        tree = yaml.load(head if separator else text, yaml.BaseLoader)
        other = yaml.load(chance.choice(others), yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    places = list(_slots(tree))
    if not places:
        return text
    holder, key = chance.choice(places)
    pieces = [parent[key] for parent, key in (*places, *_slots(other))]
    piece = copy.deepcopy(chance.choice(pieces))
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1:
            holder[key] = piece
        case 2:
            holder[key] = [holder[key]] * chance.choice((1, 2))
        case 3:
            holder[key] = {chance.choice(KEYS): holder[key]}
        case 4:
            holder[key] = _value(chance)
        case 5 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = piece
        case 6 if isinstance(holder, dict):
            holder[chance.choice(KEYS)] = holder.pop(key)
        case 7:
            for _ in range(chance.choice((2, 60))):
                holder[key] = chance.choice(([holder[key]], {"a": holder[key]}))
        case _:
            holder[key] = None
    flow = chance.choice((True, False, None))
    try:
        dumped = yaml.safe_dump(tree, default_flow_style=flow, sort_keys=chance.random() < 0.2, allow_unicode=True)
    except RecursionError:
        return text
    if chance.random() < 0.5:  # turn quoted numbers and constants back into values
        dumped = re.sub(r"'(null|true|false|-?\d+(\.\d+)?)'", r"\1", dumped)
    return f"{dumped}---\n{body}" if separator else dumped


def _value(chance: random.Random) -> Any:
    word = chance.choice(POOL)
    try:
        return yaml.load(word, yaml.BaseLoader)
    except (yaml.YAMLError, ValueError):
        return word


def _slots(tree: Any, seen: int = 0) -> Any:
    """Yield the container and the key of every value in a tree."""
    if seen > 60:
        return
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _slots(tree[key], seen + 1)
