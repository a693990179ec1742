"""The texts of an alert: subject, plain text, HTML, and JSON."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dag_factory.build.alerts.alert import Alert
from dag_factory.build.alerts.text import one_line
from dag_factory.config.units import duration_text
from dag_factory.verdicts.history import TryRecord

LONGEST_SUBJECT = 200
_MOST_TRIES = 20


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as text. ``data`` is for a webhook."""

    subject: str
    text: str
    html: str
    data: dict[str, Any]


def render(alert: Alert) -> Message:
    """The texts of an alert. The subject is one line, whatever the names contain."""
    sample = "Sample: " if alert.is_sample else ""
    subject = one_line(f"{sample}[{alert.environment}] {alert.headline}", LONGEST_SUBJECT)
    values = {"alert": alert, "rows": try_rows(alert.tries)}
    text = _templates(False).get_template("alert.txt.j2").render(values)
    html = _templates(True).get_template("alert.html.j2").render(values)
    return Message(subject=subject, text=text, html=html, data=_data(alert, subject))


def try_rows(tries: tuple[TryRecord, ...]) -> list[list[str]]:
    """The last tries, as rows of a table: number, flavor and size, seconds, node, verdict."""
    rows = []
    for one in tries[-_MOST_TRIES:]:
        flavor = f"{one.flavor} ({one.size})" if one.flavor and one.size else one.flavor
        ran = f"ran {duration_text(int(one.ran))}" if one.ran is not None else ""
        rows.append([one_line(cell) for cell in (f"try {one.number}", flavor, one.node, ran, one.sentence) if cell])
    return rows


def _data(alert: Alert, subject: str) -> dict[str, Any]:
    return {"version": 1, "subject": subject, "headline": alert.headline, **msgspec.to_builtins(alert)}


@cache
def _templates(is_html: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
