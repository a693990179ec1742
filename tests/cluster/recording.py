"""Replays the recording of a real cluster against the local one and compares the responses field by field."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import websocket
from live import Live, until
from urllib3.exceptions import HTTPError

FIXTURES = Path(__file__).with_name("fixtures") / "kubernetes-1.33"
ABSENT = "<absent>"

# Values that differ between any two clusters. Everything else is compared unchanged.
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"), "<uid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\bkube-api-access-\w{5}\b"), "kube-api-access-<suffix>"),
    (re.compile(r"\bgen-\w{5}\b"), "gen-<suffix>"),
    (re.compile(r"(\w)\.[0-9a-f]{14,16}$"), r"\1.<suffix>"),
)
_VERSIONS = {"resourceVersion", "rv"}


@dataclass(frozen=True)
class Difference:
    """One field that differs. ``where`` starts with the name of the recording."""

    where: str
    real: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.where}\n    real: {json.dumps(self.real)[:400]}\n    ours: {json.dumps(self.ours)[:400]}"


def load(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    return sorted(path.stem for path in FIXTURES.glob(f"{prefix}*.json"))


def send(live: Live, request: dict[str, Any]) -> dict[str, Any]:
    """Send a recorded request. Returns the response in the format of the recording."""
    body = request["body"]
    answer = live.raw.rest_client.pool_manager.request(
        request["method"],
        live.handle.server + request["path"],
        headers={
            "Content-Type": request["content_type"],
            "Accept": request["accept"],
            "Authorization": f"Bearer {live.token}",
        },
        fields={k: str(v) for k, v in request["params"].items()} if request["method"] == "GET" else None,
        body=json.dumps(body).encode() if body is not None else None,
    )
    text = answer.data.decode()
    kind = answer.headers["Content-Type"]
    return {"status": answer.status, "content_type": kind, "answer": json.loads(text) if "json" in kind else text}


def get(live: Live, path: str, **params: str) -> Any:
    kind = "application/json"
    request = {"method": "GET", "path": path, "params": params, "body": None, "content_type": kind, "accept": kind}
    return send(live, request)["answer"]


def replay(live: Live, real: Any, where: str) -> Iterator[Difference]:
    """Send every recorded request below ``real``, in order."""
    if isinstance(real, dict) and "request" in real:
        query = real["request"]
        if query["method"] != "GET" and query["params"]:
            text = "&".join(f"{key}={value}" for key, value in query["params"].items())
            query = {**query, "path": f"{query['path']}?{text}", "params": {}}
        yield from compare({k: v for k, v in real.items() if k != "request"}, send(live, query), where)
    elif isinstance(real, dict):
        for key, value in real.items():
            yield from replay(live, value, f"{where}.{key}")


class Life:
    """A recorded pod that is created again, with all its statuses."""

    def __init__(self, live: Live, name: str) -> None:
        self.live = live
        self.real = load(name)
        self.name = name
        self.pod = name.removeprefix("life-")
        self.path = f"/api/v1/namespaces/default/pods/{self.pod}"
        self.seen: list[dict[str, Any]] = []
        self.created = send(live, self.real["create"]["request"])
        version = self.created["answer"]["metadata"]["resourceVersion"]
        self._watch = threading.Thread(target=self._follow, args=(str(int(version) - 1),), daemon=True)
        self._watch.start()

    def _follow(self, version: str) -> None:
        query = {"field_selector": f"metadata.name={self.pod}", "resource_version": version, "timeout_seconds": 300}
        with contextlib.suppress(HTTPError):  # the server may stop before the watch
            for event in self.live.watch(**query):
                self.seen.append(event["raw_object"]["status"])
                if event["type"] == "DELETED":
                    return

    def wait(self) -> None:
        """Wait until the pod has the state at the end of the recording."""
        last = self.real["status_steps"][-1]["status"]
        if "gone" in last:
            self.live.gone(self.pod)
            until(lambda: not self._watch.is_alive())
        else:
            until(lambda: any(_state_of(status) == _state_of(last) for status in list(self.seen)))

    def differences(self) -> Iterator[Difference]:
        yield from compare(_answer(self.real["create"]), self.created, f"{self.name}.create")
        ours, at = list(self.seen), 0
        for index, step in enumerate(self.real["status_steps"]):
            if "gone" in step["status"]:
                continue
            where = f"{self.name}.status_steps[{index}]"
            found = [list(compare(step["status"], status, where)) for status in ours[at:]]
            nearest = min(range(len(found)), key=lambda i: len(found[i]))
            yield from found[nearest]
            at += nearest
        final = get(self.live, self.path)
        yield from compare(self.real["final"]["answer"], final, f"{self.name}.final")
        selector = f"involvedObject.name={self.pod}"
        events = get(self.live, "/api/v1/namespaces/default/events", fieldSelector=selector)["items"]
        yield from compare(
            _by_message(self.real["events"]["answer"]["items"]), _by_message(events), f"{self.name}.events"
        )


def frames(live: Live, pod: str, container: str, *command: str) -> list[dict[str, Any]]:
    """The WebSocket messages of an exec until it closes, in the format of the recording."""
    parameters = [*(f"command={quote(word, safe='')}" for word in command), f"container={container}"]
    query = "&".join([*parameters, "stdout=true", "stderr=true", "tty=false", "stdin=false"])
    socket = websocket.create_connection(
        live.handle.server.replace("http", "ws", 1) + f"/api/v1/namespaces/default/pods/{pod}/exec?{query}",
        subprotocols=["v4.channel.k8s.io"],
        header=[f"Authorization: Bearer {live.token}"],
        sslopt={"ca_certs": str(live.handle.state / "server.crt")},
        timeout=300,
    )
    found: list[dict[str, Any]] = []
    while True:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return [*found, {"opcode": opcode, "close": data.hex()}]
        found.append({"opcode": opcode, "channel": data[0], "text": data[1:].decode()})


def compare(real: Any, ours: Any, where: str) -> Iterator[Difference]:
    """Every value that differs, except values that differ between any two clusters."""
    if isinstance(real, dict) and isinstance(ours, dict):
        for key in dict.fromkeys([*real, *ours]):
            yield from compare(real.get(key, ABSENT), ours.get(key, ABSENT), f"{where}.{key}")
    elif isinstance(real, list) and isinstance(ours, list) and (named := _named(real)) and _named(ours):
        mine = _named(ours)
        yield from compare(named, mine, where)
        common = [[name for name in one if name in other] for one, other in ((named, mine), (mine, named))]
        if common[0] != common[1]:
            yield Difference(f"{where}.order", *common)
    elif isinstance(real, list) and isinstance(ours, list):
        for index in range(max(len(real), len(ours))):
            pair = (side[index] if index < len(side) else ABSENT for side in (real, ours))
            yield from compare(*pair, f"{where}[{index}]")
    else:
        name = where.rpartition(".")[2]
        if name in _VERSIONS and ABSENT not in (real, ours):
            return
        if _normalize(real) != _normalize(ours):
            yield Difference(where, real, ours)


def _named(items: list[Any]) -> dict[str, Any]:
    """A list of objects with unique names, by name. Empty for any other list."""
    found = {_normalize(item["name"]): item for item in items if isinstance(item, dict) and "name" in item}
    return found if len(found) == len(items) else {}


def _normalize(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in _VARIES:
            value = pattern.sub(replacement, value)
    return value


def _answer(recorded: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in recorded.items() if key != "request"}


def _state_of(status: dict[str, Any]) -> Any:
    """The phase, conditions and container states of a pod."""
    conditions = [(c["type"], c["status"], c.get("reason")) for c in status.get("conditions") or []]
    containers = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    states = [[(kind, state.get("reason")) for kind, state in c["state"].items()] for c in containers]
    return status.get("phase"), conditions, states


def _by_message(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Events by reason and message. Their order is random, as are their names."""
    return {f"{_normalize(event['reason'])}({_normalize(event['message'])[:60]})": event for event in events}
