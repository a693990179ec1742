"""What a rule finds in one DAG."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One risk in one DAG. ``job`` is empty if it is about the DAG itself.

    ``fields`` are the begins of the paths of the fields that have it. If several fields match, the cause is that of
    the first one whose new value contains ``text``. ``runs`` is the most runs for the past that it starts.
    """

    kind: str
    sentence: str
    job: str = ""
    fields: tuple[str, ...] = ()
    text: str = ""
    runs: int = 0
