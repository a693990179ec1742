"""Explanations as text for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dag_factory.explain.explain import Listing
from dag_factory.explain.model import Chain, Explanation, Notes, Origin, Place, Step

_LONGEST = 100
_KINDS = {
    "file": "set in a file",
    "factory": "set by dagwright",
    "operator": "set by Airflow's operator",
    "run time": "a template, which Airflow renders when the task runs",
    "cluster admission": "not in the pod that Airflow sends; what the cluster adds is not analyzed",
    "default": "not set",
    "several": "a part of the pod, with these fields",
}


def explanation_text(explanation: Explanation, notes: Notes) -> str:
    """One field: its value in each environment, and the chain of each value. Equal chains are written once."""
    subject = f" of the job {explanation.job}" if explanation.job else ""
    lines = [f"{explanation.field}{subject} in {explanation.pipeline}", ""]
    groups: dict[bytes, list[Chain]] = {}
    for chain in explanation.chains:
        key = msgspec.json.encode(msgspec.structs.replace(chain, environment=""))
        groups.setdefault(key, []).append(chain)
    for chains in groups.values():
        names = ", ".join(chain.environment for chain in chains)
        lines += [f"{names}: {_value_of(chains[0])}", *_chain(chains[0], notes), ""]
    if explanation.without:
        subject = "job" if explanation.job else "pipeline"
        lines.append(f"Without this {subject}: {', '.join(explanation.without)}")
    return _clean("\n".join(lines).rstrip())


def listing_text(listings: Sequence[Listing], title: str, notes: Notes) -> str:
    """All fields with value and origin. A field that differs between environments has a line for each."""
    lines = [title]
    keys = _rows([(one.environment, one.keys) for one in listings], notes)
    pod = _rows([(one.environment, one.pod) for one in listings], notes)
    lines += ["", "Keys", *keys] if keys else []
    lines += ["", "Pod, as Airflow sends it", *pod] if pod else []
    if pod:
        lines += ["", "The cluster may add more to the pod: defaults, and what admission webhooks set."]
    return _clean("\n".join(lines))


def _chain(chain: Chain, notes: Notes) -> Iterator[str]:
    about = _KINDS[chain.kind]
    if not chain.has_value and chain.kind == "file":
        about = "unset in a file"
    if chain.kind == "default" and chain.reason:
        yield f"  {about}; the default is {chain.reason}"
    else:
        yield f"  {about}" + (f": {chain.reason}" if chain.reason else "")
    rows = [_step(step) for step in chain.steps]
    yield from _aligned(rows, [step.place for step in chain.steps], notes)
    if chain.rules:
        rules = [(rule.place.text, rule.kind, rule.text) for rule in chain.rules]
        yield "  Rules and values:"
        yield from _aligned(rules, [rule.place for rule in chain.rules], notes)
    yield from _rows([(chain.environment, chain.parts)], notes)


def _step(step: Step) -> tuple[str, ...]:
    if step.has_value:
        computed = f" = {_value(step.value)}" if step.expression else ""
        what = f"{step.key}: {step.expression or _value(step.value)}{computed}"
    else:
        what = step.key
    effect = f"{step.effect}, overridden" if step.is_overridden else step.effect
    called = f" (called at {step.place.caller})" if step.place.caller else ""
    return step.place.text, step.layer + called, what, f"({effect})"


def _aligned(rows: Sequence[tuple[str, ...]], places: Sequence[Place], notes: Notes) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    for row, place in zip(rows, places, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "    " + "  ".join([*cells, row[-1]]).rstrip()
        if note := notes.get((place.file, place.line)):
            yield f"      {note.text}"


def _rows(listings: Sequence[tuple[str, Sequence[Origin]]], notes: Notes) -> list[str]:
    fields = dict.fromkeys(origin.field for _, origins in listings for origin in origins)
    by_field = [{origin.field: origin for origin in origins} for _, origins in listings]
    width = min(max(map(len, fields), default=0), 60)
    lines: list[str] = []
    for field in fields:
        found = [origins.get(field) for origins in by_field]
        texts = [_origin(one) if one else "not set" for one in found]
        if len(set(texts)) == 1:
            lines.append(f"  {field.ljust(width)}  {texts[0]}")
        else:
            lines.append(f"  {field}")
            for text in dict.fromkeys(texts):
                names = [listings[index][0] for index, other in enumerate(texts) if other == text]
                lines.append(f"    {', '.join(names)}: {text}")
        places = {(one.place.file, one.place.line) for one in found if one and one.place}
        lines += [f"      {notes[place].text}" for place in sorted(places) if place in notes]
    return lines


def _origin(origin: Origin) -> str:
    value = _short(origin.value)
    if origin.place is None:
        return f"{value}  [{origin.kind}] {origin.reason}".rstrip()
    kind = f"[{origin.kind}] " if origin.kind != "file" else ""
    about = origin.layer or origin.reason
    return f"{value}  {kind}{origin.place.text} {about}".rstrip()


def _value_of(chain: Chain) -> str:
    if chain.parts:
        return f"{len(chain.parts):,} fields"
    return _value(chain.value) if chain.has_value else "not set"


def _value(value: Any) -> str:
    if isinstance(value, str) and value and "\n" not in value and value == value.strip():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _short(value: Any) -> str:
    text = _value(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _clean(text: str) -> str:
    """The text without characters that control a terminal; they become Python escapes."""
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text
    )
