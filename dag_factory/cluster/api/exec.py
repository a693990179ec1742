"""GET …/pods/NAME/exec over WebSocket, in the channel protocols v4 and v5.

The first byte of a message is its channel: 0 standard input, 1 standard output, 2 standard error, 3 the final Status,
4 a new terminal size. In v5, 255 closes the channel that the second byte names.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from ..kubelet.kubelet import Kubelet
from ..objects.pod_phase import is_finished
from ..objects.store import Object
from ..resources import errors
from ..resources.query import bool_param
from ..runtime.engine import Session, StartError
from .logs import choose_container

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _STDOUT, _ERROR, _RESIZE, _CLOSE = 0, 1, 3, 4, 255


async def serve(socket: WebSocket, kubelet: Kubelet, pod: Object) -> None:
    """Run the command of the query in the pod's container. Raises ApiError before the connection is accepted."""
    query = socket.query_params
    command = query.getlist("command")
    if not command:
        raise errors.bad_request("you must specify at least one command for the container")
    container_name = choose_container(pod, query.get("container", ""))
    if is_finished(pod):
        phase = pod["status"]["phase"]
        raise errors.bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    worker = kubelet.worker(pod)
    container = worker.running(container_name) if worker else None
    if container is None:
        raise errors.ApiError(
            500, "InternalError", f'unable to upgrade connection: container not found ("{container_name}")'
        )
    offered = socket.scope.get("subprotocols") or []
    protocol = next((p for p in PROTOCOLS if p in offered), None)
    if offered and protocol is None:
        raise errors.bad_request(
            f"unable to upgrade: unable to negotiate protocol: client supports {offered}, "
            f"server accepts {list(PROTOCOLS)}"
        )
    await socket.accept(subprotocol=protocol)
    wants = {name: bool_param(query, name) for name in ("stdin", "tty")}
    await socket.send_bytes(bytes([_STDOUT]))
    try:
        session = await container.exec(command, stdin=wants["stdin"], tty=wants["tty"])
    except StartError as error:
        await _send_status(socket, _failed_to_start(error.message))
        await socket.close(1000)
        return
    reading = asyncio.ensure_future(_read_client(socket, session))
    writing = asyncio.ensure_future(_write_output(socket, session, command))
    try:
        await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        if not writing.done():  # the client has disconnected: kill its process
            await session.kill()
    finally:
        for task in (reading, writing):
            if task is writing and not task.done():
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(task, 2)
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _read_client(socket: WebSocket, session: Session) -> None:
    while True:
        try:
            message = await socket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return
        if message["type"] == "websocket.disconnect":
            return
        data: bytes = message.get("bytes") or (message.get("text") or "").encode()
        if not data:
            continue
        channel, rest = data[0], data[1:]
        if channel == _STDIN and rest:
            await session.write(rest)
        elif channel == _RESIZE:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                size = json.loads(rest)
                session.resize(size["Width"], size["Height"])
        elif channel == _CLOSE and rest[:1] == bytes([_STDIN]):
            session.close_stdin()


async def _write_output(socket: WebSocket, session: Session, command: list[str]) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        async for channel, data in session.output():
            await socket.send_bytes(bytes([channel]) + data)
        code = await session.wait()
        await _send_status(socket, _ended(command, code))
        await socket.close(1000)


async def _send_status(socket: WebSocket, status: dict[str, Any]) -> None:
    await socket.send_bytes(bytes([_ERROR]) + json.dumps(status, separators=(",", ":")).encode())


def _ended(command: list[str], code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    text = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {text}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _failed_to_start(error: str) -> dict[str, Any]:
    identity = os.urandom(32).hex()
    text = (
        f'error executing command in container: failed to exec in container: failed to start exec "{identity}": {error}'
    )
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {text}",
        "reason": "InternalError",
        "details": {"causes": [{"message": text}]},
        "code": 500,
    }
