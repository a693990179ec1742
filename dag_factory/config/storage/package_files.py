"""The files of this package that a compiled result depends on. They are a part of every cache key."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import dag_factory
from dag_factory.config.schema import registry
from dag_factory.config.source.layout import SHIPPED


@lru_cache(1)
def package_fingerprint() -> bytes:
    """What distinguishes this version of the compiler from every other: its files with size and time."""
    parent = Path(dag_factory.__file__).resolve().parent
    lines = []
    for path in package_files():
        status = path.stat()
        name = path.relative_to(parent) if path.is_relative_to(parent) else path.name
        lines.append(f"{name}:{status.st_size}:{status.st_mtime_ns}")
    return "\n".join(lines).encode()


def package_files() -> list[Path]:
    """Every file of this package that a result depends on, sorted."""
    package = Path(dag_factory.__file__).resolve().parent
    code = [*(package / "config").rglob("*.py"), *package.glob("*.py")]
    return sorted([*code, *registry.folder().rglob("*.json"), *SHIPPED.rglob("*.j2")])
