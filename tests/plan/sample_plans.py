"""Plans that are written by hand, to test how they are shown."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem
from dag_factory.plan.model import (
    ABSENT,
    Cause,
    DagChange,
    Effect,
    EnvironmentCost,
    FieldChange,
    JobChange,
    NotAnalyzed,
    Place,
    Plan,
    PoolChange,
    Revision,
    Risk,
)

MEMORY = "spec.containers[0].resources.limits.memory"
EMPTY = Plan(
    base=Revision("main", "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
    head=Revision("working tree", "9f8e7d6c5b4a39281706f5e4d3c2b1a009f8e7d6", dirty=True),
    environments=("dev", "prod"),
    files=144,
    not_analyzed=(),
    changes=(),
    effects=(),
    risks=(),
    costs=(),
    new_problems=(),
    solved_problems=(),
    unchanged_problems=0,
    version="0.1.0",
)


def plan(**keys: Any) -> Plan:
    """The empty plan with these fields."""
    return replace(EMPTY, **keys)


def place(environment: str = "prod", dag: str = "ml.wine", job: str = "") -> Place:
    return Place(environment, DagId(dag), job)


def change(kind: Any = "changed", dag: str = "ml.wine", environment: str = "prod", **keys: Any) -> DagChange:
    keys.setdefault("file", f"configs/pipelines/{dag.replace('.', '/')}.yaml")
    return DagChange(environment=environment, id=DagId(dag), kind=kind, **keys)


def flavor_edit(dags: int, jobs: int = 2) -> Plan:
    """One line of the flavors changes every job of many DAGs in two environments; one DAG changes its image, too."""
    memory = FieldChange(MEMORY, "2Gi", "4Gi")
    image = FieldChange("spec.containers[0].image", "registry.example.com/wine:1.0", "registry.example.com/wine:1.1")
    changes, places = [], []
    for environment in ("dev", "prod"):
        for number in range(dags):
            dag = f"team.flow-{number}"
            fields = (memory, image) if number == 0 else (memory,)
            changed = tuple(
                JobChange(f"job-{job}", "changed", fields if job == 0 else (memory,)) for job in range(jobs)
            )
            changes.append(change("changed", dag, environment, jobs=changed))
            places += [place(environment, dag, f"job-{job}") for job in range(jobs)]
    flavors = Cause("configs/platform/flavors.yaml", 14, 30, "cpu-small")
    own = Cause("configs/pipelines/team/flow-0.yaml", 5, 17, "job")
    return plan(
        changes=tuple(changes),
        effects=(
            Effect((memory,), flavors, tuple(places)),
            Effect((image,), own, tuple(place(one, "team.flow-0", "job-0") for one in ("dev", "prod"))),
        ),
    )


def everything() -> Plan:
    """A plan with every kind of change, with risks, costs, errors and files that were not analyzed."""
    broken = Problem(
        "configs/pipelines/retail/orders.yaml",
        12,
        18,
        "unknown-flavor",
        "unknown flavor `cpu-smal`",
        "jobs.load.resource_flavor",
        "did you mean `cpu-small`?",
    )
    script = "set -e\npython -m wine.report\necho done\n"
    image = FieldChange("spec.containers[0].image", "registry.example.com/wine:1.0", "registry.example.com/wine:latest")
    many = flavor_edit(20)
    return replace(
        many,
        environments=("dev", "local", "prod"),
        changes=(
            *many.changes,
            change("added", "ml.churn", jobs=(JobChange("extract", "added"), JobChange("train", "added"))),
            change("removed", "ml.old", jobs=(JobChange("train", "removed"),)),
            change("renamed", "ml.wines", renamed_from=DagId("ml.wine")),
            change(
                "changed",
                "ml.grapes",
                fields=(FieldChange("schedule", ABSENT, "0 4 * * 1"), FieldChange("catchup", False, True)),
                jobs=(
                    JobChange(
                        "report", "changed", (image, FieldChange("spec.containers[0].args[1]", script, f"{script}ls\n"))
                    ),
                    JobChange("publish", "added", (FieldChange("retries.count", ABSENT, 3),)),
                    JobChange("email", "removed"),
                ),
                edges_added=(("report", "publish"),),
                edges_removed=(("report", "email"),),
            ),
            change("broken", "retail.orders", "dev", problems=(broken,)),
            change("broken", "retail.orders", problems=(broken,)),
            change("repaired", "retail.returns"),
            change("documentation", "start.hello", "dev"),
            change("documentation", "start.hello"),
        ),
        risks=(
            Risk(
                "moving-image-tag",
                "the image `registry.example.com/wine:latest` can change without a commit.",
                (place(dag="ml.grapes", job="report"),),
            ),
            Risk(
                "catchup",
                "Up to 214 runs start at once, if the DAG is new or never ran, as of 2026-12-01.",
                (place(dag="ml.grapes"),),
                Cause("configs/pipelines/ml/grapes.yaml", 7, 10, "pipeline"),
                214,
            ),
        ),
        costs=(
            EnvironmentCost("dev", (2.0, 4.0)),
            EnvironmentCost("prod", (2.0, 4.0), (1200.0, 2405.5), {"manual": 3, "no history": 2}),
        ),
        not_analyzed=(NotAnalyzed("configs/pipelines/shared", "a submodule"),),
        new_problems=(broken, replace(broken, file="configs/pipelines/retail/fresh.yaml")),
        solved_problems=(broken,),
        unchanged_problems=2,
        changed_files=("configs/pipelines/ml/grapes.yaml",),
        still_broken=(place("dev", "ml.late"),),
        pools=(PoolChange("gpu", 8, 4, ("prod",)),),
    )
