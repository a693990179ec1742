"""The metrics of tries, received by a real StatsD listener, and the files in ``deploy/metrics/`` that use them."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from dag_factory.build.worker.tries import metrics
from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.kinds import KINDS
from dag_factory.verdicts.next_try import NextTry

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy" / "metrics"
NAMES = {metrics.TRIES, metrics.WAITED, metrics.RAN, metrics.CLIMBS, metrics.RESCHEDULES}

# As Airflow's task runner does: it reads the configuration, then the operator runs.
PROGRAM = """
from types import SimpleNamespace as Namespace
from airflow.sdk.configuration import conf
from airflow.sdk.observability.metrics import stats_utils
from airflow.sdk._shared.observability.metrics import stats
stats.initialize(
    factory=stats_utils.get_stats_factory(), export_legacy_names=conf.getboolean("metrics", "legacy_names_on")
)
from dag_factory.build.worker.tries import metrics
from dag_factory.verdicts.history import TryRecord
from dag_factory.verdicts.next_try import NextTry
labels = {"dagwright/team": "growth", "dagwright/environment": "prod"}
ti = Namespace(dag_id="growth.churn", task_id="train", task=Namespace(labels=labels))
failed = TryRecord(number=1, flavor="cpu-small", kind="out-of-memory", waited=2.5, ran=61.25)
next_try = NextTry(action="retry", sentence="", delay=30, flavor="cpu-medium")
metrics.emit({"ti": ti}, failed, next_try)
evicted = TryRecord(number=2, flavor="cpu-medium", kind="evicted")
metrics.emit({"ti": ti}, evicted, NextTry(action="reschedule", sentence="", delay=30))
metrics.emit({"ti": ti}, TryRecord(number=2, flavor="cpu-medium", waited=0.0, ran=3.0))
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        found.settimeout(30)
        yield found


def run(listener: socket.socket, folder: Path, **settings: str) -> None:
    """Emit the metrics of three tries in a separate process, with Airflow's configuration."""
    environment = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(listener.getsockname()[1]),
        "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        **settings,
    }
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, env={**os.environ, **environment}, timeout=600)


def received(listener: socket.socket, count: int) -> list[str]:
    """Return the next metrics of dagwright. Airflow sends its own, too."""
    found: list[str] = []
    while len(found) < count:
        line = listener.recv(4096).decode()
        found += [line] if "dagwright" in line else []
    return found


def test_a_statsd_server_receives_the_metrics_of_tries(listener: socket.socket, tmp_path: Path) -> None:
    run(listener, tmp_path, AIRFLOW__METRICS__STATSD_DISABLED_TAGS="job_id,run_id,dag_id,task_id")
    of_all = "team=growth,environment=prod"
    assert received(listener, 8) == [
        f"airflow.dagwright.tries,kind=out-of-memory,flavor=cpu-small,{of_all}:1|c",
        f"airflow.dagwright.try.waited,kind=out-of-memory,flavor=cpu-small,{of_all}:2500.000000|ms",
        f"airflow.dagwright.try.ran,kind=out-of-memory,flavor=cpu-small,{of_all}:61250.000000|ms",
        f"airflow.dagwright.climbs,kind=out-of-memory,flavor=cpu-small,{of_all},next_flavor=cpu-medium:1|c",
        f"airflow.dagwright.tries,kind=evicted,flavor=cpu-medium,{of_all}:1|c",
        f"airflow.dagwright.reschedules,kind=evicted,flavor=cpu-medium,{of_all}:1|c",
        f"airflow.dagwright.tries,kind=success,flavor=cpu-medium,{of_all}:1|c",
        f"airflow.dagwright.try.waited,kind=success,flavor=cpu-medium,{of_all}:0.000000|ms",
    ]


def test_ids_are_tags_unless_airflow_leaves_them_out(listener: socket.socket, tmp_path: Path) -> None:
    run(listener, tmp_path)
    assert "dag_id=growth.churn,task_id=train" in received(listener, 1)[0]


def test_a_failure_to_send_does_not_change_how_a_try_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(metrics.stats, "incr", broken)
    ti = SimpleNamespace(dag_id="a.b", task_id="c", task=SimpleNamespace(labels={}))
    metrics.emit({"ti": ti}, TryRecord(number=1, flavor="small"), NextTry(action="fail", sentence=""))
    assert "cannot send the metrics of this try: no route to host" in caplog.text


