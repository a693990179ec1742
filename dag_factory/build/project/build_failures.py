"""Find the pipelines that Airflow rejects, for the report.

A pipeline that passes every check can still fail when its DAG is built. The loader and the report may run on
different machines, so nothing has to be passed between them: the report builds every pipeline that no record in its
cache proves to be buildable. A record is identified by content: of the compiled file and of the code that builds DAGs.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from dag_factory.build.project.build_dags import build_dags
from dag_factory.config.digest import digest
from dag_factory.config.file_results import FileResult
from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem
from dag_factory.config.project.inspection import Inspection
from dag_factory.config.storage.loader_records import REPORT, Record

_DISTRIBUTIONS = (
    "apache-airflow-core",
    "apache-airflow-task-sdk",
    "apache-airflow-providers-cncf-kubernetes",
    "kubernetes",
)


@lru_cache(1)
def builder_digest() -> str:
    """Return a digest of the code that builds DAGs: this package, Airflow, its provider and the Kubernetes client."""
    here = Path(__file__).resolve().parents[1]
    files = [(path.relative_to(here), path.stat()) for path in sorted(here.rglob("*.py"))]
    versions = [f"{path}:{about.st_size}:{about.st_mtime_ns}" for path, about in files]
    return digest(*(part.encode() for part in (*versions, *map(version, _DISTRIBUTIONS))))


def find_failures(look: Inspection, work: int) -> dict[DagId, Problem]:
    """Return a problem for each DAG of the project that cannot be built, by DAG id.

    Pipelines that nobody has built yet are built here: the smallest files first, at least one, and at most ``work``
    units of them. The rest follows in later passes. If a loader has built a pipeline that failed here, the loader's
    record counts.
    """
    mine = look.cache.records.get(REPORT, builder_digest()) or Record(builder_digest())
    records = [one for one in look.cache.records.all() if one.builder == builder_digest()]
    loaders = [one for one in records if one != mine]
    refuted = {name for one in loaders for name in one.built}
    failed = {name: problems for name, problems in mine.failed.items() if name not in refuted}
    failed |= {name: problems for one in loaders for name, problems in one.failed.items()}
    built = {name for one in records for name in one.built}
    new = sorted(look.not_yet_built({*built, *failed}), key=lambda pair: (_work(pair[1]), pair[1].id))
    now_built, now_failed = set(mine.built), {name: failed[name] for name in mine.failed if name in failed}
    interrupted: dict[str, dict[DagId, Problem]] = {}
    for name, file_result in new:
        work -= _work(file_result)
        if work < 0 and name != new[0][0]:
            break
        problems = build_dags(result.pipeline for result in file_result.results if result.pipeline)[1]
        if any(problem.code == "too-slow" for problem in problems.values()):
            interrupted[name] = problems  # not cached: it depends on the machine more than on the file
        elif problems:
            now_failed[name] = problems
        else:
            now_built.add(name)
    names = {name for name in look.keys.values() if name}
    now_failed = {name: problems for name, problems in now_failed.items() if name in names}
    look.cache.records.put(REPORT, Record(builder_digest(), tuple(sorted(now_built & names)), now_failed))
    found = {**failed, **now_failed, **interrupted}
    return {dag_id: problem for name in names for dag_id, problem in found.get(name, {}).items()}


def _work(file_result: FileResult) -> int:
    return sum(result.work for result in file_result.results)
