"""Labels are valid for Kubernetes, and different values stay different."""

from __future__ import annotations

import re

import pytest
from building import a_job, pod_of, rendered

LEGAL = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


def test_every_pod_has_labels_of_its_owner() -> None:
    labels = pod_of(a_job("train"), owner=("ml-team", "growth"))["metadata"]["labels"]
    assert {name: value for name, value in labels.items() if name.startswith("dagwright/")} == {
        "dagwright/pipeline": "growth.churn",
        "dagwright/job": "train",
        "dagwright/flavor": "cpu-small",
        "dagwright/environment": "prod",
        "dagwright/owner": "ml-team.growth",
        "dagwright/team": "growth",
    }


def test_a_job_cannot_override_the_factorys_labels() -> None:
    job = a_job(labels={"dagwright/team": "other", "cost-centre": "4711"})
    labels = pod_of(job)["metadata"]["labels"]
    assert labels["dagwright/team"] == "growth"
    assert labels["cost-centre"] == "4711"


@pytest.mark.parametrize(
    "text",
    ["", "a", "a" * 63, "a" * 64, "Data Team <data@acme.io>", "-a-", "_", "...", "é", "a/b", "x" * 300, "a\n", "ünï"],
)
def test_a_label_value_is_always_valid(text: str) -> None:
    from dag_factory.config.pod.names import label_value

    value = label_value(text)
    assert LEGAL.fullmatch(value)
    if LEGAL.fullmatch(text):
        assert value == text


def test_shortened_values_stay_different() -> None:
    from dag_factory.config.pod.names import label_value

    texts = ["a" * 64, "a" * 65, "a b", "a  b", "a/b", "a-b", "/", "\\", "."]
    assert len({label_value(text) for text in texts}) == len(texts)


def test_a_label_is_made_valid_when_it_is_rendered() -> None:
    task = rendered(a_job(labels={"run": "{{ run_id }}", "folds": "{{ params.folds }}"}))
    assert LEGAL.fullmatch(task.labels["run"])
    assert task.labels["run"].startswith("manual__2026-x-")
    assert task.labels["folds"] == "5"


def test_a_brace_at_the_end_of_a_label_is_text() -> None:
    task = rendered(a_job(labels={"run": "{{ params.folds }}{"}))
    assert re.fullmatch("5-[0-9a-f]{8}", task.labels["run"])
