"""Run many pods at once on the local cluster. Measure their time, and the memory of the server.

    python benchmarks/cluster_load.py [--pods 200] [--engine process]

Prints the time until all pods are created, the time until all have ended, how many ran at once, and the peak memory
of the server and its launcher together (proportional set size, so that shared pages count once).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dag_factory import cluster
from dag_factory.cluster.client import request_json

PODS = "/api/v1/namespaces/default/pods"


@dataclass(frozen=True)
class Load:
    """Times in seconds, memory in MiB. ``together`` is the largest number of pods that ran at the same time."""

    pods: int
    created: float
    ended: float
    together: int
    peak: float
    failed: int


def run(state: Path, count: int, engine: str = "process", seconds: float = 600) -> Load:
    """Start ``count`` pods. Each waits for a file in a claim, which appears when all run; then it ends."""
    handle = cluster.up(cluster.ClusterConfig(state, engine=engine, node_cpu="64", claims=("load",)))
    try:
        go = cluster.claim_folder(state, "default", "load") / "go"
        peak, done = [0.0], threading.Event()
        watching = threading.Thread(target=_watch, args=(handle.pid, peak, done))
        watching.start()
        began = time.monotonic()
        with ThreadPoolExecutor(8) as workers:
            list(workers.map(lambda index: request_json(state, PODS, "POST", _pod(index)), range(count)))
        created = time.monotonic() - began
        together = 0
        while True:
            phases = Counter(pod["phase"] for pod in (cluster.status(state) or {})["pods"])
            together = max(together, phases["Running"])
            if phases["Running"] + phases["Failed"] >= count:
                go.touch()
            if phases["Succeeded"] + phases["Failed"] >= count:
                break
            if time.monotonic() - began > seconds:
                raise TimeoutError(f"after {seconds:g} s: {dict(phases)}")
            time.sleep(0.2)
        ended = time.monotonic() - began
        done.set()
        watching.join()
        return Load(count, created, ended, together, peak[0], phases["Failed"])
    finally:
        cluster.down(state)


def _pod(index: int) -> dict[str, Any]:
    script = "until test -e /load/go; do sleep 1; done; echo done"
    mounts = [{"name": "load", "mountPath": "/load"}]
    container = {"name": "base", "image": "busybox:stable", "command": ["sh", "-c", script], "volumeMounts": mounts}
    volumes = [{"name": "load", "persistentVolumeClaim": {"claimName": "load"}}]
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"load-{index:03}"}, "spec": spec}


def _watch(pid: int, peak: list[float], done: threading.Event) -> None:
    while not done.wait(0.5):
        peak[0] = max(peak[0], sum(_mebibytes(one) for one in [pid, *_children(pid)]))


def _children(pid: int) -> list[int]:
    """Return the direct children of the server, without their children."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _mebibytes(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=200)
    parser.add_argument("--engine", default="process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(run(Path(folder) / "state", options.pods, options.engine).__dict__))


if __name__ == "__main__":
    main()
