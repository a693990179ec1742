"""The server: puts store, scheduler, kubelet, engine and API together and runs until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from . import access
from . import certificate as certificates
from .api import app
from .api.http_protocol import BoundedProtocol
from .config import ClusterConfig, StateDir
from .controllers.job_controller import JobController
from .controllers.scheduler import Scheduler
from .docker.engine import DockerEngine
from .kubelet.kubelet import Kubelet
from .kubelet.pod.node_facts import NodeFacts
from .objects import node, quantity
from .objects.events import Recorder
from .objects.journal import Journal
from .objects.pod_phase import is_finished
from .objects.store import Store
from .process.engine import ProcessEngine
from .resources import defaults
from .runtime.engine import Engine

log = logging.getLogger("dag_factory.cluster")

_PORTS = range(15_000, 32_000)
"""Linux assigns none of these to connections. So the port of a server is still free when the server starts again."""
_RETURN_MEMORY_EVERY = 30  # seconds
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def serve(config: ClusterConfig, ready: Callable[[str], None] = lambda _: None) -> None:
    """Run a cluster in this process until SIGINT or SIGTERM. ``ready`` is called with the API's address.

    Raises AlreadyRunning, OSError (no free port), ValueError (an invalid quantity).
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with access.lock(StateDir(config.state)):
        asyncio.run(_serve(config, ready))


