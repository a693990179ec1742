"""A last good version may use the names that the environment allows in templates now."""

from __future__ import annotations

from pathlib import Path

import pytest
from loading import CONTEXT, loaded, pipeline, project, write

LOCAL = "platform/environments/local.yaml"
CHURN = "pipelines/growth/churn.yaml"


def test_a_last_good_version_uses_the_names_that_are_allowed_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dag_factory.config.expressions.run_time_values import NotAllowed

    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    project(tmp_path)
    write(tmp_path, LOCAL, "version: 1\ntemplating: {allow: [var]}\n")
    write(tmp_path, CHURN, pipeline().replace("{}", "{args: ['{{ var.value.x }}']}"))
    loaded(tmp_path)
    monkeypatch.setenv(CONTEXT, "growth.churn")
    loaded(tmp_path)["growth.churn"].get_template_env().from_string("{{ var.value.x }}")
    write(tmp_path, CHURN, "version: [")
    write(tmp_path, LOCAL, "version: 1\n")
    dag = loaded(tmp_path)["growth.churn"]
    assert "var.value.x" in dag.task_dict["j0"].arguments[0]
    with pytest.raises(NotAllowed, match="variables of Airflow"):
        dag.get_template_env().from_string("{{ var.value.x }}")
