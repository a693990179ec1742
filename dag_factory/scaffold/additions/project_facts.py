"""What a project has already, as far as new files depend on it. Files are only parsed, not validated."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dag_factory.config.source import image_folders
from dag_factory.config.source.documents import read_document
from dag_factory.config.source.layout import ENVIRONMENTS, PLATFORM, environments
from dag_factory.config.tree import MapNode, Node, at

FLAVORS = f"{PLATFORM}/flavors.yaml"
PRESETS = f"{PLATFORM}/presets.yaml"
TEAMS = f"{PLATFORM}/teams.yaml"


class Facts(msgspec.Struct, frozen=True):
    """Names that exist, and ``variables``: the `vars` of each environment."""

    home: Path
    environments: tuple[str, ...]
    flavors: tuple[str, ...]
    pools: tuple[str, ...]
    images: tuple[str, ...]
    variables: dict[str, dict[str, Node]]
    defaults: dict[str, MapNode]

    @property
    def has_registry(self) -> bool:
        """Whether every environment has the variables of the name of an image."""
        return all({"registry", "release"} <= set(one) for one in self.variables.values())


def read_facts(home: Path) -> Facts:
    """Read the facts of a project. A file that cannot be read counts as empty."""
    names = environments(home)
    platform = {name: _document(home, f"{ENVIRONMENTS}/{name}.yaml") for name in names}
    flavors = _document(home, FLAVORS)
    return Facts(
        home=home,
        environments=names,
        flavors=tuple(_entries(flavors, "flavors")),
        pools=tuple(_entries(flavors, "pools")),
        images=tuple(folder.partition("/")[2] for folder in image_folders.folders(home)),
        variables={name: _entries(document, "vars") for name, document in platform.items()},
        defaults={name: document for name, document in platform.items() if document},
    )


def entries(home: Path, file: str, table: str) -> dict[str, Node]:
    """The entries of a table of a platform file."""
    return _entries(_document(home, file), table)


def _document(home: Path, file: str) -> MapNode | None:
    if not (home / file).exists():
        return None
    return read_document(home / file, home / "configs", file)[0]


def _entries(document: MapNode | None, *path: str) -> dict[str, Node]:
    found = at(document, path) if document else None
    return found.entries if isinstance(found, MapNode) else {}