async def _serve(config: ClusterConfig, ready: Callable[[str], None]) -> None:
    state = StateDir(config.state)
    for size in (config.node_cpu, config.node_memory):
        quantity.parse(size)  # raises ValueError
    runs = "in a Docker engine" if config.engine == "docker" else "as processes of this machine"
    log.info("For development only: a Kubernetes API that runs pods %s.", runs)
    listening = _listen(config.port or _last_port(state))
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    stopped: list[str] = []

    def lost() -> None:
        stopped.append("the launcher was killed")
        os.kill(os.getpid(), signal.SIGTERM)

    engine = _make_engine(config, lost)
    store, journal = Store(), Journal(state.objects)
    restored = journal.restore(store)
    store.add_listener(journal.record)
    _create_initial_objects(store, config)
    this_node = node.name()
    size = store.get("nodes", "", this_node)["status"]["allocatable"]
    recorder = Recorder(store, this_node)
    facts = NodeFacts(this_node, size, address)
    kubelet = Kubelet(store, engine, recorder, config.state, facts, strict_volumes=config.strict_volumes)
    scheduler = Scheduler(store, recorder, this_node, kubelet.run_pod, make_claims=config.make_claims)
    kubelet.begin()
    await engine.begin()
    kubelet.recover()
    if restored:
        log.info("Restored %d objects of the last run.", restored)
    token = access.ensure_token(state)
    certificate, key = certificates.ensure(config.state)
    services = app.Services(store, kubelet, lambda: describe(config, engine, store, address))
    server = _Server(
        uvicorn.Config(
            app.make_app(services, token, address),
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            log_level="warning",
            access_log=False,
            lifespan="off",
            http=BoundedProtocol,
            ws="websockets-sansio" if _has_sansio() else "websockets",
            ws_max_size=16 * 1024 * 1024,
            timeout_keep_alive=75,
        )
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    running = [
        asyncio.ensure_future(task)
        for task in (scheduler.run(), kubelet.run_sweeps(), JobController(store).run(), _return_memory())
    ]
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        access.write_kubeconfig(state, f"https://{address}", token, certificate)
        log.info("Serving on https://%s, kubeconfig %s", address, state.kubeconfig)
        ready(address)
        await serving
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await kubelet.end()
        await engine.end()
        journal.close()
        log.info("Stopped%s.", f": {stopped[0]}" if stopped else "")


async def _return_memory() -> None:
    """Give freed memory back to the system: the C library keeps much of it after large objects are deleted."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only in glibc
    while trim is not None:
        await asyncio.sleep(_RETURN_MEMORY_EVERY)
        gc.collect()  # requests are in circles with their bodies
        trim(0)


class _Server(uvicorn.Server):
    """Does not handle signals: uvicorn raises them again when it is done, before the pods are ended."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Do not wait for clients that keep a connection open or follow a log."""
        self.force_exit = True
        await super().shutdown(sockets)


def _make_engine(config: ClusterConfig, lost: Callable[[], None]) -> Engine:
    if config.engine == "docker":
        return DockerEngine(config.state, config.images, config.image_source)
    return ProcessEngine(
        config.state,
        config.images,
        config.venvs or config.state / "venvs",
        isolation=config.isolation,
        use_cgroups=config.cgroups,
        lost=lost,
        source=config.image_source,
    )


def describe(config: ClusterConfig, engine: Engine, store: Store, address: str) -> dict[str, Any]:
    """The body that ``dagf cluster status`` shows."""
    pods = [
        {
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "phase": pod["status"]["phase"],
            "created": pod["metadata"]["creationTimestamp"],
        }
        for pod in store.all("pods")
    ]
    return {
        "server": f"https://{address}",
        "pid": os.getpid(),
        **engine.describe(),
        "node": f"{node.name()}: {config.node_cpu} cpu, {config.node_memory}, {config.gpus} GPUs, as stated",
        "running": sum(not is_finished(pod) for pod in store.all("pods")),
        "pods": pods,
    }


def _create_initial_objects(store: Store, config: ClusterConfig) -> None:
    """Create the node, the namespaces with their service accounts, and the configured claims."""
    for old in store.all("nodes"):  # an earlier start may have used another size or name
        store.delete("nodes", "", old["metadata"]["name"])
    labels = dict(config.node_labels)
    store.create("nodes", node.make(config.node_cpu, config.node_memory, config.gpus, labels, config.engine))
    initial = [("namespaces", {"name": name}) for name in dict.fromkeys([*_NAMESPACES, *config.namespaces])]
    every = dict.fromkeys([*(meta["name"] for _, meta in initial), *_names(store, "namespaces")])
    initial += [("serviceaccounts", {"name": "default", "namespace": name}) for name in every]
    for name in dict.fromkeys(["default", *config.namespaces]):
        initial += [("serviceaccounts", {"name": account, "namespace": name}) for account in config.service_accounts]
        initial += [("persistentvolumeclaims", {"name": claim, "namespace": name}) for claim in config.claims]
    for resource, meta in initial:
        if not store.find(resource, meta.get("namespace", ""), meta["name"]):
            store.create(resource, defaults.complete(resource, {"metadata": meta}))


def _names(store: Store, resource: str) -> list[str]:
    return [obj["metadata"]["name"] for obj in store.all(resource)]


def _listen(port: int) -> socket.socket:
    """A socket that listens on loopback, at this port or, if it is 0 or in use, at a free one."""
    # asyncio disables Nagle's algorithm (40 ms per response) only if the protocol is named.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for candidate in (*([port] if port else []), *random.sample(_PORTS, 100), 0):
        try:
            listening.bind(("127.0.0.1", candidate))
            break
        except OSError:
            if candidate == 0:
                raise
    listening.listen(512)
    return listening


def _last_port(state: StateDir) -> int:
    """The port of the last start, or 0. A kubeconfig that a client has loaded stays valid after a restart."""
    try:
        return int(access.read_kubeconfig(state).server.rpartition(":")[2])
    except (OSError, ValueError, LookupError):
        return 0


def _has_sansio() -> bool:
    from uvicorn.config import WS_PROTOCOLS

    return "websockets-sansio" in WS_PROTOCOLS


def main(config_file: Path, ready_fd: int) -> None:
    """The background process: writes its address, or the error that stopped it, to ``ready_fd``."""

    def ready(address: str) -> None:
        os.write(ready_fd, json.dumps({"address": address}).encode())
        os.close(ready_fd)

    try:
        serve(ClusterConfig.from_json(config_file.read_text()), ready)
    except Exception as error:
        expected = isinstance(error, (access.AlreadyRunning, OSError, ValueError))
        log.error("%s", error, exc_info=not expected)
        with contextlib.suppress(OSError):
            os.write(ready_fd, json.dumps({"error": str(error) if expected else repr(error)}).encode())
        raise SystemExit(1) from error
