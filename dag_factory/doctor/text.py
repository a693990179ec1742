"""A diagnosis as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dag_factory.doctor.finding import Diagnosis, Finding, Group, Status, Use

Paint = Callable[[str, Status], str]
_TITLES: dict[Group, str] = {
    "installation": "Installation",
    "project": "Project",
    "cluster": "Cluster",
    "airflow": "Airflow",
    "machine": "This machine",
}
_MOST_USES = 3
_WORDS: dict[Status, str] = {"ok": "ok", "warning": "warning", "failed": "failed", "unknown": "unknown"}


def plain(text: str, _status: Status) -> str:
    """Return the text without color."""
    return text


def as_text(diagnosis: Diagnosis, paint: Paint = plain) -> str:
    """Return all findings by their group and environment, and one line with the counts."""
    lines: list[str] = []
    for environment in ("", *diagnosis.environments):
        for group, title in _TITLES.items():
            found = [one for one in diagnosis.findings if (one.group, one.environment) == (group, environment)]
            if found:
                lines += ["", f"{title} of {environment}" if environment else title, *_section(found, paint)]
    counts = [f"{diagnosis.counts[status]} {word}" for status, word in _WORDS.items() if diagnosis.counts[status]]
    return "\n".join([*lines[1:], "", ", ".join(counts) + "."])


def _section(found: Sequence[Finding], paint: Paint) -> Iterator[str]:
    """The findings in order. Many objects that exist are one line."""
    existing = [one for one in found if one.status == "ok" and one.uses]
    folded = set() if len(existing) <= _MOST_USES else {id(one) for one in existing}
    for one in found:
        if id(one) not in folded:
            yield from _finding(one, paint)
    if folded:
        names = ", ".join(one.subject for one in existing[:_MOST_USES])
        yield f"  {paint('ok'.ljust(8), 'ok')}{names} and {len(existing) - _MOST_USES} more exist"


def _finding(one: Finding, paint: Paint) -> Iterator[str]:
    yield f"  {paint(_WORDS[one.status].ljust(8), one.status)}{one.subject}: {one.message}"
    if one.status == "ok":
        return
    if one.fix:
        yield f"          fix: {one.fix}"
    if one.uses:
        yield f"          used by {uses_text(one.uses)}"


def uses_text(uses: Sequence[Use]) -> str:
    """The first jobs with their positions, and how many more there are."""
    shown = "; ".join(_use(one) for one in uses[:_MOST_USES])
    rest = uses[_MOST_USES:]
    if not rest:
        return shown
    pipelines = len({one.pipeline for one in uses})
    word = "job" if len(rest) == 1 else "jobs"
    return f"{shown}; and {len(rest)} more {word} (in all, {pipelines} {'pipeline' if pipelines == 1 else 'pipelines'})"


def _use(one: Use) -> str:
    position = f"{one.file}:{one.line}" if one.line else one.file
    return f"{one.pipeline} {one.job} ({position})" if one.job else f"{one.pipeline} ({position})"
