"""Kubernetes' asynchronous client, which triggers use."""

from __future__ import annotations

import asyncio

from kubernetes_asyncio import client, config, watch
from live import Live, pod


def test_the_async_client(live: Live) -> None:
    async def life() -> tuple[list[str], str]:
        await config.load_kube_config(str(live.handle.kubeconfig))
        async with client.ApiClient() as raw:
            api = client.CoreV1Api(raw)
            body = pod("aio", "sleep 0.3; echo async", labels={"aio": "1"})
            made = await api.create_namespaced_pod("default", body)
            phases = [made.status.phase]
            since = {"label_selector": "aio=1", "resource_version": made.metadata.resource_version}
            async with watch.Watch() as watcher:
                async for event in watcher.stream(api.list_namespaced_pod, "default", **since):
                    phases.append(event["object"].status.phase)
                    if phases[-1] == "Succeeded":
                        break
            return phases, await api.read_namespaced_pod_log("aio", "default")

    phases, log = asyncio.run(asyncio.wait_for(life(), 300))
    assert list(dict.fromkeys(phases)) == ["Pending", "Running", "Succeeded"]
    assert log == "async\n"
