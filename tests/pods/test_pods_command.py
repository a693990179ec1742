"""``dagf pods`` and ``dagf pods reap`` with a local cluster."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_servers import Airflow, http_server
from kubernetes import client, config

from dag_factory import cluster
from dag_factory.cli.main import main
from dag_factory.pods import cluster_pods
from dag_factory.pods.job_pod import label_of

RUN = "manual__2026-11-30T21:02:03+00:00"
LONG_AGO = (datetime.now(timezone.utc) - timedelta(hours=9)).isoformat()


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("cluster")
    try:
        yield cluster.up(cluster.ClusterConfig(state, namespaces=("other",))).kubeconfig
    finally:
        cluster.down(state)


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[client.CoreV1Api]:
    found = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
    yield found
    for namespace in ("default", "other"):
        found.delete_collection_namespaced_pod(namespace, grace_period_seconds=0)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV", "DAG_FACTORY_AIRFLOW_URL", "DAG_FACTORY_AIRFLOW_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def create(api: client.CoreV1Api, job: str, image: str = "busybox:1", namespace: str = "default", **labels: str) -> str:
    body = {
        "metadata": {
            "generateName": f"p-{job}-",
            "labels": {
                "dag_id": "p",
                "run_id": label_of(RUN),
                "task_id": job,
                "try_number": "1",
                "kubernetes_pod_operator": "True",
                "dagwright/pipeline": "p",
                "dagwright/job": job,
                "dagwright/flavor": "cpu-small",
                "dagwright/environment": "local",
                **labels,
            },
        },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "base", "image": image, "command": ["sleep", "600"]}],
        },
    }
    return str(api.create_namespaced_pod(namespace, body).metadata.name)


def names(api: client.CoreV1Api) -> set[str]:
    return {
        pod.metadata.name for pod in api.list_namespaced_pod("default").items if not pod.metadata.deletion_timestamp
    }


def run(kubeconfig: Path, *words: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["pods", *words, "--kubeconfig", str(kubeconfig)], input=input)


TASKS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("p", RUN): [
        {"task_id": "runs", "state": "running"},
        {"task_id": "failed", "state": "failed", "end_date": LONG_AGO},
        {"task_id": "image", "state": "running"},
    ]
}


def test_the_list_says_who_watches_each_pod_and_what_it_waits_for(api: client.CoreV1Api, kubeconfig: Path) -> None:
    runs, failed, image = create(api, "runs"), create(api, "failed"), create(api, "image", "nowhere/nothing:1")
    with http_server(Airflow(TASKS).answer) as url:

        def rows() -> dict[str, dict[str, Any]]:
            result = run(kubeconfig, "--airflow", url, "--json")
            assert result.exit_code == 0, result.output
            return {one["name"]: one for one in json.loads(result.stdout)}

        deadline = time.monotonic() + 300
        while "image" not in rows()[image]["reason"]:
            assert time.monotonic() < deadline, "the reason never appeared"
        found, text = rows(), run(kubeconfig, "--airflow", url).stdout
        orphans = run(kubeconfig, "--airflow", url, "--orphans")
    assert {name: one["watch"] for name, one in found.items()} == {runs: "watched", failed: "orphan", image: "watched"}
    assert (found[runs]["dag_id"], found[runs]["run_id"], found[runs]["task_state"]) == ("p", RUN, "running")
    assert "nowhere/nothing:1" in found[image]["reason"]
    assert text.splitlines()[0].split() == "POD AGE PHASE PIPELINE JOB TRY FLAVOR NODE WATCH REASON".split()
    assert orphans.exit_code == 1
    assert [line.split()[0] for line in orphans.stdout.splitlines()] == ["POD", failed]


def test_without_airflow_no_pod_is_called_an_orphan(api: client.CoreV1Api, kubeconfig: Path) -> None:
    create(api, "failed")
    result = run(kubeconfig, "--json")
    assert [one["watch"] for one in json.loads(result.stdout)] == ["unknown"]
    assert "name it with --airflow" in result.stderr
    for words in (["--orphans"], ["reap", "--yes"]):
        result = run(kubeconfig, *words)
        assert (result.exit_code, "only Airflow knows" in result.stderr) == (2, True), words
    result = run(kubeconfig, "reap", "--yes", "--airflow", "http://127.0.0.1:1")
    assert (result.exit_code, "Airflow does not answer" in result.stderr) == (2, True)
    assert names(api)


def test_reap_asks_and_deletes_only_orphans(api: client.CoreV1Api, kubeconfig: Path) -> None:
    runs, failed = create(api, "runs"), create(api, "failed")
    with http_server(Airflow(TASKS).answer) as url:
        no = run(kubeconfig, "reap", "--airflow", url, input="n\n")
        nobody = run(kubeconfig, "reap", "--airflow", url)
        assert names(api) == {runs, failed}
        yes = run(kubeconfig, "reap", "--airflow", url, input="y\n")
        again = run(kubeconfig, "reap", "--airflow", url)
    assert (no.exit_code, no.stdout.splitlines()[-1]) == (1, "Nothing was deleted.")
    assert f"default/{failed}" in no.stdout
    assert "Airflow: the task is failed for" in no.stdout
    assert (nobody.exit_code, "use --yes" in nobody.stderr) == (2, True)
    assert (yes.exit_code, yes.stdout.splitlines()[-1]) == (0, f"deleted      default/{failed}")
    assert names(api) == {runs}
    assert (again.exit_code, again.stdout) == (0, "No orphans.\n")


def test_control_c_at_the_question_deletes_nothing(api: client.CoreV1Api, kubeconfig: Path) -> None:
    failed = create(api, "failed")
    program = "from dag_factory.cli.main import main; main()"
    with http_server(Airflow(TASKS).answer) as url:
        command = [sys.executable, "-c", program, "pods", "reap", "--kubeconfig", str(kubeconfig), "--airflow", url]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        text = b""
        while not text.endswith(b"[y/N] "):
            text += process.stderr.read(1) or b"[y/N] "
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        process.communicate()
    assert failed in names(api)


def test_reap_keeps_a_pod_whose_task_started_again_after_the_question(api: client.CoreV1Api, kubeconfig: Path) -> None:
    failed = create(api, "failed")
    airflow = Airflow(TASKS)

    def answer(path: str, query: dict[str, str]) -> tuple[int, Any]:
        status, found = airflow.answer(path, query)
        if path.endswith("/taskInstances/failed"):  # the question right before the deletion
            assert api.read_namespaced_pod(failed, "default").metadata.labels["already_checked"] == "True"
            found = {**found, "state": "running", "try_number": 2}
        return status, found

    with http_server(answer) as url:
        result = run(kubeconfig, "reap", "--yes", "--airflow", url)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        f"not deleted  default/{failed}: try 2 is running",
    )
    assert "already_checked" not in api.read_namespaced_pod(failed, "default").metadata.labels


def test_reap_does_not_delete_another_pod_of_the_same_name(api: client.CoreV1Api, kubeconfig: Path) -> None:
    create(api, "failed")
    found = cluster_pods.connect(kubeconfig, None)
    [pod] = found.list(["default"], None)
    api.delete_namespaced_pod(pod.pod.name, "default", grace_period_seconds=0)
    body = {"metadata": {"name": pod.pod.name}, "spec": {"containers": [{"name": "a", "image": "busybox:1"}]}}
    api.create_namespaced_pod("default", body)
    for change in (found.delete, lambda one: found.mark(one, True)):
        with pytest.raises(cluster_pods.PodChanged):
            change(pod)
    assert pod.pod.name in names(api)


def test_a_long_list_is_read_in_pages(api: client.CoreV1Api, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_pods, "_PAGE", 2)
    created = {create(api, f"job-{number}") for number in range(5)}
    created.add(create(api, "elsewhere", namespace="other"))
    create(api, "other-environment", **{"dagwright/environment": "prod"})
    result = run(kubeconfig, "--json", "--all-namespaces")
    assert len(json.loads(result.stdout)) == 7
    found = cluster_pods.connect(kubeconfig, None).list(["default", "other"], "local")
    assert {one.pod.name for one in found} == created


def test_an_empty_cluster_says_so(kubeconfig: Path) -> None:
    result = run(kubeconfig, "-n", "other")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1].startswith("No pods of jobs. Cluster: https://127.0.0.1:")


def test_a_cluster_that_forbids_the_list_is_exit_code_2(tmp_path: Path) -> None:
    message = 'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "ml-prod"'

    with http_server(lambda *_: (403, {"kind": "Status", "message": message})) as url:
        result = run(write_kubeconfig(tmp_path, url), "-n", "ml-prod")
    assert result.exit_code == 2
    assert f"does not allow this user to list pods in the namespace ml-prod: {message}; ask for" in result.stderr


def test_a_cluster_that_does_not_answer_is_exit_code_2(tmp_path: Path) -> None:
    result = run(write_kubeconfig(tmp_path, "http://127.0.0.1:1"))
    assert (result.exit_code, "the cluster does not answer" in result.stderr) == (2, True)


def test_a_kubeconfig_without_the_context_is_exit_code_2(kubeconfig: Path) -> None:
    result = run(kubeconfig, "--context", "nowhere")
    assert (result.exit_code, "cannot use the kubeconfig" in result.stderr) == (2, True)


def test_without_a_local_cluster_the_command_says_what_to_start(tmp_path: Path) -> None:
    (tmp_path / "configs/platform/environments").mkdir(parents=True)
    (tmp_path / "configs/platform/flavors.yaml").write_text("version: 1\nflavors: {}\n")
    (tmp_path / "configs/platform/environments/local.yaml").write_text("version: 1\n")
    result = CliRunner().invoke(main, ["pods", "--home", str(tmp_path)])
    assert (result.exit_code, "start it with `dagf up`" in result.stderr) == (2, True)


def write_kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": url}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "c",
            }
        )
    )
    return path
