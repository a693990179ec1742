"""What a check found. Every text is for a person; none has a secret."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from dag_factory.config.problems import printable

Status = Literal["ok", "warning", "failed", "unknown"]
"""``unknown``: the check could not look. It says nothing about the state of the thing."""
Group = Literal["installation", "project", "airflow", "cluster", "machine"]

_LONGEST = 300


class Use(msgspec.Struct, frozen=True, order=True):
    """A job that needs something, or a whole pipeline if ``job`` is empty. ``line`` is 0 if it is unknown."""

    file: str
    line: int
    pipeline: str
    job: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one check. ``subject`` is what was looked at, ``fix`` what to do unless it is ok.

    ``environment`` is empty for what does not depend on it. ``uses`` are the jobs that need the subject.
    """

    check: str
    group: Group
    status: Status
    subject: str
    message: str
    fix: str = ""
    environment: str = ""
    uses: tuple[Use, ...] = ()


class Diagnosis(msgspec.Struct, frozen=True):
    """All findings, in the order in which people read them."""

    environments: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many findings have each status."""
        return Counter(one.status for one in self.findings)

    @property
    def has_failed(self) -> bool:
        """Whether a check failed."""
        return self.counts["failed"] > 0


def short(text: object) -> str:
    """A text of another program in one printable line of at most 300 characters."""
    line = printable(" ".join(str(text)[: _LONGEST * 10].split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
