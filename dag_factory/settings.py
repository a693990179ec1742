"""The only reader of the process's environment variables; every bound and default in one place.

=====================  ==============================================================
``DAG_FACTORY_HOME``   the folder that holds ``configs/``
``DAG_FACTORY_ENV``    the environment of this Airflow instance, a file in
                       ``configs/platform/environments/``
=====================  ==============================================================
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bounds:
    """What one configuration file may cost, so that a careless or hostile one costs only itself."""

    file_bytes: int = 1_048_576
    nesting: int = 40
    values: int = 100_000  # after aliases are expanded
    jobs: int = 1_000
    cells: int = 256  # of one job's matrix
    merged_values: int = 500_000  # of a pipeline, once its defaults are laid under each job
    expression_seconds: float = 5.0  # of processor time, for all of one file's in one environment
    expression_bytes: int = 65_536  # of one text with expressions, before and after
    problems_per_file: int = 50


BOUNDS = Bounds()


def home() -> Path | None:
    """The folder named by ``DAG_FACTORY_HOME``, absolute, or None where it is unset or empty."""
    value = os.environ.get("DAG_FACTORY_HOME")
    return Path(value).expanduser().absolute() if value else None


def environment() -> str | None:
    """The environment's name in ``DAG_FACTORY_ENV``, or None where it is unset or empty."""
    return os.environ.get("DAG_FACTORY_ENV") or None
