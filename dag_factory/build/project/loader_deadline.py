"""Limit a loader's pass by Airflow's two timeouts for a DAG file, and warn when a pass comes close to them."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk.configuration import conf

from dag_factory import settings
from dag_factory.config.problems import Problem
from dag_factory.config.project.loader_pass import Compiled
from dag_factory.config.project.work_budget import OVER_BUDGET
from dag_factory.settings import BOUNDS

_COMPILE_SHARE = 1 / 3  # of the import timeout; a third is for building DAGs, and a third is reserve
_SLOW_SHARE = 1 / 8  # of the parse timeout, for building DAGs; serializing them takes four times as long
_LISTED_FILES = 5
_DEFAULT_TIMEOUT = 50  # seconds to parse a file: Airflow's default


def compile_seconds() -> float:
    """Return how many seconds a pass may spend on compiling files that are not cached."""
    timeout = conf.getfloat("core", "dagbag_import_timeout")
    return (timeout if timeout > 0 else _parse_timeout()) * _COMPILE_SHARE  # zero means no limit


def work_limit() -> int:
    """Return how many units of work a pass may build and serialize: the setting, or in proportion to the timeout."""
    timeout = _parse_timeout()
    seconds = timeout if timeout > 0 else _DEFAULT_TIMEOUT
    return settings.loader_work() or BOUNDS.loader_work * seconds // _DEFAULT_TIMEOUT


def pass_warnings(folder: str, seconds: float, count: int, compiled: Compiled) -> list[Problem]:
    """Return the warnings about a pass that built ``count`` DAGs in ``seconds``."""
    return [*left_out_warnings(folder, compiled), *_slow_loader(folder, seconds, count)]


def left_out_warnings(folder: str, compiled: Compiled) -> list[Problem]:
    """Return the warnings about files that a pass did not compile or build."""
    return [*compiled.left_out, *_over_budget(folder, compiled), *_not_compiled(folder, compiled.postponed)]


def _over_budget(folder: str, compiled: Compiled) -> list[Problem]:
    """Warn if the existing DAGs alone exceed the limit."""
    if compiled.work <= work_limit():
        return []
    message = (
        f"the DAGs of this loader need {compiled.work:,} units of work, which exceeds its limit of {work_limit():,}; "
        "new DAGs wait"
    )
    return [Problem(folder, 0, 0, "over-budget", message, hint=OVER_BUDGET, severity="warning")]


def _not_compiled(folder: str, files: Sequence[str]) -> list[Problem]:
    if not files:
        return []
    names = ", ".join(files[:_LISTED_FILES])
    if len(files) > _LISTED_FILES:
        names += f" and {len(files) - _LISTED_FILES:,} more"
    message = (
        f"{len(files):,} changed {'file was' if len(files) == 1 else 'files were'} not compiled, because a pass may "
        f"compile for {compile_seconds():.0f} s; existing DAGs keep running their previous version; files: {names}"
    )
    hint = "wait for the next passes; each compiles more files; `dagf check` checks all files now"
    return [Problem(folder, 0, 0, "not-compiled-yet", message, hint=hint, severity="warning")]


def _slow_loader(folder: str, seconds: float, count: int) -> list[Problem]:
    """Warn early: if a loader exceeds its timeout, Airflow reports it only in the log of the DAG processor."""
    if seconds < _SLOW_SHARE * _parse_timeout():
        return []
    message = (
        f"the loader took {seconds:.0f} s to build {count:,} DAGs; Airflow needs about four times as long to serialize "
        f"them, and if that takes more than {_parse_timeout():g} s in total, it stores none of them"
    )
    hint = "divide the pipelines among several loaders, or raise `dag_file_processor_timeout`: see docs/scale.md"
    return [Problem(folder, 0, 0, "slow-loader", message, hint=hint, severity="warning")]


def _parse_timeout() -> int:
    seconds: int = conf.getint("dag_processor", "dag_file_processor_timeout")
    return seconds
