"""Writes ``docs/reference/``: every key of the language, from the schemas. Run it with ``make docs``.

A page for each kind of file, one for jobs, one for the fragments in Kubernetes' own words. Nothing is said here
that the schemas do not say; a test holds that the pages are current.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dag_factory.config.schema import registry  # noqa: E402
from dag_factory.config.schema.annotations import Shape, shape  # noqa: E402

JSON = dict[str, Any]
Lines = Iterator[str]
Seen = frozenset[str]
NEW: Seen = frozenset()
FOLDER = ROOT / "docs" / "reference"
_JOB, _KUBERNETES = "job.schema.json", "kubernetes.schema.json"
_WHOLE = "replaced as a whole"
_NOTE = "<!-- Written by scripts/reference.py from schemas/. Do not edit; run: make docs -->\n"
_DEFAULT = re.compile(r" ?Default: ((?:`[^`]*`|[^`.]|\.(?! ))*)\.(?= |$)")
_EXAMPLE = re.compile(r" ?Example: (.+)$", re.DOTALL)
_PARTS = {
    f"{_JOB}#/$defs/job": "job.md",
    f"{_JOB}#/$defs/defaults": "job.md",
    "flavors.schema.json#/$defs/flavor": "flavors.md#a-flavor",
    "pipeline.schema.json#/$defs/defaults": "pipeline.md#defaults-of-all-pipelines",
    "pipeline.schema.json#/$defs/overlay": "pipeline.md#what-differs-in-an-environment",
    "presets.schema.json#/$defs/preset": "job.md",
}
_TABLES = {
    "flavors": "a flavor of [`flavors.yaml`](flavors.md)",
    "pools": "a pool of [`flavors.yaml`](flavors.md#pools), or `default_pool`",
    "environments": "an [environment](environment.md)",
    "retry-rules": "a rule of [`retries.yaml`](retries.md)",
    "channels": "a channel of [`alerts.yaml`](alerts.md)",
    "presets": "a preset of [`presets.yaml`](presets.md)",
    "jobs": "a job of the same file",
    "job-templates": "a [template](template.md) of jobs",
    "pipeline-templates": "a [template](template.md) of pipelines",
}


def pages() -> dict[str, str]:
    """Each page's text by its file name."""
    made = {_page(name): _file_page(name) for name in registry.documents() if name not in (_JOB, _KUBERNETES)}
    made["job.md"] = _job_page()
    made["kubernetes.md"] = _kubernetes_page()
    made["README.md"] = _index()
    return {name: _NOTE + "\n" + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n" for name, text in sorted(made.items())}


def _page(name: str) -> str:
    return name.replace(".schema.json", ".md")


def _index() -> str:
    documents = registry.documents()
    rows = ["| Page | Describes |", "|---|---|", "| [Jobs](job.md) | a job, and `defaults` |"]
    for name, document in documents.items():
        if name not in (_JOB, _KUBERNETES):
            files = f"`{document['x-files']}`" if "x-files" in document else "a file `v<N>.yaml.j2`, above its `---`"
            rows.append(f"| [{document['title']}]({_page(name)}) | {files} |")
    rows.append("| [Kubernetes' own words](kubernetes.md) | what stands below `affinity`, `security_context` … |")
    keys = [f"[`{key}`](pipeline.md#{_slug(key)})" for key in sorted(documents["pipeline.schema.json"]["properties"])]
    jobs = [f"[`{key}`](job.md#{_slug(key)})" for key in sorted(documents[_JOB]["$defs"]["job"]["properties"])]
    return "\n".join(
        [
            "# Reference",
            "",
            "Every key of the configuration, version 1. [Layers](../layers.md) says how the files come together; the "
            "[guide for data scientists](../guide-data-scientists.md) is the place to begin.",
            "",
            *rows,
            "",
            f"**Keys of a pipeline**: {' · '.join(keys)}",
            "",
            f"**Keys of a job**: {' · '.join(jobs)}",
            "",
            "## How to read it",
            "",
            "| Row | Says |",
            "|---|---|",
            "| Value | what may stand there |",
            "| Default | what holds where no layer says anything |",
            "| Layers | what becomes of it where several [layers](../layers.md) say something; `null` unsets a key |",
            "| `{{ }}` | whether Airflow fills it in when the job runs; elsewhere `{{ }}` is a problem |",
            "| `${{ }}` | filled in when the file is read: anywhere in a value, but where this row says no |",
        ]
    )


def _file_page(name: str) -> str:
    document = registry.documents()[name]
    parts = [f"# {document['title']}", document["description"]]
    if "x-files" in document:
        parts.append(f"Files: `{document['x-files']}`")
    parts += _keys(document, name, shape(name), 2)
    for key, definition in document.get("$defs", {}).items():
        if f"{name}#/$defs/{key}" in _PARTS and "properties" in definition:
            parts += [f"## {definition['title']}", _prose(definition["description"])]
            parts += _keys(definition, name, shape(name, f"/$defs/{key}"), 3, document.get("properties", {}))
            parts += _elsewhere(definition, 3)
    return "\n\n".join([*parts, *_elsewhere(document, 2)])


def _job_page() -> str:
    definitions = registry.documents()[_JOB]["$defs"]
    job = definitions["job"]
    inside = set(registry.documents()["flavors.schema.json"]["$defs"]["flavor"]["properties"])
    missing = [key for key in job["properties"] if key not in definitions["defaults"]["properties"]]
    parts = [
        "# Jobs",
        _prose(job["description"]),
        "The same keys stand under `defaults` of a [pipeline](pipeline.md), under `defaults.job` of an "
        f"[environment](environment.md) and in a [preset](presets.md), but {_listed(missing)}. A [flavor](flavors.md) "
        f"may hold {_listed(sorted(inside & set(job['properties'])))}.",
        *_keys(job, _JOB, shape(_JOB, "/$defs/job"), 2),
    ]
    return "\n\n".join([*parts, *_elsewhere(job, 2)])


def _kubernetes_page() -> str:
    document = registry.documents()[_KUBERNETES]
    parts = [f"# {document['title']}", document["description"]]
    for key, definition in sorted(document["$defs"].items()):
        if definition.get("properties"):
            parts += [f"## `{key}`", _prose(definition.get("description", ""))]
            rows = [
                f"| `{name}` | {_cell(_prose(_said(inner, _KUBERNETES)['description']))} |"
                for name, inner in sorted(definition["properties"].items())
            ]
            parts.append("\n".join(["| Key | |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _keys(schema: JSON, base: str, place: Shape, level: int, above: JSON | None = None) -> Lines:
    """A section for each key. What another page or ``above`` describes is named only."""
    known, own = [], {}
    for key, inner in schema.get("properties", {}).items():
        link = _described_elsewhere(key, inner, base, above)
        if link and above is None:
            yield f"{'#' * level} `{key}`"
            yield f"{_prose(_said(inner, base).get('description', ''))} See [`{key}` of a job]({link})."
        elif link:
            known.append(f"[`{key}`]({link})")
        else:
            own[key] = inner
    if known:
        yield "Described elsewhere: " + ", ".join(known) + "."
    for key, inner in own.items():
        yield from _key(key, inner, base, place.child(key), level)


def _described_elsewhere(key: str, schema: JSON, base: str, above: JSON | None) -> str:
    if above is not None and key in above and (schema == above[key] or key == "jobs"):
        return f"#{_slug(key)}"
    if schema == {"$ref": f"{_JOB}#/$defs/{key}"} and base != _JOB and key not in ("version", "defaults"):
        return f"job.md#{_slug(key)}"
    return ""


def _key(path: str, schema: JSON, base: str, place: Shape, level: int, seen: Seen = NEW) -> Lines:
    said = _said(schema, base)
    yield f"{'#' * min(level, 4)} `{path}`"
    yield _prose(said.get("description", ""))
    rows = [("Value", _value(said)), ("Default", _found(_DEFAULT, said)), ("Example", _found(_EXAMPLE, said))]
    rows += [("Layers", _layers(said, place, _WHOLE in seen))]
    rows += [("`{{ }}`", "filled in when the job runs" if place.templated else "")]
    rows += [("`${{ }}`", "not for the value as a whole" if said.get("x-static") and "const" not in said else "")]
    yield "\n".join(["| | |", "|---|---|", *(f"| {word} | {_cell(text)} |" for word, text in rows if text)])
    if said.get("x-hint"):
        yield said["x-hint"]
    yield from _choices(said)
    link = _part(schema, base)
    if link:
        yield f"Its keys: [{link.partition('.md')[0]}]({link})."
    else:
        yield from _inside(
            path, schema, base, place, level, seen | ({_WHOLE} if place.merge in ("replace", "count") else NEW)
        )


def _inside(path: str, schema: JSON, base: str, place: Shape, level: int, seen: Seen) -> Lines:
    """What stands below a key: a map's own keys in a table, and what those hold in sections of their own."""
    branch, where = registry.resolve(schema, base)
    branch = {**branch, **schema}
    inner = branch.get("properties", {})
    if inner:
        rows = [_row(key, _said(below, where), _has_more(below, where)) for key, below in inner.items()]
        yield "\n".join([f"| Key of `{path}` | | Default | Example |", "|---|---|---|---|", *rows])
    for key, below in inner.items():
        if _has_more(below, where):
            yield from _below(f"{path}.{key}", below, where, place.child(key), level, seen)
    for word, position in (("additionalProperties", ".NAME"), ("items", "[]")):
        below = branch.get(word)
        if isinstance(below, dict) and (_has_more(below, where) or _part(below, where)):
            inside = place.items if word == "items" else place.child("NAME")
            yield from _below(path + position, below, where, inside, level, seen)


def _below(path: str, schema: JSON, base: str, place: Shape, level: int, seen: Seen) -> Lines:
    here = schema.get("$ref", "")
    link = _part(schema, base)
    if link:
        yield f"`{path}`: see [{link.partition('.md')[0]}]({link})."
    elif here not in seen:  # a condition within a condition is the same again
        yield from _key(path, schema, base, place, level + 1, seen | ({here} - {""}))


def _row(key: str, said: JSON, more: bool) -> str:
    about = _prose(said.get("description", ""))
    about += "" if more else f" Here: {_value(said)}." if said.get("x-names") else ""
    options = [f"`{one}`: {text}" for one, text in _pairs(said)]
    cells = [f"`{key}`", " ".join([about, *options]), _found(_DEFAULT, said), _found(_EXAMPLE, said)]
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _has_more(schema: JSON, base: str, deep: int = 6) -> bool:
    """Whether keys stand below it."""
    branch, where = registry.resolve(schema, base)
    branch = {**branch, **schema}
    if _part(schema, base):
        return False
    below = (branch.get("additionalProperties"), branch.get("items"))
    return "properties" in branch or any(
        isinstance(one, dict) and _has_more(one, where, deep - 1) for one in below if deep
    )


def _choices(said: JSON) -> list[str]:
    rows = [f"| `{one}` | {_cell(text)} |" for one, text in _pairs(said)]
    return ["\n".join(["| Choice | |", "|---|---|", *rows])] if rows else []


def _pairs(said: JSON) -> list[tuple[str, str]]:
    described = said.get("enumDescriptions", ())
    return [(one, text) for one, text in zip(said.get("enum", ()), described, strict=False) if one]


def _said(schema: JSON, base: str) -> JSON:
    """What a schema and those it refers to say, the nearest first."""
    found = dict(schema)
    while "$ref" in schema:
        schema, base = registry.referred(schema, base)
        found = {**schema, **found}
    preset = found.get("then", {}).get("$ref")
    if preset and "enum" not in found:
        inner = registry.resolve({"$ref": preset}, base)[0]
        found |= {key: inner[key] for key in ("enum", "enumDescriptions") if key in inner}
    return found


def _value(said: JSON) -> str:
    kinds = said.get("type", "")
    if said.get("x-names") in _TABLES and not {"integer", "object", "array"} & set(kinds):
        return _TABLES[said["x-names"]]
    fallback = {"boolean": "true or false", "string": "text", "object": "a map", "array": "a list"}
    text = said.get("x-message", fallback.get(kinds if isinstance(kinds, str) else kinds[0], ""))
    return str(text).replace("*", "\\*").replace("<", "\\<")


def _layers(said: JSON, place: Shape, whole: bool) -> str:
    """How layers meet here; nothing below what the highest layer's value replaces as a ``whole``."""
    if whole:
        return ""
    kinds = said.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if place.merge == "join":
        text = "lists of all layers join, without repeats"
    elif place.merge.startswith("key:"):
        text = f"items with the same `{place.merge[4:]}` are one, the rest join"
    elif place.merge == "retain":
        text = "maps merge, and keys of lower layers that the higher does not name go"
    elif place.merge == "count":
        text = "a number changes the count of the rule below; anything else holds as a whole"
    elif place.merge == "replace":
        text = "the highest layer's value holds as a whole"
    elif "object" in kinds:
        text = "maps merge, key by key"
    elif "array" in kinds:
        text = "the highest layer's list holds"
    else:
        text = ""
    if place.keeps_null:
        text = "; ".join(part for part in (text, "`null` is a value here") if part)
    if place.ends:
        ended = _listed(list(place.ends))
        text = "; ".join(part for part in (text, f"ends {ended} of lower layers") if part)
    return text


def _part(schema: JSON, base: str) -> str:
    """The page of what a schema refers to, where it has one of its own."""
    while "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        base = file or base
        reference = f"{base}#{pointer}"
        if base == _KUBERNETES:
            return f"kubernetes.md#{_slug(pointer.split('/')[-1])}"
        if reference in _PARTS:
            return _PARTS[reference]
        schema = registry.resolve({"$ref": reference}, base)[0]
    return ""


def _elsewhere(schema: JSON, level: int) -> Lines:
    words = schema.get("x-instead", {})
    if "properties" not in schema or not words or "$ref" in words:
        return
    rows = [f"| `{word}` | {_cell(text)} |" for word, text in sorted(words.items())]
    title = f"{'#' * level} Words from elsewhere" + (f": {schema['title'].lower()}" if level > 2 else "")
    yield title
    yield "\n".join(["| Instead of | |", "|---|---|", *rows])


def _prose(text: str) -> str:
    return _EXAMPLE.sub("", _DEFAULT.sub("", text)).strip()


def _found(pattern: re.Pattern[str], said: JSON) -> str:
    found = pattern.search(said.get("description", ""))
    return found[1] if found else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for path in sorted(FOLDER.glob("*.md")):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, "utf-8")
