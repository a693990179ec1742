"""The web app, imported at its first request: every process of Airflow imports the plugin, but few serve pages."""

from __future__ import annotations

from typing import Any

_made: list[Any] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve a request: an ASGI app."""
    if not _made:
        from dag_factory.build.web.app import make_app

        _made.append(make_app())
    await _made[0](scope, receive, send)
