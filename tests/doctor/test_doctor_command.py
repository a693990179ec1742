"""``dagf doctor`` with a local cluster, and with servers that answer as no good one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from kubernetes import client, config
from project_files import write

from dag_factory import cluster
from dag_factory.cli.main import main

ROOT = Path(__file__).parents[2]
NEEDY = """version: 1
defaults: {docker_image: "example/hello:1", resource_flavor: cpu-small}
jobs:
  a:
    script: "true"
    env: {A: {secret: creds/token}}
    service_account: trainer
    priority_class: high
    runtime_class: gvisor
  b:
    script: "true"
    env_from: [{config_map: settings}]
    volumes: [{mount_path: /d, pvc: data}]
    image_pull_secrets: [registry]
"""
SECRET = "c2VjcmV0LXZhbHVl"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV", "DAG_FACTORY_AIRFLOW_URL", "DAG_FACTORY_AIRFLOW_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "project"
    assert CliRunner().invoke(main, ["init", str(home), "--ci", "none"]).exit_code == 0
    write(home, "pipelines/example/needy.yaml", NEEDY)
    return home


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("cluster")
    try:
        yield cluster.up(cluster.ClusterConfig(state)).kubeconfig
    finally:
        cluster.down(state)


def doctor(home: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", "--home", str(home), *options])


def found(result: Result) -> dict[str, tuple[str, str]]:
    """The status and message by subject."""
    document = json.loads(result.stdout)
    jsonschema.validate(document, json.loads((ROOT / "schemas/doctor.json").read_text()))
    return {one["subject"]: (one["status"], one["message"]) for one in document["findings"]}


def test_it_names_what_pipelines_need_and_the_cluster_does_not_have(home: Path, kubeconfig: Path) -> None:
    core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
    core.create_namespaced_secret("default", {"metadata": {"name": "creds"}, "data": {"token": SECRET}})
    result = doctor(home, "--kubeconfig", str(kubeconfig), "--json")
    states = {subject: status for subject, (status, _) in found(result).items()}
    assert result.exit_code == 1
    assert states["secret `creds` in default"] == "ok"
    assert states["service account `default` in default"] == "ok"
    assert states["permissions in the namespace default"] == "ok"
    for subject in (
        "service account `trainer` in default", "priority class `high`", "config map `settings` in default",
        "volume claim `data` in default", "secret `registry` in default",
    ):  # fmt: skip
        assert states[subject] == "failed", subject
    assert states["runtime class `gvisor`"] == "unknown"  # the local cluster has no such kind
    assert SECRET not in result.output

    text = doctor(home, "--kubeconfig", str(kubeconfig)).output
    assert "fix: kubectl create serviceaccount trainer -n default" in text
    assert "used by example.needy a (configs/pipelines/example/needy.yaml:4)" in text
    assert SECRET not in text


def test_a_missing_namespace_is_one_line(home: Path, kubeconfig: Path) -> None:
    environment = home / "configs/platform/environments/local.yaml"
    environment.write_text(environment.read_text().replace("namespace: default", "namespace: elsewhere"))
    states = found(doctor(home, "--kubeconfig", str(kubeconfig), "--json"))
    assert states["namespace elsewhere"][0] == "failed"
    assert not [one for one in states if one.endswith("in elsewhere") and "permissions" not in one]


def test_outside_a_project_it_checks_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == 0
    states = found(result)
    assert states["project"][0] == "unknown" and "no configs/ folder" in states["project"][1]
    assert states["Airflow's plugin"][0] == "ok"


def test_what_it_cannot_look_at_is_unknown(home: Path) -> None:
    states = found(doctor(home, "--json"))
    assert states["cluster"] == ("unknown", "the local cluster does not run now; `dagf run` starts one by itself")
    assert states["Airflow"][0] == "unknown"


def test_missing_files_of_airflow_fail(home: Path) -> None:
    (home / "dags/import_errors.py").unlink()
    (home / "dags/loader.py").write_text("from dag_factory.build.loader import load\n")
    states = found(doctor(home, "--json"))
    assert states["dags/import_errors.py"][0] == "failed"
    assert states["dags/loader.py"][0] == "warning"


def test_the_environment_and_the_setting_that_chose_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the only file" in found(doctor(home, "--json"))["environment"][1]
    write(home, "platform/environments/prod.yaml", "version: 1\nextends: local\n")
    assert found(doctor(home, "--json"))["environment"][0] == "warning"
    assert found(doctor(home, "--json", "--env", "all"))["environment"][1].startswith("all environments, from --env")
    monkeypatch.setenv("DAG_FACTORY_ENV", "prod")
    assert found(doctor(home, "--json"))["environment"] == ("ok", "`prod`, from DAG_FACTORY_ENV")
    monkeypatch.setenv("DAG_FACTORY_ENV", "production")
    result = doctor(home, "--json")
    assert (found(result)["environment"][0], result.exit_code) == ("failed", 1)


def test_an_unknown_environment_is_an_error_with_a_suggestion(home: Path) -> None:
    result = doctor(home, "--env", "locl")
    assert result.exit_code == 2 and "did you mean `local`?" in result.stderr


def test_a_cache_that_cannot_be_written_fails(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "file"))
    assert found(doctor(home, "--json"))[f"cache {tmp_path / 'file'}"][0] == "failed"


class Hostile:
    """A server with one response for every request."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body
        self.closing = Event()


