"""What Airflow's two times for a DAG file leave a loader, and what is told when it comes near them."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk.configuration import conf

from dag_factory.config.problems import Problem

_TO_COMPILE = 1 / 3  # of the time to import a file: as much is left to build, and as much for a busy hour
_NEAR = 1 / 8  # of the time to parse a file, when building takes it: serializing takes four times as much
_NAMED = 5  # files


def to_compile() -> float:
    """How long a pass may compile what is not kept, in seconds by the clock."""
    given = conf.getfloat("core", "dagbag_import_timeout")
    return (given if given > 0 else _to_parse()) * _TO_COMPILE  # zero: no limit


def warnings(folder: str, seconds: float, count: int, postponed: Sequence[str]) -> list[Problem]:
    """What a pass has to tell: it built ``count`` DAGs in ``seconds``, and had no time for the ``postponed`` files."""
    return [*_postponed(folder, postponed), *_slow(folder, seconds, count)]


def _postponed(folder: str, files: Sequence[str]) -> list[Problem]:
    if not files:
        return []
    named = ", ".join(files[:_NAMED]) + (f" and {len(files) - _NAMED:,} more" if len(files) > _NAMED else "")
    message = (
        f"{len(files):,} changed {'file was' if len(files) == 1 else 'files were'} not compiled in this pass, "
        f"which has {to_compile():.0f} s for that; what had a DAG runs on as it was: {named}"
    )
    hint = "wait for the next passes, each takes some; files that are slow come last: `dagf check` shows them"
    return [Problem(folder, 0, 0, "not-compiled-yet", message, hint=hint, severity="warning")]


def _slow(folder: str, seconds: float, count: int) -> list[Problem]:
    """A warning while there is time: of a loader over its time Airflow says no word but in its processor's log."""
    if seconds < _NEAR * _to_parse():
        return []
    message = (
        f"the loader took {seconds:.0f} s to build {count:,} DAGs; to serialize them takes Airflow about four times "
        f"as long, and after {_to_parse():g} s for all it gives up and keeps none of them"
    )
    hint = "divide the pipelines among several loaders, or raise `dag_file_processor_timeout`: see docs/scale.md"
    return [Problem(folder, 0, 0, "slow-loader", message, hint=hint, severity="warning")]


def _to_parse() -> int:
    seconds: int = conf.getint("dag_processor", "dag_file_processor_timeout")
    return seconds
