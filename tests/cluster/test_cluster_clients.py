"""The clients that people have: kubernetes_asyncio, and kubectl where it is installed."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess

import pytest
from kubernetes_asyncio import client, config, watch
from live import Live, pod, until

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")


def kubectl(live: Live, *words: str, given: str | None = None, code: int = 0) -> str:
    environment = {**os.environ, "KUBECONFIG": str(live.handle.kubeconfig), "HOME": str(live.handle.state)}
    done = subprocess.run(["kubectl", *words], input=given, capture_output=True, text=True, env=environment, timeout=30)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_the_async_client(live: Live) -> None:
    async def life() -> tuple[list[str], str]:
        await config.load_kube_config(str(live.handle.kubeconfig))
        async with client.ApiClient() as raw:
            api = client.CoreV1Api(raw)
            await api.create_namespaced_pod("default", pod("aio", "sleep 0.3; echo async", labels={"aio": "1"}))
            phases = []
            async with watch.Watch() as watcher:
                async for event in watcher.stream(api.list_namespaced_pod, "default", label_selector="aio=1"):
                    phases.append(event["object"].status.phase)
                    if phases[-1] == "Succeeded":
                        break
            return phases, await api.read_namespaced_pod_log("aio", "default")

    phases, log = asyncio.run(asyncio.wait_for(life(), 20))
    assert list(dict.fromkeys(phases)) == ["Pending", "Running", "Succeeded"]
    assert log == "async\n"


@needs_kubectl
def test_kubectl_run_logs_exec_describe_delete(live: Live) -> None:
    script = "echo started; while true; do sleep 0.1; done"
    kubectl(live, "run", "k", "--image=alpine:3", "--restart=Never", "--", "sh", "-c", script)
    until(lambda: live.get("k")["status"]["phase"] == "Running" and live.log("k"))
    assert kubectl(live, "logs", "k") == "started\n"
    line = next(line for line in kubectl(live, "get", "pods", "-o", "wide").splitlines() if line.startswith("k "))
    assert line.split()[1:4] == ["1/1", "Running", "0"]
    assert json.loads(kubectl(live, "get", "pod", "k", "-o", "json"))["status"]["phase"] == "Running"
    assert kubectl(live, "exec", "k", "--", "hostname") == "k\n"
    assert kubectl(live, "exec", "-i", "k", "--", "cat", given="through") == "through"
    assert "exit code 7" in kubectl(live, "exec", "k", "--", "sh", "-c", "exit 7", code=7)
    described = kubectl(live, "describe", "pod", "k")
    assert "Successfully assigned default/k to" in described
    assert "Started container k" in described
    assert 'pod "k" deleted' in kubectl(live, "delete", "pod", "k", "--grace-period=1")


@needs_kubectl
def test_kubectl_applies_and_applies_again(live: Live) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kc"}, "data": {"f": "content", "g": "x"}}
    assert "created" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    body["data"] = {"f": "changed"}
    assert "configured" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    assert live.api.read_namespaced_config_map("kc", "default").data == {"f": "changed"}
    body = pod("applied", "echo by kubectl")
    assert "created" in kubectl(live, "apply", "-f", "-", given=json.dumps(body))
    live.phase("applied", "Succeeded")
    refused = pod("Refused", "true")
    assert "is invalid: metadata.name" in kubectl(live, "create", "-f", "-", given=json.dumps(refused), code=1)


@needs_kubectl
def test_kubectl_api_resources_and_version(live: Live) -> None:
    assert "persistentvolumeclaims" in kubectl(live, "api-resources")
    assert "v1.33" in kubectl(live, "version")
