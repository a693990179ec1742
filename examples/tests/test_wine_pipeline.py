"""Tests of the pipeline ml.wine, as a team would write them for its own pipelines. docs/testing.md explains them.

Run them in the root of the repository: pytest examples/tests
"""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dag_factory.testing.pipelines import TestedPipelines, TestedProject
from dag_factory.testing.snapshots import Snapshots


def test_every_pipeline_compiles(dagf_pipelines: TestedPipelines) -> None:
    """Runs once for each environment. A pipeline with errors fails the test with their positions."""
    assert [pipeline.id for pipeline in dagf_pipelines.values()]


def test_the_models_are_trained_before_the_evaluation(dagf_pipelines: TestedPipelines) -> None:
    wine = dagf_pipelines["ml.wine"]
    wine.assert_order("features", "train-forest", "evaluate", "report")
    wine.assert_order("features", "train-linear", "evaluate")


def test_only_production_has_a_schedule(dagf_project: TestedProject) -> None:
    prod = dagf_project.pipelines("prod")["ml.wine"]
    prod.assert_schedule("0 4 * * 1", timezone="Europe/Berlin")
    first, *_ = prod.next_runs(after=datetime(2026, 7, 1, tzinfo=timezone.utc))
    assert first.strftime("%A %H:%M") == "Monday 04:00"
    dagf_project.pipelines("local")["ml.wine"].assert_schedule(None)


@pytest.mark.dagf_env("prod")
def test_the_pods_of_production(dagf_pipelines: TestedPipelines) -> None:
    forest = dagf_pipelines["ml.wine"].job("train-forest")
    forest.assert_pod(
        {
            "metadata.namespace": "ml-prod",
            "spec.containers[base].image": "registry.example.com/examples/wine:1.0.0",
            "spec.hostNetwork": None,
        }
    )
    assert forest.container["resources"]["limits"]["memory"] == forest.model.flavor.limits["memory"]


@pytest.mark.dagf_env("prod")
def test_nothing_changes_by_accident(dagf_pipelines: TestedPipelines, dagf_snapshot: Snapshots) -> None:
    """The file is examples/tests/snapshots/prod/ml.wine.yaml. `pytest --dagf-update-snapshots` writes it."""
    dagf_snapshot.assert_match(dagf_pipelines["ml.wine"])
