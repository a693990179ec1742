"""The Airflow connection of a channel."""

from __future__ import annotations

from typing import Any

from dag_factory.build.alerts.channels.channel_error import ChannelError
from dag_factory.config.model import Channel

DEFAULTS = {"email": "smtp_default"}

COMMANDS = {
    "email": """airflow connections add {name} --conn-type smtp --conn-host mail.example.com --conn-port 587 """
    """--conn-login USER --conn-password PASSWORD --conn-extra '{{"from_email": "airflow@example.com", """
    """"disable_ssl": true}}'""",
    "slack": "airflow connections add {name} --conn-type slack --conn-password xoxb-TOKEN",
    "webhook": "airflow connections add {name} --conn-type http --conn-host https://hooks.example.com/PATH",
    "apprise": """airflow connections add {name} --conn-type apprise --conn-extra '{{"config": {{"path": "URL"}}}}'""",
}


def connection_id(channel: Channel) -> str:
    """The id of the channel's connection."""
    return channel.connection or DEFAULTS.get(channel.kind, "")


def command(channel: Channel) -> str:
    """The command that creates the connection of the channel."""
    return COMMANDS[channel.kind].format(name=connection_id(channel))


def find_connection(channel: Channel, types: tuple[str, ...]) -> Any:
    """The connection of the channel. Raises ``ChannelError`` if it is missing or has another type."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    name = connection_id(channel)
    try:
        found = Connection.get(name)
    except AirflowNotFoundException:
        problem = f"the Airflow connection `{name}` does not exist"
        raise ChannelError(problem, f"create it: {command(channel)}", is_setup=True) from None
    if found.conn_type not in types:
        problem = f"the Airflow connection `{name}` has the type `{found.conn_type}`, not `{'` or `'.join(types)}`"
        raise ChannelError(problem, f"create it again: {command(channel)}", is_setup=True)
    return found
