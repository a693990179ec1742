"""What Airflow's two times for a DAG file leave a loader, and what is told when it comes near them."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk.configuration import conf

from dag_factory import settings
from dag_factory.config.problems import Problem
from dag_factory.config.project.loader_pass import Compiled
from dag_factory.config.project.work_budget import OVER_BUDGET
from dag_factory.settings import BOUNDS

_COMPILE_SHARE = 1 / 3  # of the time to import a file: as much is left to build, and as much for a busy hour
_SLOW_SHARE = 1 / 8  # of the time to parse a file, when building takes it: serializing takes four times as much
_LISTED_FILES = 5  # files
_DEFAULT_TIMEOUT = 50  # seconds to parse a file: Airflow's default


def compile_seconds() -> float:
    """How long a pass may compile what is not kept, in seconds by the clock."""
    given = conf.getfloat("core", "dagbag_import_timeout")
    return (given if given > 0 else _parse_timeout()) * _COMPILE_SHARE  # zero: no limit


def work_limit() -> int:
    """How much work a pass may build and serialize, in units: as set, or in proportion to Airflow's timeout."""
    given = _parse_timeout()
    return settings.loader_work() or BOUNDS.loader_work * (given if given > 0 else _DEFAULT_TIMEOUT) // _DEFAULT_TIMEOUT


def pass_warnings(folder: str, seconds: float, count: int, compiled: Compiled) -> list[Problem]:
    """What to report of a pass that built ``count`` DAGs in ``seconds``."""
    return [*left_out_warnings(folder, compiled), *_slow(folder, seconds, count)]


def left_out_warnings(folder: str, compiled: Compiled) -> list[Problem]:
    """What a pass did not compile or build."""
    return [*compiled.left_out, *_over_limit(folder, compiled), *_postponed(folder, compiled.postponed)]


def _over_limit(folder: str, compiled: Compiled) -> list[Problem]:
    """A warning where the DAGs that were there before exceed the limit by themselves."""
    if compiled.work <= work_limit():
        return []
    message = (
        f"the loader's DAGs make {compiled.work:,} units of work, over its limit of {work_limit():,}; new ones wait"
    )
    return [Problem(folder, 0, 0, "over-budget", message, hint=OVER_BUDGET, severity="warning")]


def _postponed(folder: str, files: Sequence[str]) -> list[Problem]:
    if not files:
        return []
    named = ", ".join(files[:_LISTED_FILES]) + (
        f" and {len(files) - _LISTED_FILES:,} more" if len(files) > _LISTED_FILES else ""
    )
    message = (
        f"{len(files):,} changed {'file was' if len(files) == 1 else 'files were'} not compiled in this pass, "
        f"which has {compile_seconds():.0f} s for that; what had a DAG runs on as it was: {named}"
    )
    hint = "wait for the next passes, each takes some; files that are slow come last: `dagf check` shows them"
    return [Problem(folder, 0, 0, "not-compiled-yet", message, hint=hint, severity="warning")]


def _slow(folder: str, seconds: float, count: int) -> list[Problem]:
    """A warning while there is time: of a loader over its time Airflow says no word but in its processor's log."""
    if seconds < _SLOW_SHARE * _parse_timeout():
        return []
    message = (
        f"the loader took {seconds:.0f} s to build {count:,} DAGs; to serialize them takes Airflow about four times "
        f"as long, and after {_parse_timeout():g} s for all it gives up and keeps none of them"
    )
    hint = "divide the pipelines among several loaders, or raise `dag_file_processor_timeout`: see docs/scale.md"
    return [Problem(folder, 0, 0, "slow-loader", message, hint=hint, severity="warning")]


def _parse_timeout() -> int:
    seconds: int = conf.getint("dag_processor", "dag_file_processor_timeout")
    return seconds
