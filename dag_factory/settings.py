"""All environment variables, limits and defaults. No other module reads the environment of the process.

============================= ==========================================================
``DAG_FACTORY_HOME``          the folder that contains ``configs/``
``DAG_FACTORY_ENV``           the environment of this Airflow deployment: a file in
                              ``configs/platform/environments/``
``DAG_FACTORY_CACHE``         the folder of the cache, or ``off``; by default ``dagwright``
                              in ``XDG_CACHE_HOME`` or in ``~/.cache``
``DAG_FACTORY_LAST_GOOD``     ``off``: a pipeline that breaks loses its DAG, instead of
                              running its last good version
``DAG_FACTORY_LOADER_WORK``   the limit of work of one loader, in the units of
                              ``config/loader_work.py``; by default 13 million, in proportion
                              to Airflow's ``dag_file_processor_timeout``
``DAG_FACTORY_AIRFLOW_URL``   the address of Airflow for ``dagf pods``
``DAG_FACTORY_AIRFLOW_TOKEN`` a token for Airflow's REST API, for ``dagf pods``
``NO_COLOR``                  if set, ``dagf`` prints no colors; nor does it if ``TERM`` is ``dumb``
============================= ==========================================================
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Bounds(msgspec.Struct, frozen=True):
    """Limits of one configuration file, so that a careless or hostile file affects only itself."""

    file_bytes: int = 1_048_576
    nesting: int = 40
    folders: int = 30  # nested, below `pipelines/` and `platform/`
    values: int = 100_000  # of one file, after aliases are expanded; 16 characters of text count as one
    whole_number: int = 2**63 - 1  # what Kubernetes and the cache can store
    jobs: int = 1_000
    cells: int = 256  # of one job's matrix
    items: int = 1_024  # of one job's `for_each`; Airflow's limit for an output
    instances: int = 1_000  # of one file
    merged_values: int = 500_000  # of one file: its jobs after all layers are merged, and its expressions
    merged_maps: int = 40_000  # of those; Airflow needs 0.2 ms to serialize a map such as a volume
    file_work: int = 3_000_000  # of one file, in units of ``config/loader_work.py``, for Airflow to build and serialize
    loader_work: int = 13_000_000  # of one loader, if Airflow gives it the default of 50 seconds
    expression_steps: int = 3_000_000  # of all expressions and templates of one file; each takes about a microsecond
    file_seconds: float = 10.0  # of processor time, for the rest; and again to build a DAG of the file
    quick_seconds: float = 0.2  # of processor time; files that take longer are compiled after all others
    params_work: int = 1_000_000  # units, to check the params of one file: about two seconds of a loader's time
    pattern_characters: int = 16_384  # of a pattern in the schema of a param
    pattern_steps: int = 10_000_000  # that Python needs to match a text against a pattern: a tenth of a second
    pattern_states: int = 100_000  # to count the steps of a pattern with one text: a fifth of a second
    pattern_work: int = 400_000  # states and edges, to find out whether a pattern is slow with any text
    assets: int = 1_000  # in one file; with 10,000 in one loader, PostgreSQL rejects all of its DAGs
    asset_mentions: int = 10_000  # in one file; each takes 0.125 ms of Airflow's transaction
    default_values: int = 1_000  # of the default of a param
    expression_bytes: int = 65_536  # of one text with expressions, before and after they are evaluated
    rendered_bytes: int = 1_048_576  # characters of one text with `{{ }}` after a task renders it
    rendered_values: int = 2_000_000  # that rendering such a text reads; 16 characters of text count as one
    task_work: int = 30_000_000  # steps and values of all such texts of one task
    problems_per_file: int = 50
    suggestion_words: int = 50_000  # compared for `did you mean`, for one file
    cached_files: int = 30_000  # compiled files in the cache of one project


BOUNDS = Bounds()


def home() -> Path | None:
    """Return the folder in ``DAG_FACTORY_HOME`` as an absolute path, or None if it is unset or empty."""
    value = os.environ.get("DAG_FACTORY_HOME")
    return Path(value).expanduser().absolute() if value else None


def environment() -> str | None:
    """Return the name of the environment in ``DAG_FACTORY_ENV``, or None if it is unset or empty."""
    return os.environ.get("DAG_FACTORY_ENV") or None


def cache_folder() -> Path | None:
    """Return the folder of the cache as an absolute path, or None if the cache is off or has no folder."""
    value = os.environ.get("DAG_FACTORY_CACHE")
    if value:
        return None if value == "off" else _expand(value)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache").absolute() / "dagwright"
    except RuntimeError:  # the user has no home folder
        return None


def _expand(path: str) -> Path | None:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:  # `~name` of an unknown user
        return None


def loader_work() -> int | None:
    """Return the limit of work of one loader, or None if it is unset or not a positive whole number."""
    text = os.environ.get("DAG_FACTORY_LOADER_WORK", "").replace("_", "")
    return int(text) if text.isdecimal() and text.isascii() and 0 < len(text) < 19 and int(text) else None


def keeps_last_good() -> bool:
    """Return whether a pipeline that breaks keeps running its last good version."""
    return os.environ.get("DAG_FACTORY_LAST_GOOD") != "off"


def airflow_url() -> str | None:
    """Return the address of Airflow for commands that ask it, or None if it is unset or empty."""
    return os.environ.get("DAG_FACTORY_AIRFLOW_URL") or None


def airflow_token() -> str | None:
    """Return the token for Airflow's REST API, or None if it is unset or empty."""
    return os.environ.get("DAG_FACTORY_AIRFLOW_TOKEN") or None


INSTALL_HINT = (
    "install it from a checkout (`pip install '.[airflow,cluster]'`) or its git URL "
    "(`pip install 'dagwright[airflow,cluster] @ git+URL'`)"
)
"""How to install the optional parts. The package is not on any index."""


def terminal_has_colors() -> bool:
    """Whether the user and the terminal allow colors. Files and pipes never get any."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
