"""Alerts: the channels of ``alerts.yaml``, and the ``alerts`` of pipelines and jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from dag_factory.config import model
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.platform import optional_table
from dag_factory.config.platform.optional_table import Table, TableFile
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, as_map, entries_of

FILE = "configs/platform/alerts.yaml"
EVENTS = ("on_failure", "on_success", "on_retry", "on_deadline", "on_recovery")


def read(platform: PlatformFiles, context: Context) -> TableFile:
    """Read the table of channels."""
    empty = Table(FILE, "channel", ("unknown-channel", "broken-channel"))
    return optional_table.read_table(platform, empty, "alerts.schema.json", "channels", "/$defs/channel", context)


def check(node: Node | None, table: Table, has_deadline: bool, path: KeyPath) -> Iterator[Problem]:
    """The problems of the ``alerts`` at ``path``; ``has_deadline`` says whether the pipeline has a deadline."""
    for event, channels in entries_of(node).items():
        if not isinstance(channels, ListNode):
            continue
        for index, channel in enumerate(channels.items):
            if isinstance(channel, Scalar) and not channel.dynamic:
                found = table.find(channel, (*path, event, index))
                if isinstance(found, Problem):
                    yield found
        if event == "on_deadline" and channels.items and not has_deadline:
            message = "`on_deadline` has no effect because the pipeline has no deadline"
            hint = "add a deadline to the pipeline, for example `deadline: 2h`"
            yield Problem.at(channels.position, (*path, event), "no-deadline", message, hint, "warning")


def to_model(node: Node | None) -> model.Alerts:
    """The model of ``alerts`` that have no errors."""
    events = as_map(node)
    return model.Alerts(**{event: events.texts(event) for event in EVENTS})


def used_channels(alerts: Iterable[model.Alerts], table: Table) -> tuple[model.Channel, ...]:
    """Every channel that the alerts name, in the order of the names."""
    names = {name for one in alerts for event in EVENTS for name in getattr(one, event)}
    return tuple(_channel(name, table.known[name]) for name in sorted(names))


def _channel(name: str, node: MapNode) -> model.Channel:
    kind, settings = next((kind, as_map(item)) for kind, item in node.entries.items())
    return model.Channel(
        name=name,
        kind=cast(Any, kind),
        to=settings.texts("to"),
        connection=settings.text("connection"),
        channel=settings.text("channel"),
        tag=settings.text("tag"),
    )
