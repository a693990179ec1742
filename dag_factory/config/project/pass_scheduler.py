"""The order in which a pass compiles files, so that slow files delay only themselves.

Airflow gives a loader a limited time for all of its files. Cached results come first, then the files that compile
quickly, and last the slow files, as long as there is time. Postponed files keep their old DAGs and are compiled in a
later pass. Each result is cached as soon as it exists, so every pass gets further.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from dag_factory.config.budget import OutOfTime
from dag_factory.config.file_results import FileResult
from dag_factory.config.storage.cache import Cache
from dag_factory.config.storage.read_file import Text
from dag_factory.settings import BOUNDS

Result = tuple[FileResult, str]
"""The result of a file, and its cache key."""
Compile = Callable[[Text, str, float], Result]


class Collected(NamedTuple):
    """``results`` are in the order of their files."""

    results: list[Result]
    postponed: list[Text]


def collect_results(
    texts: Iterable[Text],
    cache: Cache,
    find_cached: Callable[[Text], tuple[FileResult | None, str]],
    compile_text: Compile,
    seconds: float | None,
) -> Collected:
    """The results of ``texts``, compiled within ``seconds`` of wall-clock time plus the time of at most one file.

    ``find_cached`` returns a result that needs no compilation, and its key. ``compile_text`` compiles a file, and
    raises ``OutOfTime`` after the processor time that it is given, unless that is the maximum for a file.
    """
    texts = list(texts)
    found: dict[str, Result] = {}
    waiting: list[tuple[Text, str]] = []
    for text in texts:
        result, key = find_cached(text)
        if result is None:
            waiting.append((text, key))
        else:
            found[text.id] = (result, key)
    if seconds is None:
        found |= {text.id: compile_text(text, key, BOUNDS.file_seconds) for text, key in waiting}
    elif waiting:
        found |= _compile_in_time(waiting, cache, compile_text, time.monotonic() + seconds)
    results = [found[text.id] for text in texts if text.id in found]
    return Collected(results, [text for text in texts if text.id not in found])


def _compile_in_time(
    waiting: list[tuple[Text, str]], cache: Cache, compile_text: Compile, end: float
) -> dict[str, Result]:
    found: dict[str, Result] = {}
    slow = [(text, key) for text, key in waiting if cache.is_slow(key)]
    slow_ids = {text.id for text, _ in slow}
    # Without a last good version a postponed file has no DAG, and it would be postponed again in the next pass.
    may_wait = cache.has_last_good
    for text, key in waiting:
        if text.id in slow_ids:
            continue
        if may_wait and not cache.write_failed and time.monotonic() > end:
            break
        try:
            found[text.id] = compile_text(text, key, BOUNDS.quick_seconds)
        except OutOfTime:
            cache.put_slow(key)
            slow.append((text, key))
    for text, key in sorted(slow, key=lambda one: cache.was_stopped(one[1])):
        if time.monotonic() > end:
            break
        found[text.id] = compile_text(text, key, BOUNDS.file_seconds)
    return found
