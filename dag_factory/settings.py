"""The only reader of the process's environment variables; every bound and default in one place.

=========================== ==========================================================
``DAG_FACTORY_HOME``        the folder that holds ``configs/``
``DAG_FACTORY_ENV``         the environment of this Airflow instance, a file in
                            ``configs/platform/environments/``
``DAG_FACTORY_CACHE``       the folder that compiled files are kept in, or ``off``; by
                            default ``dagwright`` in ``XDG_CACHE_HOME`` or in ``~/.cache``
``DAG_FACTORY_LAST_GOOD``   ``off``: a pipeline that breaks loses its DAG, instead of
                            running on as it last was
``DAG_FACTORY_LOADER_WORK`` the most work of one loader's DAGs, in units of
                            ``config/loader_work.py``; by default 13 million, in proportion
                            to Airflow's ``dag_file_processor_timeout``
=========================== ==========================================================
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Bounds(msgspec.Struct, frozen=True):
    """What one configuration file may cost, so that a careless or hostile one costs only itself."""

    file_bytes: int = 1_048_576
    nesting: int = 40
    folders: int = 30  # one in another, below `pipelines/` and `platform/`
    values: int = 100_000  # of one text, after aliases are expanded; 16 characters count as one
    whole_number: int = 2**63 - 1  # what Kubernetes and the cache can hold
    jobs: int = 1_000
    cells: int = 256  # of one job's matrix
    items: int = 1_024  # of one job's `for_each`; as many as Airflow takes of an output
    instances: int = 1_000  # of one file
    merged_values: int = 500_000  # of one file: its jobs with all that is laid under them, and its expressions
    merged_maps: int = 40_000  # of those; each volume, say, costs Airflow a fifth of a millisecond to serialize
    file_work: int = 3_000_000  # units of ``config/loader_work.py`` that Airflow builds and serializes for one file
    loader_work: int = 13_000_000  # the same for one loader, where Airflow gives it the default of 50 seconds
    expression_steps: int = 3_000_000  # of all expressions and templates of one file; each about a microsecond
    file_seconds: float = 10.0  # of processor time, for all else, and once more to build a DAG of it
    moment_seconds: float = 0.2  # of processor time; files that take longer are compiled after all others
    params_work: int = 1_000_000  # units, to check the params of one file: about two seconds of a loader's time
    pattern_characters: int = 16_384  # of a pattern in the schema of a param
    pattern_steps: int = 10_000_000  # that Python takes to hold a text against a pattern: a tenth of a second
    pattern_states: int = 100_000  # to count the steps of a pattern with one text: a fifth of a second
    pattern_work: int = 400_000  # states and edges, to find out whether a pattern is slow with any text
    assets: int = 1_000  # that one file names; with 10,000 of a loader, PostgreSQL refuses all of its DAGs
    asset_mentions: int = 10_000  # of one file; each costs Airflow's transaction an eighth of a millisecond
    default_values: int = 1_000  # of the default of a param
    expression_bytes: int = 65_536  # of one text with expressions, before and after
    rendered_bytes: int = 1_048_576  # characters of one text with `{{ }}`, when a task renders it
    rendered_values: int = 2_000_000  # that the work on one such text looks at; 16 characters count as one
    task_work: int = 30_000_000  # steps and values of all such texts of a task
    problems_per_file: int = 50
    compared_words: int = 50_000  # to find out which one was meant in the place of wrong ones, for one file
    kept_outcomes: int = 30_000  # compiled files in the cache folder of one project


BOUNDS = Bounds()


def home() -> Path | None:
    """The folder named by ``DAG_FACTORY_HOME``, absolute, or None where it is unset or empty."""
    value = os.environ.get("DAG_FACTORY_HOME")
    return Path(value).expanduser().absolute() if value else None


def environment() -> str | None:
    """The environment's name in ``DAG_FACTORY_ENV``, or None where it is unset or empty."""
    return os.environ.get("DAG_FACTORY_ENV") or None


def cache_folder() -> Path | None:
    """Where compiled files are kept, absolute; None where nothing is to be kept or no place is known."""
    said = os.environ.get("DAG_FACTORY_CACHE")
    if said:
        return None if said == "off" else _expanded(said)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache").absolute() / "dagwright"
    except RuntimeError:  # a user without a home
        return None


def _expanded(path: str) -> Path | None:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # `~name` of a user whom nobody knows
        return None


def loader_work() -> int | None:
    """The budget of one loader as it is set, in units; None where it is unset or not a positive whole number."""
    text = os.environ.get("DAG_FACTORY_LOADER_WORK", "").replace("_", "")
    return int(text) if text.isdecimal() and text.isascii() and 0 < len(text) < 19 and int(text) else None


def keeps_last_good() -> bool:
    """Whether a pipeline that breaks runs on as it last was."""
    return os.environ.get("DAG_FACTORY_LAST_GOOD") != "off"


INSTALL = (
    "install it from a checkout (`pip install '.[airflow,cluster]'`) or its git URL "
    "(`pip install 'dagwright[airflow,cluster] @ git+URL'`)"
)
"""How the optional parts are installed; the package is on no index."""
