"""The name of the layer that sets a value, from the position of the value and the path at this position."""

from __future__ import annotations

import re

from dag_factory.config.platform import alerts, flavor_table, presets, retries, teams
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.source.layout import ENVIRONMENTS

_TEMPLATE = re.compile(r".*templates/(?:jobs|pipelines)/([^/]+)/(v\d+)\.yaml\.j2")
_TABLES = {
    flavor_table.FILE: ("flavors", "flavor"),
    presets.FILE: ("presets", "preset"),
    retries.FILE: ("rules", "retry rule"),
    teams.FILE: ("teams", "team"),
    alerts.FILE: ("channels", "channel"),
}
BUILT_IN = "built in"


def layer_name(position: Position, path: KeyPath, pipeline: str) -> str:
    """The name of a layer, from the file and the path in it."""
    if not position.file:
        return BUILT_IN
    if position.file == pipeline:
        return _part(path)
    if position.file in _TABLES:
        key, word = _TABLES[position.file]
        if position.file == teams.FILE and path[:1] == (teams.DEFAULT,):
            return "default team"
        return f"{word} {path[1]}" if len(path) > 1 and path[0] == key else word
    template = _TEMPLATE.fullmatch(position.file)
    if template:
        return f"template {template[1]}@{template[2]}"
    name = position.file.removeprefix(f"{ENVIRONMENTS}/").removesuffix(".yaml")
    if path[:2] == ("flavors", "define") and len(path) > 2:
        return f"flavor {path[2]} in environment {name}"
    return f"environment {name}"


def _part(path: KeyPath) -> str:
    """The name of a part of a pipeline's own file."""
    if path[:1] == ("defaults",):
        return "pipeline defaults"
    if path[:1] == ("jobs",) and len(path) > 1:
        return f"job {path[1]}"
    if path[:1] == ("environments",) and len(path) > 1:
        return f"pipeline in environment {path[1]}"
    return "pipeline"
