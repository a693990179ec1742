"""One reason: what is the case, and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Tone = Literal["failed", "waiting", "info", "ok"]


class Link(msgspec.Struct, frozen=True):
    """A page of Airflow. ``path`` is relative to Airflow's base URL, without a leading slash; its parts are quoted."""

    text: str
    path: str


class Reason(msgspec.Struct, frozen=True):
    """``sentence`` and ``what_to_do`` are whole sentences of plain text; ``what_to_do`` may be empty.

    ``kind`` is stable, for tests. ``details`` are lines below the sentence.
    """

    kind: str
    tone: Tone
    sentence: str
    what_to_do: str = ""
    details: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
