"""The operator's failure as data: from the name and the text of an exception, and from an answer of the API."""

from __future__ import annotations

import re
from typing import Any

from dag_factory.verdicts.evidence.json_values import map_of, one_line, parsed, text_of, whole_of
from dag_factory.verdicts.evidence.model import Failure, FailureKind

_KINDS: dict[str, FailureKind] = {
    "AirflowTaskTimeout": "task-timeout",
    "TaskDeferralTimeout": "task-timeout",
    "PodLaunchTimeoutException": "launch-timeout",
    "PodLaunchFailedException": "launch-failed",
    "PodNotFoundException": "pod-gone",
    "PodCredentialsExpiredFailure": "api",
    "ApiException": "api",
    "KubernetesApiException": "api",
    "KubernetesApiError": "api",
    "KubernetesApiPermissionError": "api",
    "MaxRetryError": "api",
    "NewConnectionError": "api",
    "ConnectTimeoutError": "api",
    "ReadTimeoutError": "api",
    "ProtocolError": "api",
    "SSLError": "api",
    "ClientConnectorError": "api",
    "ServerDisconnectedError": "api",
    "ConnectionRefusedError": "api",
    "ConnectionResetError": "api",
}
_CODE = re.compile(r"^\s*\((\d{3})\)\s*Reason:|HTTP (?:status|code):? (\d{3})")
_BODY = re.compile(r"HTTP response body: (?:b')?(\{.*\})", re.DOTALL)
_SECONDS = re.compile(r"More than (\d+)(?:\.\d+)?s|[Tt]imed? ?out.*?(\d+)(?:\.\d+)? ?s")
_TASK_DEADLINE = "execution_timeout deadline"  # the trigger's text, for a task that timed out before its pod started


def read_failure(
    name: object,
    text: object,
    *,
    kind: FailureKind | None = None,
    code: object = None,
    body: object = None,
    seconds: object = None,
) -> Failure:
    """The failure that an exception of the class ``name`` with the message ``text`` stands for. Never raises.

    ``kind``: the kind that the exception names itself; otherwise its class decides.
    ``code`` and ``body``: the API's answer, if the caller has it; otherwise they are read from the text.
    ``seconds``: the time limit that was exceeded, if the caller knows it.
    """
    text = text if isinstance(text, str) else ""
    if kind is None:
        kind = _KINDS.get(name.rpartition(".")[2], "other") if isinstance(name, str) else "other"
    if kind == "launch-timeout" and _TASK_DEADLINE in text:
        kind = "task-timeout"
    limit = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else _number(_SECONDS.search(text))
    if kind not in ("api", "other") and code is None:
        return Failure(kind=kind, text=one_line(text), seconds=limit)
    number = code if isinstance(code, int) and not isinstance(code, bool) else _number(_CODE.search(text[:500]))
    return _api_failure(kind, text, number, _status_body(body, text), limit)


def read_status(value: object, code: object = None) -> Failure:
    """The failure that the API answered with: a ``Status`` object as JSON, and the HTTP status code."""
    number = code if isinstance(code, int) and not isinstance(code, bool) else None
    return _api_failure("api", "", number, map_of(parsed(value)), None)


def _api_failure(kind: FailureKind, text: str, code: int | None, body: dict[str, Any], seconds: int | None) -> Failure:
    code = whole_of(body, "code") or code
    if code is not None and kind == "other":
        kind = "api"
    if code == 404 and text_of(map_of(body, "details"), "kind") == "pods":
        kind = "pod-gone"
    return Failure(
        kind=kind,
        text=text_of(body, "message") or one_line(text.partition("HTTP response headers")[0]),
        code=code,
        reason=text_of(body, "reason"),
        seconds=seconds,
    )


def _status_body(body: object, text: str) -> dict[str, Any]:
    if found := map_of(parsed(body)):
        return found
    match = _BODY.search(text)
    return map_of(parsed(match.group(1))) if match else {}


def _number(match: re.Match[str] | None) -> int | None:
    return next((int(group) for group in match.groups() if group), None) if match else None
