"""What the cache stores beside the results of files. Stored fields keep their names and their order."""

from __future__ import annotations

import msgspec

from dag_factory.config.ids import FileId
from dag_factory.config.positions import Position
from dag_factory.config.problems import Problem


class LastGood(msgspec.Struct, frozen=True, array_like=True):
    """The last good version of a DAG: the id of its file, and the cache key of the result that holds the model.

    ``gone`` means that the project did not define the DAG in the last pass. ``work`` is the work of the DAG, 0 if
    unknown. ``waiting`` is the cache key of a newer version that exceeds the loader's work budget. ``deleted`` means
    that the DAG stays until its runs are finished; ``idle`` counts the last passes in which no task of them was at
    work.
    """

    file: FileId
    name: str
    gone: bool = False
    work: int = 0
    waiting: str = ""
    deleted: bool = False
    idle: int = 0


class Summary(msgspec.Struct, frozen=True):
    """What a pass needs of the platform's tables; ``teams`` has the position of each team's name.

    ``sends_alerts``: whether there are channels, and alerts are enabled.
    """

    pools: dict[str, int]
    problems: tuple[Problem, ...]
    teams: dict[str, Position] = {}
    sends_alerts: bool = False


class Reported(msgspec.Struct, frozen=True):
    """The problems of a whole project in one state of its files; see ``Project.inspect``.

    ``broken`` has the ids of the files with a DAG that may need its last good version.
    """

    state: str
    problems: tuple[Problem, ...]
    broken: tuple[FileId, ...] = ()