def mappings() -> dict[str, str]:
    """Return the names in Prometheus of the metrics that Airflow sends."""
    config = yaml.safe_load((DEPLOY / "statsd-exporter.yaml").read_text())
    return {one["match"].removeprefix("airflow."): one["name"] for one in config["mappings"]}


def of_airflow() -> dict[str, str]:
    """Return the types of Airflow's own metrics."""
    from airflow.sdk._shared.observability.metrics import metrics_registry

    path = Path(metrics_registry.__file__).with_name("metrics_template.yaml")
    return {one["name"]: one["type"] for one in yaml.safe_load(path.read_text())["metrics"]}


def test_the_mapping_has_exactly_the_metrics_that_exist() -> None:
    found = mappings()
    assert {name for name in found if name.startswith("dagwright.")} == NAMES
    types = of_airflow() | {name: "timer" if ".try." in name else "counter" for name in NAMES}
    for name, prometheus in found.items():
        assert name in types, f"neither Airflow nor dagwright sends {name}"
        suffix = {"counter": "_total", "timer": "_seconds"}.get(types[name], "")
        assert prometheus.endswith(suffix), name
    assert len(set(found.values())) == len(found)


def names_in(expression: str) -> set[str]:
    """Return the metrics in an expression of PromQL."""
    without_labels = re.sub(r"\{[^}]*\}", "", expression)
    return set(re.findall(r"\b(?:dagwright|airflow)_[a-z_]+\b", without_labels))


def check(expression: str) -> None:
    """Check the names and labels of an expression. Whether it is valid PromQL is checked only by its brackets."""
    known = set(mappings().values())
    known |= {f"{name}_{part}" for name in known if name.endswith("_seconds") for part in ("bucket", "sum", "count")}
    assert names_in(expression) and names_in(expression) <= known, expression
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing), expression
    tags = {"kind", "flavor", "next_flavor", "team", "environment", "le", "pool_name"}
    assert set(re.findall(r"([a-z_]+)(?:=~|!=|!~|=)\"", expression)) <= tags, expression
    for group in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in group.split(",")} <= tags, expression
    for kinds in re.findall(r"kind(?:=~|!=|!~|=)\"([^\"]*)\"", expression):
        assert set(kinds.split("|")) <= {*KINDS, metrics.SUCCESS}, expression


def test_the_alert_rules_use_metrics_that_exist() -> None:
    groups = yaml.safe_load((DEPLOY / "alert-rules.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        check(rule["expr"])
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert labels <= set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", rule["expr"])))), rule["alert"]


def test_the_dashboard_uses_metrics_that_exist() -> None:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    assert dashboard["uid"] == "dagwright" and dashboard["schemaVersion"] >= 39
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    used = set()
    for panel in panels:
        assert panel["title"] and panel["type"] in ("timeseries", "stat")
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            check(target["expr"])
            used |= names_in(target["expr"])
            for name in re.findall(r"\$\{?(\w+)", target["expr"]):
                assert name in variables or name.startswith("__"), name
    for one in mappings().values():
        if one.startswith("dagwright"):
            assert any(name.startswith(one) for name in used), f"no panel shows {one}"
    cells = [(x, y) for panel in panels for x in columns(panel) for y in rows(panel)]
    assert len(set(cells)) == len(cells), "panels overlap"
    assert max(x for x, _ in cells) < 24


def columns(panel: dict[str, Any]) -> range:
    place = panel["gridPos"]
    return range(place["x"], place["x"] + place["w"])


def rows(panel: dict[str, Any]) -> range:
    place = panel["gridPos"]
    return range(place["y"], place["y"] + place["h"])


def test_the_documentation_lists_every_metric() -> None:
    text = (REPOSITORY / "docs" / "metrics.md").read_text()
    listed = set(re.findall(r"^\| `(dagwright\.[a-z.]+)`", text, re.MULTILINE))
    assert listed == NAMES
    assert all(name in text for key, name in mappings().items() if key.startswith("dagwright."))
