"""The check of the token, in front of the application."""

from __future__ import annotations

import base64
import hmac

from fastapi import WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from ..resources import errors
from .messages import json_response

_IN_SUBPROTOCOL = "base64url.bearer.authorization.k8s.io."


class TokenGuard:
    """Passes on requests that carry the token: as a bearer token or, from a browser's WebSocket, in the subprotocol."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_authorized(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await json_response(errors.unauthorized().body(), 401)(scope, receive, send)
        else:
            denial = json_response(errors.unauthorized().body(), 401)
            await WebSocket(scope, receive, send).send_denial_response(denial)

    def _is_authorized(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                kind, _, presented = value.partition(b" ")
                return bool(kind.lower() == b"bearer" and hmac.compare_digest(presented.strip(), self.token))
        for protocol in scope.get("subprotocols") or []:
            if protocol.startswith(_IN_SUBPROTOCOL):
                text = protocol[len(_IN_SUBPROTOCOL) :]
                try:
                    presented = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
                except ValueError:
                    return False
                return hmac.compare_digest(presented, self.token)
        return False
