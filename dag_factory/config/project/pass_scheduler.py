"""The files of one pass in turns, so that those that are slow to compile keep nobody waiting but themselves.

Airflow gives a loader a time for all of its files. What is kept is taken as it is; then come the files that are
compiled in a moment, and the slow ones last, as long as there is time. What was postponed runs on as it was,
and comes in a later pass: each outcome is kept as soon as it is there, so that every pass gets further.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from dag_factory.config.budget import OutOfTime
from dag_factory.config.outcomes import FileResult
from dag_factory.config.project.cache import Cache
from dag_factory.config.project.read_file import Text
from dag_factory.settings import BOUNDS


class Taken(NamedTuple):
    """``found`` has the outcomes, each with the name under which it is kept, in the order of their files."""

    found: list[tuple[FileResult, str]]
    postponed: list[Text]


def take(
    texts: Iterable[Text],
    kept: Cache,
    known: Callable[[Text], tuple[FileResult | None, str]],
    compiled: Callable[[Text, str, float], tuple[FileResult, str]],
    seconds: float | None,
) -> Taken:
    """The outcomes of ``texts``, compiled within ``seconds`` by the clock and what one file may take beyond them.

    ``known`` tells what is known of a file without compiling it, and its name; ``compiled`` compiles one, and raises
    ``OutOfTime`` where that takes more processor time than it is given, unless that is all that a file may take.
    """
    texts = list(texts)
    found: dict[str, tuple[FileResult, str]] = {}
    waiting: list[tuple[Text, str]] = []
    for text in texts:
        outcome, name = known(text)
        if outcome is None:
            waiting.append((text, name))
        else:
            found[text.id] = (outcome, name)
    if seconds is None:
        found |= {text.id: compiled(text, name, BOUNDS.file_seconds) for text, name in waiting}
    elif waiting:
        found |= _in_time(waiting, kept, compiled, time.monotonic() + seconds)
    done = [found[text.id] for text in texts if text.id in found]
    return Taken(done, [text for text in texts if text.id not in found])


def _in_time(
    waiting: list[tuple[Text, str]],
    kept: Cache,
    compiled: Callable[[Text, str, float], tuple[FileResult, str]],
    end: float,
) -> dict[str, tuple[FileResult, str]]:
    found: dict[str, tuple[FileResult, str]] = {}
    slow = [one for one in waiting if kept.is_slow(one[1])]
    known = {text.id for text, _ in slow}
    # Without anything kept a file that is postponed has no DAG to run on, and would be the next time too.
    may_wait = kept.has_last_good
    for text, name in waiting:
        if text.id in known:
            continue
        if may_wait and not kept.fails and time.monotonic() > end:
            break
        try:
            found[text.id] = compiled(text, name, BOUNDS.moment_seconds)
        except OutOfTime:
            kept.keep_slow(name)
            slow.append((text, name))
    for text, name in sorted(slow, key=lambda one: kept.was_stopped(one[1])):
        if time.monotonic() > end:
            break
        found[text.id] = compiled(text, name, BOUNDS.file_seconds)
    return found
