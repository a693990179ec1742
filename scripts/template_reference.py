"""Writes ``docs/template-reference.md``: the templates that ship, as their own heads describe them.

python scripts/template_reference.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.templates.catalog import Catalog, Kind
from dag_factory.config.templates.template import Template

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "template-reference.md"
TITLES: dict[Kind, str] = {"jobs": "Job templates", "pipelines": "Pipeline templates"}
HEAD = """\
# The templates that ship

Written by `scripts/template_reference.py` from the templates themselves; [templates](templates.md) says how they are
called and how to write more.
"""


def reference() -> str:
    """The whole page."""
    catalogue = Catalog(PlatformFiles(ROOT / "no-project"))
    parts = [HEAD]
    for kind, title in TITLES.items():
        found = [catalogue.find(kind, name) for name in catalogue.names(kind)]
        if found:
            parts.append(f"## {title}\n")
            parts += ["\n".join(_template(template)) for template in found if template]
    return "\n".join(parts)


def _template(template: Template) -> Iterator[str]:
    yield f"### `{template.name}`\n"
    yield f"{template.description}\n"
    yield "| Input | | What it is |"
    yield "|---|---|---|"
    for name, schema in template.inputs.items():
        about = " ".join([schema.get("description", ""), *_examples(schema)])
        yield (
            "| "
            + " | ".join(cell.replace("|", "\\|") for cell in (f"`{name}`", _need(template, name, schema), about))
            + " |"
        )
    together = list(_together(template.schema))
    yield from ["", *together] if together else []
    yield ""


def _need(template: Template, name: str, schema: dict[str, Any]) -> str:
    shared = template.schema.get("$defs", {}).get(schema.get("$ref", "").rpartition("/")[2], {})
    kind = " or ".join(_kinds({**shared, **schema}))
    if name in template.required:
        return f"{kind}, needed"
    return f"{kind}; without it `{_flow(schema['default'])}`" if "default" in schema else kind


def _kinds(schema: dict[str, Any]) -> Iterator[str]:
    words = {"object": "map", "array": "list", "string": "text", "integer": "whole number", "boolean": "true or false"}
    if "enum" in schema:
        yield ", ".join(f"`{choice}`" for choice in schema["enum"])
    elif "anyOf" in schema:
        for branch in schema["anyOf"]:
            yield from _kinds(branch)
    else:
        kind = schema.get("type", "any value")
        yield words.get(kind, kind)


def _examples(schema: dict[str, Any]) -> Iterator[str]:
    for example in schema.get("examples", ())[:2]:
        text = _flow(example)
        ticks = "``" if "`" in text else "`"
        yield f"Example: {ticks}{text}{ticks}."


def _together(schema: dict[str, Any]) -> Iterator[str]:
    for rule in (schema, *schema.get("allOf", ())):
        names = [f"`{name}`" for branch in rule.get("oneOf", ()) for name in branch.get("required", ())]
        if names:
            yield f"Exactly one of {' and '.join(names)} is given."
        for name, others in rule.get("dependentRequired", {}).items():
            yield f"`{name}` needs {' and '.join(f'`{other}`' for other in others)}."
        if "x-problem" in rule:
            yield f"{rule['x-problem']}."


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = isinstance(value, str) and value and not set(value) & set(",:{}[]#'\"|") and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    TARGET.write_text(reference(), "utf-8")
