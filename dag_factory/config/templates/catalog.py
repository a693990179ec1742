"""All templates: those of the project in ``configs/platform/templates/``, and those of this package.

The reference of ``<kind>/<name>/v<N>.yaml.j2`` is ``name@vN``. A template of the project replaces one of this package
with the same name and version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Literal

from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem, printable_name
from dag_factory.config.source.layout import PLATFORM, SHIPPED
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.templates.template import SUFFIX, Template, read_template
from dag_factory.config.tree import Scalar

Kind = Literal["jobs", "pipelines"]
FOLDER = f"{PLATFORM}/templates"
_REFERENCE = re.compile(r"([a-z0-9][a-z0-9_-]*)@v([1-9][0-9]*)")
_FILE = re.compile(r"v([1-9][0-9]*)\.yaml\.j2")
_KIND_NAMES = {"jobs": "job template", "pipelines": "pipeline template"}


class Catalog:
    """The templates by reference; each is read once, when it is first used."""

    def __init__(self, platform: PlatformFiles) -> None:
        self._platform = platform
        self._read: dict[tuple[Kind, str], Template | None] = {}

    def find(self, kind: Kind, reference: str) -> Template | None:
        """The template of a reference such as ``python@v1``, or None."""
        key = (kind, reference)
        if key not in self._read:
            self._read[key] = self._find(kind, reference)
        return self._read[key]

    def names(self, kind: Kind) -> list[str]:
        """Every reference, sorted by name and version."""
        found: dict[str, tuple[str, int]] = {}
        for path in (*self._own(kind), *(SHIPPED / kind).glob(f"*/v*{SUFFIX}")):
            version = _FILE.fullmatch(path.name)
            if version:
                found[f"{path.parent.name}@v{version[1]}"] = (path.parent.name, int(version[1]))
        return sorted(found, key=lambda reference: found[reference])

    def own(self) -> Iterator[Template]:
        """Every template of the project."""
        kinds: tuple[Kind, ...] = ("jobs", "pipelines")
        for kind in kinds:
            for path in self._own(kind):
                version, file = _FILE.fullmatch(path.name), printable_name(path.as_posix())
                if version is None:
                    hint = "name the file after its version, such as `v1.yaml.j2`"
                    problem = Problem(
                        file, 0, 0, "bad-name", f"`{printable_name(path.name)}` is not a template version", hint=hint
                    )
                    yield Template(path.parent.name, file, problems=(problem,))
                else:
                    found = self.find(kind, f"{path.parent.name}@v{version[1]}")
                    if found:
                        yield found

    def called(self, kind: Kind, reference: Scalar, path: KeyPath) -> Template | Problem:
        """The template that a value refers to, or a problem if there is none."""
        found = self.find(kind, reference.text)
        if found is not None:
            return found
        names = self.names(kind)
        versions = [name for name in names if name.split("@")[0] == reference.text.split("@")[0]]
        hint = f"use one of: {', '.join(versions)}" if versions else did_you_mean(reference.text, names)
        return Problem.at(
            reference.position, path, "unknown-template", f"unknown {_KIND_NAMES[kind]} `{reference.text}`", hint
        )

    def _find(self, kind: Kind, reference: str) -> Template | None:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            return None
        relative = FilePath(kind, match[1], f"v{match[2]}{SUFFIX}")
        file = f"{FOLDER}/{relative.as_posix()}"
        own = self._platform.read(file)
        if own is not None:
            return read_template(own, file, reference)
        shipped = SHIPPED / relative
        if shipped.exists():
            return read_template(shipped.read_bytes(), f"dagwright/templates/{relative.as_posix()}", reference)
        return None

    def _own(self, kind: Kind) -> list[FilePath]:
        """The files of the project that are templates of a kind, sorted."""
        paths = (FilePath(file) for file in self._platform.names if file.startswith(f"{FOLDER}/{kind}/"))
        return [path for path in paths if path.match(f"{FOLDER}/{kind}/*/*{SUFFIX}")]
