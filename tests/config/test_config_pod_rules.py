"""Pods that Kubernetes would reject are reported when the file is compiled, at the line to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dag_factory.config import Compiled, open_project
from dag_factory.config.jobs.checks.pod_rules import faults

CODES = {"invalid-pod", "missing-key", "bad-value", "too-large", "too-small"}
VOLUME = "volumes: [{name: v, pvc: c, mount_path: /x}]"
FIXTURES = Path(__file__).parent / "fixtures"
REFUSED: dict[str, str] = yaml.safe_load((FIXTURES / "refused.yaml").read_text())
TAKEN = (
    "tolerations: [{operator: Exists}]",
    "tolerations: [{key: a, value: b}]",
    "tolerations: [{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: 0}]",
    "security_context: {runAsUser: 0, seccompProfile: {type: Localhost, localhostProfile: p.json}}",
    "security_context: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}}",
    "host_aliases: [{ip: '::1', hostnames: [db.internal]}, {ip: 255.1.20.3}]",
    "pod: {spec: {dnsPolicy: None, dnsConfig: {nameservers: [1.2.3.4]}}}",
    "pod: {spec: {hostNetwork: true, terminationGracePeriodSeconds: 0}}",
    "pod: {spec: {volumes: [{name: v, projected: {sources: [{secret: {name: a}}, {downwardAPI: {items: []}}]}}]}}",
    "pod: {spec: {volumes: [{name: v, emptyDir: {medium: HugePages-2Mi}}, {name: w, hostPath: {path: /a, type: ''}}]}}",
    "pod: {spec: {containers: [{name: base, volumeMounts: [{mountPath: /x, readOnly: true}]}]}}, " + VOLUME,
    "pod: {spec: {volumes: [{name: v, secret: {defaultMode: 256}}]}}, volumes: [{name: v, secret: s, mount_path: /x}]",
    "sidecars: [{name: a, image: i, livenessProbe: {tcpSocket: {port: http}, periodSeconds: 0}}]",
    "sidecars: [{name: a, image: i, ports: [{containerPort: 65535, name: http-1, hostPort: 0}]}]",
    "init_containers: [{name: a, image: i, env: [{name: A.b-c, value: ''}, {name: B, value: '{{ ds }}'}]}]",
    "init_containers: [{name: a, image: i, "
    "env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a']\"}}}]}]",
    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
    "[{matchExpressions: [{key: example.com/cores, operator: Gt, values: ['8']}]}]}}}",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\npod_security: privileged\n")
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def compiled(home: Path, job: str) -> Compiled:
    text = f"version: 1\njobs:\n  a: {{docker_image: i, resource_flavor: small,\n    {job}}}\n"
    write(home, "pipelines/team/one.yaml", text)
    return open_project(home, "dev").compile_all()


@pytest.mark.parametrize("job", REFUSED.values(), ids=REFUSED)
def test_an_invalid_pod_is_reported_at_its_line(home: Path, job: str) -> None:
    found = compiled(home, job)
    assert not found.pipelines
    assert {problem.line for problem in found.problems} == {4}, found.problems
    assert {problem.code for problem in found.problems} <= CODES
    assert all(problem.message and problem.hint for problem in found.problems if problem.code == "invalid-pod")


@pytest.mark.parametrize("job", TAKEN)
def test_a_valid_pod_is_accepted(home: Path, job: str) -> None:
    found = compiled(home, job)
    assert not [problem for problem in found.problems if problem.severity == "error"]
    assert found.pipelines


def test_the_position_is_the_value_to_change(home: Path) -> None:
    job = (
        "pod: {spec: {containers: [{name: base, volumeMounts: [\n"
        "      {name: v, mountPath: /a},\n      {mountPath: /b}]}]}}, " + VOLUME
    )
    (problem,) = compiled(home, job).problems
    assert (problem.line, problem.code) == (6, "missing-key")
    assert problem.path == "jobs.a.pod.spec.containers[0].volumeMounts[1]"


def test_pods_from_a_real_cluster_are_valid() -> None:
    recorded = (FIXTURES / "pods.yaml").read_text()
    pods: list[dict[str, Any]] = [pod for pod in yaml.safe_load_all(recorded) if pod]
    assert len(pods) > 15
    assert [fault for pod in pods for fault in faults(pod)] == []
