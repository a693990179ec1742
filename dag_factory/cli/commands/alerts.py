"""``dagf alerts``: list the channels, and send a sample to some of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config import model
from dag_factory.config.model import Channel
from dag_factory.config.platform import alerts
from dag_factory.config.platform.tables import Tables
from dag_factory.config.project.open_project import open_project
from dag_factory.config.project.project import Project
from dag_factory.config.suggestions import did_you_mean

SECONDS = 30
"""How long one channel may take."""


def list_channels(environment: str | None, home: Path | None) -> int:
    """Print a line for each channel: its name, what it does, its connection, and the pipelines that name it."""
    project = open_project(find_home(home), environment)
    channels = _channels(project.tables)
    pipelines = project.compile_all().pipelines
    for channel in channels:
        users = [one.id for one in pipelines if any(channel.name == used.name for used in one.channels)]
        terminal.write(f"{channel.name}: {_describe(channel)}; used by {', '.join(users) or 'no pipeline'}")
    if not channels:
        terminal.note(f"There are no channels in {alerts.FILE}.")
    elif not project.tables.alerts_enabled:
        terminal.note(f"Alerts are off in the environment {project.environment}.")
    return 0


def test(names: Sequence[str], environment: str | None, home: Path | None) -> int:
    """Send a sample to each channel. Returns 1 if a channel did not accept it."""
    project = open_project(find_home(home), environment)
    known = {channel.name: channel for channel in _channels(project.tables)}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"the channels are in {alerts.FILE}"
            raise CouldNotRun(f"there is no channel `{name}` in the environment {project.environment}; {hint}")
    # Airflow reads connections from its database only in processes of this kind.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    sent = [_send_sample(project, known[name]) for name in names]
    if not project.tables.alerts_enabled:
        terminal.note(f"Alerts of pipelines are off in the environment {project.environment}.")
    return 0 if all(sent) else 1


def _send_sample(project: Project, channel: Channel) -> bool:
    from dag_factory.build.alerts.channels.channel_error import ChannelError
    from dag_factory.build.alerts.channels.send import Work, send
    from dag_factory.build.alerts.render import render
    from dag_factory.build.alerts.sample import sample_alert

    message = render(sample_alert(project.environment))
    terminal.write(f"{channel.name}: {_describe(channel)}")
    try:
        done = Work(lambda: send(channel, message)).result(SECONDS)
    except TimeoutError:
        terminal.write(f"  not sent: no answer within {SECONDS} s")
        terminal.write("  help: check host, port and firewall")
        return False
    except ChannelError as error:
        terminal.write(f"  not sent: {error.problem}")
        terminal.write(f"  help: {error.fix}")
        return False
    terminal.write(f"  sent: {done}")
    return True


def _channels(tables: Tables) -> tuple[Channel, ...]:
    everything = model.Alerts(on_failure=tuple(tables.channels.known))
    return alerts.used_channels([everything], tables.channels)


def _describe(channel: Channel) -> str:
    connection = channel.connection or ("smtp_default" if channel.kind == "email" else "")
    target = ", ".join(channel.to) or channel.channel or (f"tag {channel.tag}" if channel.tag else "")
    return f"{channel.kind}{f' to {target}' if target else ''}, connection {connection}"
