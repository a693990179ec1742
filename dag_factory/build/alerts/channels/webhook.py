"""A webhook: the alert as JSON, sent to the URL of an Airflow HTTP connection."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from dag_factory.build.alerts.channels.channel_error import ChannelError, not_installed
from dag_factory.build.alerts.channels.connection import connection_id, find_connection
from dag_factory.build.alerts.render import Message
from dag_factory.build.alerts.text import one_line
from dag_factory.config.model import Channel

_SECONDS = 10


def send(channel: Channel, message: Message) -> str:
    """Send the alert to the URL of the connection. An answer with a status below 400 is a success."""
    try:
        from airflow.providers.http.hooks.http import HttpHook
    except ImportError:
        raise not_installed("apache-airflow-providers-http") from None
    find_connection(channel, ("http",))
    hook, host = HttpHook("POST", connection_id(channel)), "the server"
    try:
        session = hook.get_conn()
        host = urlsplit(hook.base_url).netloc.rpartition("@")[2] or host
        answer = session.post(hook.base_url, json=message.data, timeout=_SECONDS, allow_redirects=False)
    except Exception as error:
        raise _explain(error, host) from error
    if answer.status_code >= 300:
        raise ChannelError(*_status(answer, host))
    return f"request to {host}, which answers {answer.status_code}"


def _status(answer: Any, host: str) -> tuple[str, str]:
    status = f"{host} answers {answer.status_code} {one_line(answer.reason, 60)}"
    if answer.status_code in (401, 403):
        return status, "check login, password and headers (extra) of the connection"
    if answer.status_code in (404, 405) or answer.status_code < 400:
        return status, "check the URL: the host of the connection holds all of it, with `https://` and the path"
    return status, "read the log of the receiver"


def _explain(error: Exception, host: str) -> ChannelError:
    """The error with its fix. Texts of the library contain the URL, which may be a secret, so they are not shown."""
    kind = type(error).__name__
    if "Timeout" in kind:
        return ChannelError(f"{host} does not answer", "check host, port and firewall")
    if "SSL" in kind:
        return ChannelError(f"{host}: the TLS connection fails", "check the certificate, or `http://` and `https://`")
    return ChannelError(f"cannot connect to {host} ({kind})", "check the host of the connection: a URL with `https://`")
