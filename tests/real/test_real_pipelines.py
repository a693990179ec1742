"""Pipelines equivalent to real workflow files, in fewer lines; ``README.md`` says where they come from."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dag_factory.config import Pipeline, model, open_project
from dag_factory.config.project.survey import survey

HERE = Path(__file__).parent
FACTS: dict[str, dict[str, Any]] = json.loads((HERE / "facts.json").read_text("utf-8"))
IDS = sorted(FACTS)
NOTHING = {"schedule": None, "start_date": None, "end_date": None, "paused": None, "max_active_runs": None, "slack": []}
COMMON_VARIABLES = ["AIRFLOW_DAG_ID", "AIRFLOW_ENVIRONMENT", "AIRFLOW_JOB", "AIRFLOW_RUN_ID"]
"""The environment variables of every pod."""


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    found = {}
    for environment in ("development", "production"):
        compiled = open_project(HERE, environment).compile_all()
        assert not compiled.problems
        found |= {one.id: one for one in compiled.pipelines}
    return found


def test_no_environment_has_problems() -> None:
    assert survey(HERE).problems == ()


@pytest.mark.parametrize("name", IDS)
def test_the_file_is_shorter_than_the_original(name: str) -> None:
    text = (HERE / "configs/pipelines" / f"{name.replace('.', '/')}.yaml").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) < FACTS[name]["lines"]
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("name", IDS)
def test_the_facts_are_those_of_the_original(pipelines: dict[str, Pipeline], name: str) -> None:
    pipeline = pipelines[name]
    expected = {key: value for key, value in FACTS[name].items() if key != "lines"}
    assert {key: value for key, value in facts(pipeline).items() if value != NOTHING.get(key, 0)} == expected


def facts(pipeline: Pipeline) -> dict[str, Any]:
    """Return the facts of a pipeline in the form of ``facts.json``."""
    jobs = pipeline.jobs
    (retries,) = {(job.retries.count, job.retries.delay) for job in jobs}
    return {
        "environment": pipeline.environment,
        "tasks": len(jobs),
        "tasks_by_upstreams": dict(Counter(str(len(job.depends_on)) for job in jobs)),
        "tasks_by_variables": dict(Counter(str(len(own_variables(job))) for job in jobs)),
        "tasks_by_flavor": dict(Counter(flavor(job) for job in jobs)),
        "schedule": schedule(pipeline.schedule),
        "start_date": pipeline.start_date if pipeline.start_date != "2025-01-01" else None,  # the environment's
        "end_date": pipeline.end_date,
        "paused": None if pipeline.paused else False,  # the environments pause by default
        "max_active_runs": pipeline.max_active_runs,
        "retries": retries[0],
        "retry_delay": retries[1] or 0,
        "params": len(pipeline.params),
        "secrets": len({var.name for job in jobs for var in job.env if var.secret}),
        "inlets": len({asset for job in jobs for asset in job.inlets}),
        "outlets": len({asset for job in jobs for asset in job.outlets}),
        "emails": sum(len(channel.to) for channel in pipeline.channels if channel.kind == "email"),
        "slack": slack(pipeline),
        "network": all(job.host_aliases for job in jobs),
    }


def own_variables(job: model.Job) -> list[str]:
    return [var.name for var in job.env if not re.match("(AIRFLOW|PARAM|SECRET)_", var.name)]


def flavor(job: model.Job) -> str:
    kind = "spot" if any(one["key"] == "spot" for one in job.tolerations) else "steady"
    cards = ", gpu" if job.flavor.gpu_count else ""
    return f"{job.flavor.limits['cpu']} CPU, {job.flavor.limits['memory']}{cards}, {kind}"


def schedule(what: model.Schedule) -> Any:
    match what:
        case model.Cron(expressions=(one,)):
            return one
        case model.Every(seconds=seconds):
            return {"every_hours": seconds // 3600}
        case model.Assets(rule=model.AllOf(of=of)):
            return {"assets": len(of)}
    return None


def slack(pipeline: Pipeline) -> list[str]:
    channels = {one.name for one in pipeline.channels if one.kind == "slack"}
    events = {"failure": pipeline.alerts.on_failure, "success": pipeline.alerts.on_success}
    return [event for event, names in events.items() if channels.intersection(names)]


@pytest.mark.parametrize("name", IDS)
def test_every_pod_follows_the_platform_conventions(pipelines: dict[str, Pipeline], name: str) -> None:
    pipeline = pipelines[name]
    own = name.replace(".", "-")
    assert len(pipeline.owner) == 1
    for job in pipeline.jobs:
        assert sorted(var.name for var in job.env if var.name.startswith("AIRFLOW_")) == COMMON_VARIABLES
        assert job.service_account == own
        assert job.security_context and job.security_context["runAsNonRoot"]
        assert re.fullmatch(r"registry\.harbour\.example/[a-z-]+:v?\d[\w.-]+", job.image)
        for var in job.env:
            if var.secret:
                assert var.name.startswith("SECRET_")
                kind = var.name.removeprefix("SECRET_").lower().replace("_", "-")
                assert var.secret == model.KeyRef(name=f"{own}-{kind}", key="data")
        params = {f"PARAM_{param.name.upper()}" for param in pipeline.params}
        assert params == {var.name for var in job.env if var.name.startswith("PARAM_")}


def test_dependencies(pipelines: dict[str, Pipeline]) -> None:
    edges = {job.name: job.depends_on for name in ("crew.roster", "levies.monthly") for job in pipelines[name].jobs}
    assert edges["publish"] == ("check", "clean", "shifts")
    four = ("extract-open", "extract-settled", "extract-payments", "extract-breaches")
    assert edges["full-table"] == edges["redacted-table"] == four


def test_text_values_are_not_converted(pipelines: dict[str, Pipeline]) -> None:
    shifts = next(job for job in pipelines["crew.roster"].jobs if job.name == "shifts")
    assert [var.value for var in shifts.env if var.name in ("COST_CENTRES_BY_HAND", "OLD_WAY_TO_COUNT")] == [
        "False"
    ] * 2
    (main,) = pipelines["buoys.load"].jobs
    assert next(var.value for var in main.env if var.name == "WHOLE_DATABASE_ANEW") == "true"


def test_a_matrix_with_larger_cells(pipelines: dict[str, Pipeline]) -> None:
    jobs = {job.name: job for job in pipelines["ledger.extract"].jobs}
    moves = jobs["ledger-extract-cargo-moves-t"]
    values = {var.name: var.value for var in moves.env}
    assert (moves.flavor.name, values["TABLE"], values["LAKE_TABLE"], values["FILE_TABLE"], values["PREFIX"]) == (
        "steady-32cpu-128gb",
        "cargo-moves-t",
        "cargo_moves_t",
        "cargo_moves_t",
        "v3-ledger",
    )
    assert {var.name: var.value for var in jobs["ledger-app-extract-fees"].env}["PREFIX"] == "v3-ledger-app"
