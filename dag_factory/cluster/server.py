"""The server: puts store, scheduler, kubelet, engine and API together and runs until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from . import access
from . import certificate as certificates
from .api import app
from .config import ClusterConfig, StateDir
from .controllers.job_controller import JobController
from .controllers.scheduler import Scheduler
from .docker.engine import DockerEngine
from .kubelet.kubelet import Kubelet
from .objects import node, quantity
from .objects.events import Recorder
from .objects.journal import Journal
from .objects.pod_phase import is_finished
from .objects.store import Store
from .process.engine import ProcessEngine
from .resources import defaults
from .runtime.engine import Engine

log = logging.getLogger("dag_factory.cluster")

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def serve(config: ClusterConfig, ready: Callable[[str], None] = lambda _: None) -> None:
    """Run a cluster in this process until SIGINT or SIGTERM. ``ready`` is called with the API's address.

    Raises AlreadyRunning, OSError (no port), ValueError (a quantity that is none).
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with access.lock(StateDir(config.state)):
        asyncio.run(_serve(config, ready))


async def _serve(config: ClusterConfig, ready: Callable[[str], None]) -> None:
    state = StateDir(config.state)
    for given in (config.node_cpu, config.node_memory):
        quantity.parse(given)
    log.info("A stand-in for development: a Kubernetes API whose pods are processes of this machine.")
    listening = _listen(config.port or _last_port(state))
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    stopped: list[str] = []

    def lost() -> None:
        stopped.append("the launcher was killed")
        os.kill(os.getpid(), signal.SIGTERM)

    engine = _engine(config, lost)
    store, journal = Store(), Journal(state.objects)
    kept = journal.restore(store)
    store.listen(journal.record)
    _furnish(store, config)
    this_node = node.name()
    size = store.get("nodes", "", this_node)["status"]["allocatable"]
    recorder = Recorder(store, this_node)
    kubelet = Kubelet(store, engine, recorder, config.state, size)
    scheduler = Scheduler(store, recorder, this_node, kubelet.run_pod, make_claims=config.make_claims)
    kubelet.begin()
    await engine.begin()
    kubelet.recover()
    if kept:
        log.info("%d objects of the last run are back.", kept)
    secret = access.token(state)
    certificate, key = certificates.ensure(config.state)
    services = app.Services(store, kubelet, lambda: describe(config, engine, store, address))
    server = _Server(
        uvicorn.Config(
            app.make(services, secret, address),
            ssl_certfile=str(certificate),
            ssl_keyfile=str(key),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio" if _has_sansio() else "websockets",
            ws_max_size=16 * 1024 * 1024,
            timeout_keep_alive=75,
        )
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    running = [
        asyncio.ensure_future(task) for task in (scheduler.run(), kubelet.run_sweeps(), JobController(store).run())
    ]
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        access.write_kubeconfig(state, f"https://{address}", secret, certificate)
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


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn raises them once more when it is done, before we could end the pods."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Without waiting for clients that keep a connection or follow a log: there will be nothing more."""
        self.force_exit = True
        await super().shutdown(sockets)


def _engine(config: ClusterConfig, lost: Callable[[], None]) -> Engine:
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
    """For ``dagf cluster status``."""
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


def _furnish(store: Store, config: ClusterConfig) -> None:
    """What a cluster has from its start: its node, namespaces with their service accounts, the claims asked for."""
    for old in store.all("nodes"):  # of an earlier start, of another size or under another name
        store.delete("nodes", "", old["metadata"]["name"])
    labels = dict(config.node_labels)
    store.create("nodes", node.make(config.node_cpu, config.node_memory, config.gpus, labels, config.engine))
    wanted = [("namespaces", {"name": name}) for name in dict.fromkeys([*_NAMESPACES, *config.namespaces])]
    wanted += [("serviceaccounts", {"name": "default", "namespace": meta["name"]}) for _, meta in wanted]
    for name in dict.fromkeys(["default", *config.namespaces]):
        wanted += [("persistentvolumeclaims", {"name": claim, "namespace": name}) for claim in config.claims]
    for resource, meta in wanted:
        if not store.find(resource, meta.get("namespace", ""), meta["name"]):
            store.create(resource, defaults.complete(resource, {"metadata": meta}))


def _listen(port: int) -> socket.socket:
    """A listening socket on loopback: the port wanted, or, if that was only the last one's, any other."""
    # The protocol is named because asyncio turns Nagle's delays (40 ms an answer) off only where it is.
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(("127.0.0.1", port))
    except OSError:
        found.bind(("127.0.0.1", 0))
    found.listen(512)
    return found


def _last_port(state: StateDir) -> int:
    """The port of the last start, so that a kubeconfig that somebody has loaded stays good over a restart."""
    try:
        return int(access.read_kubeconfig(state).server.rpartition(":")[2])
    except (OSError, ValueError, LookupError):
        return 0


def _has_sansio() -> bool:
    from uvicorn.config import WS_PROTOCOLS

    return "websockets-sansio" in WS_PROTOCOLS


def main(config_file: Path, ready_fd: int) -> None:
    """The background process: says on ``ready_fd`` that it serves, or why it does not."""

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
