"""Requests to a running cluster from another process, over its API."""

from __future__ import annotations

import contextlib
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

from . import access
from .config import CLIENT_AGENT, StateDir


class ClusterError(Exception):
    """A cluster can't be started, stopped or reached. The text says what to do."""


class ResponseError(ClusterError):
    """The API answered with an error. ``code`` is the HTTP status; the text is the message of the response."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def request_json(
    state: Path, path: str, method: str = "GET", body: Any = None, accept: str = "application/json"
) -> Any:
    """The decoded body of the response.

    Raises ResponseError, or ClusterError if no cluster runs or it does not answer.
    """
    with _open(state, path, method, body, {}, 10, accept) as answer:
        return json.load(answer)


def stream_lines(state: Path, path: str, **query: str) -> Iterator[bytes]:
    """The lines of a text response as they arrive. Raises the same errors as ``request_json``."""
    with _open(state, path, "GET", None, query, None) as answer, contextlib.suppress(HTTPException):
        yield from answer


def _open(
    state: Path, path: str, method: str, body: Any, query: dict[str, str], timeout: float | None, accept: str = "*/*"
) -> IO[bytes]:
    folder = StateDir(state.absolute())
    if access.holder_pid(folder) is None:
        raise ClusterError("no cluster runs; start one with: dagf cluster up")
    try:
        found = access.read_kubeconfig(folder)
        request = urllib.request.Request(
            f"{found.server}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""),
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {found.token}",
                "Content-Type": "application/json",
                "Accept": accept,
                "User-Agent": CLIENT_AGENT,
            },
        )
        trust = urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=found.certificate))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
        answer: IO[bytes] = opener.open(request, timeout=timeout)
        return answer
    except urllib.error.HTTPError as error:
        raise ResponseError(error.code, _message(error)) from error
    except (OSError, ValueError, LookupError) as error:
        raise ClusterError(f"the local cluster does not answer: {error}; see its log: {folder.log}") from error


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["message"])
    except (ValueError, KeyError, TypeError):
        return str(error)
