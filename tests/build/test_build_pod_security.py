"""The pod that the operator creates meets the level `restricted`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from building import built
from sent_pods import asked_for

from dag_factory.config import open_project
from dag_factory.config.pod.security_standards import violations

pytestmark = pytest.mark.usefixtures("no_connection")

FLAVORS = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n"
FLOW = """\
version: 1
defaults: {docker_image: "acme/image:1", resource_flavor: small}
jobs:
  plain: {script: echo}
  rich:
    output: json
    sidecars: [{name: side, image: "acme/side:1"}]
    init_containers: [{name: first, image: "acme/first:1", securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]
    pod: {spec: {containers: [{name: beside, image: "acme/beside:1"}, {name: base, stdin: true}]}}
    for_each: {as: ITEM, list: [a, b]}
"""


def pods(home: Path, environment: str) -> dict[str, Any]:
    """The pod of each job, as the operator and its callbacks build it."""
    files = {"platform/flavors": FLAVORS, "platform/environments/dev": environment, "pipelines/team/flow": FLOW}
    for name, text in files.items():
        path = home / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (pipeline,) = open_project(home, "dev").compile_all().pipelines
    dag = built(pipeline)
    return {job.name: asked_for(dag.task_dict[job.name]) for job in pipeline.jobs}


@pytest.mark.parametrize("job", ["plain", "rich"])
def test_the_pod_meets_the_security_level(job: str, tmp_path: Path) -> None:
    free = pods(tmp_path / "free", "version: 1\npod_security: baseline\n")[job]
    assert list(violations(free, "baseline")) == []
    assert list(violations(free, "restricted"))
    closed = pods(tmp_path / "closed", "version: 1\npod_security: restricted\n")[job]
    assert list(violations(closed, "restricted")) == []


def test_the_xcom_sidecar_does_not_run_as_root(tmp_path: Path) -> None:
    """The provider's image runs as root, so with `runAsNonRoot` it would not start."""
    environment = "version: 1\npod_security: restricted\n"
    own = "cluster: {xcom_sidecar: {security_context: {runAsUser: 1000}}}\n"
    for text, user in ((environment, 65534), (environment + own, 1000)):
        (sidecar,) = pods(tmp_path / str(user), text)["rich"]["spec"]["containers"][2:]
        assert sidecar["name"] == "airflow-xcom-sidecar"
        assert sidecar["securityContext"]["runAsUser"] == user
