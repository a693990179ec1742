"""Every service that Apprise supports, through Airflow's Apprise provider."""

from __future__ import annotations

import logging
from typing import Any

from dag_factory.build.alerts.channels.channel_error import ChannelError, not_installed
from dag_factory.build.alerts.channels.connection import command, connection_id, find_connection
from dag_factory.build.alerts.render import Message
from dag_factory.build.alerts.text import one_line, without_urls
from dag_factory.config.model import Channel

LONGEST_TEXT = 30_000


def send(channel: Channel, message: Message) -> str:
    """Notify the services of the connection; with a tag, only those that have it."""
    try:
        import apprise
        from airflow.providers.apprise.hooks.apprise import AppriseHook
    except ImportError:
        raise not_installed("apache-airflow-providers-apprise") from None
    connection = find_connection(channel, ("apprise",))
    services: Any = apprise.Apprise()
    capture: Any = apprise.LogCapture
    with capture(level=logging.WARNING, fmt="%(message)s") as log:
        try:
            AppriseHook(connection_id(channel)).set_config_from_conn(connection, services)
        except (KeyError, TypeError, ValueError):
            problem = f"the Airflow connection `{connection_id(channel)}` has no valid `config` in its extra"
            raise ChannelError(problem, f"create it again: {command(channel)}") from None
        count = sum(1 for _ in services.find(channel.tag or "all"))
        if not count:
            raise ChannelError(*_nobody(channel, len(services)))
        # ``AppriseHook.notify`` does not return whether the services accepted the message.
        is_sent = services.notify(
            body=message.text[:LONGEST_TEXT],
            title=message.subject,
            notify_type=_TYPES.get(message.data["event"], "info"),
            body_format=apprise.NotifyFormat.TEXT,
            tag=channel.tag or "all",
        )
        reasons = one_line(without_urls(log.getvalue()), 300)
    if not is_sent:
        problem = "a service of Apprise did not accept the message" + (f": {reasons}" if reasons else "")
        raise ChannelError(problem, f"check the URLs in the extra of the connection `{connection_id(channel)}`")
    return f"message to {count} service{'' if count == 1 else 's'} of Apprise"


_TYPES = {"on_failure": "failure", "on_deadline": "failure", "on_retry": "warning", "on_success": "success"}


def _nobody(channel: Channel, count: int) -> tuple[str, str]:
    if count and channel.tag:
        return (
            f"no service of the connection `{connection_id(channel)}` has the tag `{one_line(channel.tag, 60)}`",
            "change `tag` in configs/platform/alerts.yaml, or in the extra of the connection",
        )
    problem = f"the Airflow connection `{connection_id(channel)}` has no URL that Apprise understands"
    return problem, "the URLs are described at https://github.com/caronc/apprise/wiki"
