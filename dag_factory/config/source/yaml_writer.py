"""Write a tree as readable YAML: in block style, with the original text of each scalar."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from dag_factory.config.source.yaml_reader import core_value
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar

_SAFE = re.compile(r"-{0,2}[A-Za-z0-9_/.][A-Za-z0-9_/.@:+=,-]*(?: [A-Za-z0-9_/.@+=,-]+)*")
_WIDTH = 100


def to_yaml(node: Node) -> str:
    """The YAML text of a tree. Reading it again gives the same values."""
    lines: list[str] = []
    _write(node, 0, lines)
    return "\n".join(lines) + "\n"


def one_line(node: Node) -> str:
    """The YAML text of a tree in one line, in flow style."""
    return _flow(node)


def _write(node: Node, indent: int, lines: list[str]) -> None:
    pad = "  " * indent
    if isinstance(node, MapNode) and node.entries:
        for key, item in node.entries.items():
            _entry(f"{pad}{_text(key)}:", item, indent, lines)
    elif isinstance(node, ListNode) and node.items:
        for item in node.items:
            if isinstance(item, Scalar):
                _entry(f"{pad}-", item, indent, lines)
            else:
                lines.append(f"{pad}- {_flow(item)}")
    else:
        lines.append(pad + _flow(node))


def _entry(head: str, item: Node, indent: int, lines: list[str]) -> None:
    if isinstance(item, Scalar):
        if not _is_block(item):
            lines.append(f"{head} {_flow(item)}")
            return
        assert isinstance(item.value, str)
        lines.append(f"{head} |" + ("" if item.value.endswith("\n") else "-"))
        lines += ("  " * (indent + 1) + line if line else "" for line in item.value.splitlines())
        return
    blocks = isinstance(item, ListNode) and any(_is_block(inner) for inner in item.items)
    flow = "" if blocks or _has_nested_map(item) else _flow(item)
    if flow and len(head) + len(flow) < _WIDTH:
        lines.append(f"{head} {flow}")
    else:
        lines.append(head)
        _write(item, indent + 1, lines)


def _is_block(node: Node) -> bool:
    """Whether a value is text that a literal block represents exactly."""
    text = node.value if isinstance(node, Scalar) else None
    if not isinstance(text, str) or "\n" not in text:
        return False
    lines = text.split("\n")
    return (
        not text.endswith("\n\n")
        and bool(lines[0].strip())
        and not lines[0].startswith(" ")
        and all(line.isprintable() for line in lines)
    )


def _has_nested_map(node: Node) -> bool:
    return isinstance(node, MapNode) and any(isinstance(item, MapNode) for item in node.entries.values())


def _flow(node: Node) -> str:
    if isinstance(node, Scalar):
        return _text(node.value) if isinstance(node.value, str) else node.text or "null"
    if isinstance(node, MapNode):
        inner = ", ".join(f"{_text(key)}: {_flow(item)}" for key, item in node.entries.items())
        return "{" + inner + "}"
    return "[" + ", ".join(map(_flow, node.items)) + "]"


@lru_cache(4096)
def _text(text: str) -> str:
    plain = _SAFE.fullmatch(text) and not text.endswith(":") and "," not in text and ": " not in text
    return text if plain and isinstance(core_value(text), str) else _quoted(text)


def _quoted(text: str) -> str:
    """The text in double quotes; invisible characters and those that YAML does not allow become escapes."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
