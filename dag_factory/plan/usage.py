"""Statistics of past runs, from the JSON file of ``dagf plan --usage``. Its format is ``usage.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dag_factory.config.ids import DagId
from dag_factory.config.positions import dotted
from dag_factory.plan.plan_error import PlanError

if TYPE_CHECKING:
    import jsonschema_rs

SCHEMA = Path(__file__).with_name("usage.schema.json")
VERSION = 1
_ERRORS = 5


class JobUsage(msgspec.Struct, frozen=True):
    """The history of one job. ``environment`` is empty if the entry is for every environment without its own."""

    dag_id: str
    job: str
    median_seconds: float
    runs: int
    environment: str = ""


class Usage(msgspec.Struct, frozen=True):
    """The histories by environment, DAG and job."""

    jobs: dict[tuple[str, str, str], JobUsage] = {}

    def find(self, environment: str, dag_ids: Iterable[DagId], job: str) -> JobUsage | None:
        """The history of a job under the first of these ids that has one; None if there is none."""
        for dag_id in dag_ids:
            for key in ((environment, dag_id, job), ("", dag_id, job)):
                if (found := self.jobs.get(key)) and found.runs:
                    return found
        return None


def read_usage(path: Path) -> Usage:
    """Read a file of statistics. Raises ``PlanError`` if it cannot be read or is not valid."""
    try:
        document = json.loads(path.read_bytes(), parse_constant=_reject)
    except OSError as failure:
        raise PlanError(f"{path}: {failure.strerror or failure}") from None
    except RecursionError:
        raise PlanError(f"{path}: not valid JSON: too many nested values") from None
    except ValueError as failure:  # of JSON, of UTF-8, of a number
        raise PlanError(f"{path}: not valid JSON: {failure}") from None
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        hint = "update dagf, or write the file in this version"
        raise PlanError(f"{path}: version: the version is {version}, but this dagf reads version {VERSION}; {hint}")
    if errors := list(_validator().iter_errors(document)):
        lines = [f"{path}: {dotted(tuple(error.instance_path)) or 'the document'}: {error.message}" for error in errors]
        more = [f"and {len(lines) - _ERRORS:,} more errors"] if len(lines) > _ERRORS else []
        raise PlanError("\n".join([*lines[:_ERRORS], *more]))
    return Usage(_by_key(path, [msgspec.convert(entry, JobUsage) for entry in document["jobs"]]))


def _by_key(path: Path, entries: list[JobUsage]) -> dict[tuple[str, str, str], JobUsage]:
    found: dict[tuple[str, str, str], int] = {}
    for index, entry in enumerate(entries):
        key = (entry.environment, entry.dag_id, entry.job)
        if key in found:
            message = f"`{entry.job}` of `{entry.dag_id}` has an entry already, `jobs[{found[key]}]`; remove one"
            raise PlanError(f"{path}: jobs[{index}]: {message}")
        found[key] = index
    return {key: entries[index] for key, index in found.items()}


def _reject(constant: str) -> Any:
    raise ValueError(f"`{constant}` is not a number of JSON")


@lru_cache(1)
def _validator() -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
