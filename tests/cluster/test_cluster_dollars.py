"""Text of a trigger form in a program's arguments, variables and script: rendered by the operator, not expanded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from live import Live
from project_tasks import rendered_task

PIPELINE = """\
version: 1
params: {title: {type: string, default: none}}
params_env: P_
defaults:
  docker_image: alpine:3
  resource_flavor: small
  env: {DB_PASSWORD: {secret: dollars/password}}
  output: json
jobs:
  argument:
    env: {PLAIN: "pa$$word", TITLE: "{{ params.title }}", OWN: "<$(DB_PASSWORD)>"}
    command: [python3, -c, "import json, os, sys; found = [os.environ[n] for n in 'PLAIN TITLE P_TITLE OWN'.split()];
      json.dump([sys.argv[1:], *found], open('/airflow/xcom/return.json', 'w'))"]
    args: ["{{ params.title }}", "$(PLAIN):{{ params.title }}", "$({{ params.title }})"]
  script:
    env: {PLAIN: word}
    script: |
      cat > /airflow/xcom/return.json << 'END'
      {{ params.title | tojson }}
      END
      test "$(echo $$)" = "$$" && test "${PLAIN}" = word
"""


@pytest.fixture(scope="module", autouse=True)
def secret(processes: Live) -> None:
    body = {"metadata": {"name": "dollars"}, "stringData": {"password": "SECRET"}}
    processes.api.create_namespaced_secret("default", body)


def output(live: Live, home: Path, job: str, title: str) -> Any:
    """The output of a job in a run that was started with this title."""
    run = f"{job}-{title.encode().hex()}"
    task, context = rendered_task(live, home, PIPELINE, job, run, {"title": title})
    return task.execute(context)


@pytest.mark.parametrize("title", ["$(DB_PASSWORD)", "costs $$5, $(", "DB_PASSWORD", "$", "ü $(P_TITLE) $$(HOME)"])
def test_text_of_a_form_is_neither_expanded_nor_changed(processes: Live, tmp_path: Path, title: str) -> None:
    arguments, plain, by_env, by_params_env, own = output(processes, tmp_path, "argument", title)
    assert arguments == [title, f"pa$word:{title}", f"$({title})"]
    assert (by_env, by_params_env) == (title, title)
    # The text of the author is expanded, as in Kubernetes.
    assert (plain, own) == ("pa$word", "<SECRET>")
    assert output(processes, tmp_path, "script", title) == json.loads(json.dumps(title))
