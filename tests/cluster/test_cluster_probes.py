"""Probes and lifecycle hooks: readiness, restarts, and commands after the start and before the end."""

from __future__ import annotations

from typing import Any

import pytest
from live import Live, pod, terminated, until

from dag_factory.local.instance import free_port

FOREVER = "while true; do sleep 0.05; done"
QUICK = {"periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 60}
TRAPPED = "until test -e /tmp/trapped; do sleep 0.02; done"
"""A signal before the shell has set its trap has no effect. Commands that send one wait for the trap."""


@pytest.fixture(scope="module", params=["processes", "docker"])
def live(request: pytest.FixtureRequest) -> Live:
    """Both engines, one after the other."""
    found: Live = request.getfixturevalue(request.param)
    return found


def _status(live: Live, name: str) -> dict[str, Any]:
    statuses = live.get(name)["status"].get("containerStatuses") or [{}]
    return dict(statuses[0])


def _delete(live: Live, name: str) -> None:
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}", {"gracePeriodSeconds": 0})


def test_readiness_by_a_command(live: Live) -> None:
    probe = {"exec": {"command": ["cat", "/tmp/ready"]}, **QUICK}
    live.create(pod("unready", FOREVER, container={"readinessProbe": probe}))
    until(lambda: any(reason == "Unhealthy" for _, reason, _ in live.events("unready")))
    found = live.get("unready")
    assert found["status"]["phase"] == "Running"
    assert [c["status"] for c in found["status"]["conditions"] if c["type"] == "Ready"] == ["False"]
    assert _status(live, "unready")["started"]
    assert "Readiness probe failed: cat: " in live.events("unready")[-1][2]
    live.exec("unready", "touch", "/tmp/ready")
    until(lambda: _status(live, "unready")["ready"])
    _delete(live, "unready")


def test_liveness_over_http_restarts(live: Live) -> None:
    port = free_port()
    # This machine has Python's web server. The Docker image has a smaller one.
    python = f"exec python -m http.server {port} --bind 127.0.0.1 --directory /tmp/web"
    script = (
        "mkdir /tmp/web; touch /tmp/web/health; "
        f"command -v python >/dev/null && {python}; exec httpd -f -p 127.0.0.1:{port} -h /tmp/web"
    )
    docker = live.engine == "docker"
    body = pod(
        "served",
        script,
        restartPolicy="OnFailure",
        terminationGracePeriodSeconds=0,
        container={
            "image": "alpine:3" if docker else "python:3.11",
            "ports": [{"name": "web", "containerPort": port}],
            "startupProbe": {
                "httpGet": {"port": "web", "path": "/health"},
                "periodSeconds": 1,
                "failureThreshold": 300,
            },
            "livenessProbe": {"httpGet": {"port": "web", "path": "/health"}, **QUICK},
        },
    )
    live.create(body)
    until(lambda: _status(live, "served").get("ready"))
    live.exec("served", "rm", "/tmp/web/health")
    until(lambda: _status(live, "served")["restartCount"] == 1)
    messages = [message for _, _, message in live.events("served")]
    assert "Liveness probe failed: HTTP probe failed with statuscode: 404" in messages
    assert "Container base failed liveness probe, will be restarted" in messages
    assert _status(live, "served")["lastState"]["terminated"]["exitCode"] in (137, 143)
    _delete(live, "served")


def test_a_startup_probe_that_never_succeeds_ends_a_pod_that_does_not_restart(live: Live) -> None:
    probe = {"exec": {"command": ["sh", "-c", f"{TRAPPED}; echo not yet; false"]}, **QUICK}
    script = f"trap 'exit 9' TERM; touch /tmp/trapped; {FOREVER}"
    found = live.run(pod("nostart", script, container={"startupProbe": probe}))
    assert terminated(found)["exitCode"] == 9
    messages = [message for _, _, message in live.events("nostart")]
    assert "Startup probe failed: not yet\n" in messages
    assert "Container base failed startup probe, will be restarted" in messages


def test_a_failed_port_probe_reports_the_reason(live: Live) -> None:
    probe = {"tcpSocket": {"port": 1}, **QUICK}
    live.create(pod("noport", FOREVER, container={"readinessProbe": probe}))
    message = until(lambda: next((m for _, reason, m in live.events("noport") if reason == "Unhealthy"), ""))
    assert message == "Readiness probe failed: dial tcp 127.0.0.1:1: connect: connection refused"
    _delete(live, "noport")


def test_a_probe_that_takes_too_long_fails(live: Live) -> None:
    probe = {"exec": {"command": ["sleep", "60"]}, **QUICK, "timeoutSeconds": 1}
    live.create(pod("slowprobe", FOREVER, container={"readinessProbe": probe}))
    message = until(lambda: next((m for _, reason, m in live.events("slowprobe") if reason == "Unhealthy"), ""))
    assert 'command timed out: "sleep 60" timed out after 1s' in message
    _delete(live, "slowprobe")


def test_hooks_run_after_the_start_and_before_the_end(live: Live) -> None:
    hooks = {
        "postStart": {"exec": {"command": ["sh", "-c", "echo after the start > /tmp/said"]}},
        "preStop": {"exec": {"command": ["sh", "-c", f"{TRAPPED}; echo before the end > /proc/1/fd/1"]}},
    }
    script = f"trap 'cat /tmp/said; exit 0' TERM; touch /tmp/trapped; {FOREVER}"
    live.create(pod("hooked", script, container={"lifecycle": hooks}, terminationGracePeriodSeconds=300))
    live.phase("hooked", "Running")
    followed = live.api.read_namespaced_pod_log("hooked", "default", follow=True, _preload_content=False)
    live.call("DELETE", "/api/v1/namespaces/default/pods/hooked")
    assert b"".join(followed.stream()) == b"before the end\nafter the start\n"
    live.gone("hooked")


def test_a_start_hook_that_fails_ends_the_container(live: Live) -> None:
    hooks = {"postStart": {"exec": {"command": ["false"]}}}
    found = live.run(pod("badhook", FOREVER, container={"lifecycle": hooks}))
    assert terminated(found)["exitCode"] == 137
    assert ("Warning", "FailedPostStartHook", "PostStartHook failed") in live.events("badhook")


def test_a_stop_hook_that_takes_too_long_uses_up_the_grace_period(live: Live) -> None:
    hooks = {"preStop": {"sleep": {"seconds": 60}}}
    live.create(pod("slowhook", FOREVER, container={"lifecycle": hooks}, terminationGracePeriodSeconds=1))
    live.phase("slowhook", "Running")
    live.call("DELETE", "/api/v1/namespaces/default/pods/slowhook")
    live.gone("slowhook")
    assert ("Warning", "FailedPreStopHook", "PreStopHook failed") in live.events("slowhook")


def test_a_pod_waits_for_the_startup_probe_of_its_sidecar(live: Live) -> None:
    first_fails = "test -e /tmp/probed || { touch /tmp/probed; false; }"
    sidecar = {
        "name": "proxy",
        "image": "alpine:3",
        "restartPolicy": "Always",
        "command": ["sh", "-c", f"trap 'exit 0' TERM; {FOREVER}"],
        "startupProbe": {"exec": {"command": ["sh", "-c", first_fails]}, **QUICK, "failureThreshold": 300},
    }
    found = live.run(pod("sidecarprobe", "echo work", initContainers=[sidecar]))
    assert found["status"]["phase"] == "Succeeded"
    assert live.log("sidecarprobe", container="base") == "work\n"
    assert "Unhealthy" in [reason for _, reason, _ in live.events("sidecarprobe")]