@contextmanager
def server(answer: Hostile) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.daemon_threads = True
    Thread(target=found.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{found.server_address[1]}"
    finally:
        found.shutdown()
        found.server_close()


def write_kubeconfig(folder: Path, url: str) -> Path:
    file = folder / "kubeconfig"
    text = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "token-of-the-user"}}],
    }
    file.write_text(json.dumps(text))
    return file


@pytest.mark.parametrize(
    ("status", "body", "cluster_status"),
    [
        (401, b"{}", "failed"),
        (500, b"\x1b[31mboom", "failed"),
        (302, b"", "ok"),
        (200, b"[" * 100_000, "ok"),
        (200, b'{"a": "' + b"x" * 1_100_000 + b'"}', "failed"),
        (200, b'{"status": "yes", "details": []}', "ok"),
        (403, b'{"message": "\\u001b[31mno"}', "ok"),
        (404, b'{"details": {"name": 7}}', "ok"),
    ],
    ids=["401", "500", "redirect", "nested", "huge", "other types", "forbidden", "not found"],
)
def test_answers_of_a_hostile_cluster_are_never_ok(
    status: int, body: bytes, cluster_status: str, home: Path, tmp_path: Path
) -> None:
    with server(Hostile(status, body)) as url:
        file = write_kubeconfig(tmp_path, url)
        result = doctor(home, "--kubeconfig", str(file), "--json")
        text = doctor(home, "--kubeconfig", str(file)).output
    states = found(result)
    assert states[f"cluster (--kubeconfig {file})"][0] == cluster_status
    assert "ok" not in {states[one][0] for one in states if one.startswith(("secret", "permissions"))}
    assert "permissions in the namespace default" not in states or (
        states["permissions in the namespace default"][0] == "unknown"
    )
    assert "token-of-the-user" not in result.output + text and "\x1b" not in text


def test_a_cluster_that_nobody_answers_for_fails(home: Path, tmp_path: Path) -> None:
    file = write_kubeconfig(tmp_path, "http://127.0.0.1:1")
    result = doctor(home, "--kubeconfig", str(file), "--json")
    assert result.exit_code == 1
    assert "does not answer" in found(result)[f"cluster (--kubeconfig {file})"][1]


@pytest.mark.parametrize("text", ["{", "[]", "current-context: x", "a: !!python/object:os.system {}"])
def test_a_broken_kubeconfig_fails(text: str, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    result = doctor(home, "--kubeconfig", str(file), "--json")
    status, message = found(result)[f"cluster (--kubeconfig {file})"]
    assert status == "failed" and "cannot be used" in message


@pytest.mark.parametrize(("status", "body"), [(401, b""), (200, b"[]"), (200, b"{" * 50_000), (302, b"")])
def test_an_airflow_that_answers_something_else_fails(status: int, body: bytes, home: Path) -> None:
    with server(Hostile(status, body)) as url:
        result = doctor(home, "--airflow", url, "--json")
    assert found(result)[f"Airflow at {url}"][0] == "failed"
