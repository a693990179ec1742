"""The pipeline templates of the package, run by a real scheduler with functions of a user."""

from __future__ import annotations

from real_stack import Running

STEPS = """
def extract(day):
    return ["a", {"name": "b \\'", "rows": [1]}]


def transform(part, day):
    return {"of": part, "day": len(day)}


def load(parts, day):
    return parts


def check(result, day):
    assert [one["of"] for one in result] == ["a", {"name": "b \\'", "rows": [1]}], result


def data():
    return {"address": "s3://a"}


def train(data, model, depth):
    return {"model": model, "accuracy": len(model) * depth / 20, "data": data["address"]}


def evaluate(data, candidates):
    return max(candidates, key=lambda one: one["accuracy"])


def promote(result):
    return "promoted " + result["model"]
"""


def test_pipelines_of_both_templates_succeed(running: Running) -> None:
    (running.claim("template-steps") / "steps.py").write_text(STEPS)
    etl, training = running.start("checks.etl"), running.start("checks.training")
    assert etl.wait() == "success"
    assert etl.output("load") == [
        {"of": "a", "day": 10},
        {"of": {"name": "b '", "rows": [1]}, "day": 10},
    ]
    assert training.wait() == "success"
    assert training.output("evaluate") == {"model": "forest", "accuracy": 0.6, "data": "s3://a"}
    assert training.output("promote") == "promoted forest"
    assert training.jobs()["rejected"] == "skipped"
