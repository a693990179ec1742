"""What came of one pipeline file in one environment: the unit in which compiling is kept and shared out.

What makes one is in ``compiling``, which a process that finds everything kept never imports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from dag_factory.config import files
from dag_factory.config.layout import DAG_ID_LENGTH, file_of
from dag_factory.config.model import Pipeline
from dag_factory.config.places import Mark
from dag_factory.config.problems import Problem


class Result(msgspec.Struct, frozen=True):
    """A pipeline in one environment. No pipeline and no problems: it does not exist there."""

    id: str
    pipeline: Pipeline | None
    problems: tuple[Problem, ...]


class Outcome(msgspec.Struct, frozen=True):
    """``results`` are of the DAGs that the file ``id`` claims; ``instances`` says where those of a family stand.

    ``readable`` is false where not even the ids are known.
    """

    id: str
    file: str
    results: tuple[Result, ...]
    instances: dict[str, Mark] = {}
    readable: bool = True


class Text(NamedTuple):
    """A pipeline file as it was read: its id, its name, and its bytes or what keeps them from being read."""

    id: str
    file: str
    data: bytes | Problem


def read(home: Path, file_id: str) -> Text:
    """Read a pipeline's file: one of ``list_files``, or one that ``is_there``; both follow no link to a folder."""
    file = file_of(file_id)
    return Text(file_id, file, files.read_listed(f"{home}/{file}", f"{home}/configs", file))


def unreadable(file_id: str, file: str, problem: Problem) -> Outcome:
    """The outcome of a file that cannot be read."""
    return Outcome(file_id, file, (Result(file_id, None, (problem,)),), readable=False)


def without_clashes(outcomes: Iterable[Outcome], ids: Collection[str]) -> list[Outcome]:
    """The outcomes, without instances that claim the id of another file, which are told; the file keeps the id."""
    return [_without_clashes(one, ids) if one.instances else one for one in outcomes]


def _without_clashes(found: Outcome, ids: Collection[str]) -> Outcome:
    results = list(found.results)
    for index, result in enumerate(results):
        name = result.id.rpartition(".")[2]
        mark, path = found.instances.get(name, Mark(found.file)), ("instances", name)
        if result.id in ids:
            message = f"the instance `{name}` would be the DAG `{result.id}`, which is a file of its own"
            problem = Problem.at(mark, path, "duplicate-id", message, "rename one of the two")
        elif len(result.id) > DAG_ID_LENGTH:
            message = f"the DAG's id would have {len(result.id)} characters, more than Airflow's {DAG_ID_LENGTH}"
            problem = Problem.at(mark, path, "bad-name", message, "shorten the name of the instance or the file")
        else:
            continue
        results[index] = Result(result.id, None, (problem,))
    return msgspec.structs.replace(found, results=tuple(results))
