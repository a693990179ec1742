"""Requests to Airflow's REST API: bounded in time and size, without redirects."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

import msgspec

from dag_factory.doctor.finding import short

_SECONDS = 10
_MOST_BYTES = 5_000_000


class Answer(msgspec.Struct, frozen=True):
    """``status`` is 0 without a response; then ``reason`` says why. ``body`` is JSON, or None."""

    status: int
    reason: str = ""
    body: Any = None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow nothing: the token is for this server only."""


class AirflowRest:
    """The API at an address. Without a token, it asks Airflow for one, which works if Airflow needs no login."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def log_in(self) -> None:
        """Ask for a token, unless there is one."""
        if self._token is None:
            body = self._send("/auth/token", {}).body
            token = body.get("access_token") if isinstance(body, dict) else None
            self._token = token if isinstance(token, str) and token.isprintable() else None

    def get(self, path: str) -> Answer:
        """Ask for a path below ``/api/v2``."""
        return self._send(f"/api/v2{path}", {"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _send(self, path: str, headers: dict[str, str]) -> Answer:
        if not self.url.startswith(("http://", "https://")):
            return Answer(0, "the address does not begin with http:// or https://")
        try:
            request = urllib.request.Request(self.url + path, headers={**headers, "Accept": "application/json"})
            with self._opener.open(request, timeout=_SECONDS) as response:
                content = response.read(_MOST_BYTES + 1)
                status = response.status
        except urllib.error.HTTPError as failure:
            failure.close()
            return Answer(failure.code, short(failure.reason))
        except (OSError, HTTPException, ValueError) as failure:
            return Answer(0, short(getattr(failure, "reason", failure)))
        if len(content) > _MOST_BYTES:
            return Answer(0, f"the response is larger than {_MOST_BYTES:,} bytes")
        try:
            return Answer(status, "", json.loads(content))
        except (ValueError, RecursionError):
            return Answer(0, "the response is not JSON")
