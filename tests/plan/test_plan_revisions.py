"""Which revisions a plan compares, and what it reads of them."""

from __future__ import annotations

from pathlib import Path

from git_project import PIPELINE, new_project

from dag_factory.plan.make_plan import make_plan
from dag_factory.plan.model import Plan

ORDERS = "configs/pipelines/sales/orders.yaml"


def changes(plan: Plan) -> list[str]:
    """Each change as ``kind id``."""
    return [f"{change.kind} {change.id}" for change in plan.changes]


def test_the_default_is_the_merge_base_against_the_files_on_disk(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    base = project.git("rev-parse", "HEAD")
    project.git("switch", "--quiet", "--create", "feature")
    head = project.commit({"configs/pipelines/sales/committed.yaml": PIPELINE})
    project.git("switch", "--quiet", "main")
    project.commit({"configs/pipelines/sales/later.yaml": PIPELINE})
    project.git("switch", "--quiet", "feature")
    project.write({"configs/pipelines/sales/untracked.yaml": PIPELINE})

    plan = make_plan(project.home)

    assert changes(plan) == ["added sales.committed", "added sales.untracked"]
    assert (plan.base.name, plan.base.commit) == ("main", base)
    assert (plan.head.name, plan.head.commit, plan.head.dirty) == ("feature", head, True)


def test_a_clean_working_tree_is_not_dirty(tmp_path: Path) -> None:
    project = new_project(tmp_path)
    project.git("switch", "--quiet", "--create", "feature")
    project.commit({ORDERS: PIPELINE.replace("image:1", "image:2")})

    plan = make_plan(project.home)

    assert changes(plan) == ["changed sales.orders"]
    assert not plan.head.dirty
