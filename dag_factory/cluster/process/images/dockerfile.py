"""The instructions of a Dockerfile that say how the program runs: ENV, WORKDIR, ENTRYPOINT, CMD, COPY and USER.

FROM starts over, so that the last stage counts. All other instructions are ignored. RUN is too: the packages of
``requirements.txt`` are installed instead.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

DEFAULT_WORKDIR = "/app"


@dataclass(frozen=True)
class Recipe:
    """``copies`` are (path in the build context, absolute path in the container)."""

    env: dict[str, str] = field(default_factory=dict)
    workdir: str = DEFAULT_WORKDIR
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    user: str = ""


def read(text: str) -> Recipe:
    """Parse the text of a Dockerfile. Instructions that cannot be parsed are ignored."""
    env: dict[str, str] = {}
    workdir, user, entrypoint, cmd = "", "", (), ()  # type: str, str, tuple[str, ...], tuple[str, ...]
    copies: list[tuple[str, str]] = []
    for name, rest in _instructions(text):
        if name == "FROM":
            env, workdir, user, entrypoint, cmd, copies = {}, "", "", (), (), []
        elif name == "ENV":
            env |= {key: _expand(value, env) for key, value in _pairs(rest)}
        elif name == "WORKDIR":
            workdir = posixpath.join(workdir or "/", _expand(rest.strip("\"'"), env))
        elif name == "ENTRYPOINT":
            entrypoint, cmd = _program(rest), ()
        elif name == "CMD":
            cmd = _program(rest)
        elif name == "USER":
            user = _expand(rest.strip("\"'"), env)
        elif name in ("COPY", "ADD"):
            copies += _copies(rest, workdir or "/", env)
    return Recipe(env, workdir or DEFAULT_WORKDIR, entrypoint, cmd, tuple(copies), user)


def load(folder: Path) -> Recipe:
    """The recipe of a build context. A folder without a Dockerfile is shown at ``/app``."""
    file = folder / "Dockerfile"
    recipe = read(file.read_text(errors="replace")) if file.is_file() else Recipe()
    if not recipe.copies:
        recipe = replace(recipe, copies=((".", recipe.workdir),))
    return recipe


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    found = []
    for line in joined.splitlines():
        name, _, rest = line.strip().partition(" ")
        if name:
            found.append((name.upper(), rest.strip()))
    return found


def _pairs(rest: str) -> list[tuple[str, str]]:
    if "=" not in rest.split(" ", 1)[0]:
        key, _, value = rest.partition(" ")
        return [(key, value.strip())]
    try:
        return [(key, value) for key, _, value in (word.partition("=") for word in shlex.split(rest))]
    except ValueError:
        return []


def _expand(value: str, env: dict[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda m: env.get(m[1] or m[2], ""), value)


def _program(rest: str) -> tuple[str, ...]:
    if rest.startswith("["):
        try:
            return tuple(str(word) for word in json.loads(rest))
        except ValueError:
            pass
    return ("/bin/sh", "-c", rest) if rest else ()


def _copies(rest: str, workdir: str, env: dict[str, str]) -> list[tuple[str, str]]:
    words: list[str]
    try:
        words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    except ValueError:
        return []
    if any(word.startswith("--from") for word in words):
        return []
    words = [_expand(word, env) for word in words if not word.startswith("--")]
    if len(words) < 2:
        return []
    *sources, last = words
    target = posixpath.normpath(posixpath.join(workdir, last))
    found = []
    for source in sources:
        source = posixpath.normpath(source).lstrip("/") or "."
        if source.startswith("..") or "*" in source:
            continue
        into = len(sources) > 1 or last.endswith("/") or last == "."
        is_file = source != "." and into and "." in posixpath.basename(source)
        found.append((source, posixpath.join(target, posixpath.basename(source)) if is_file else target))
    return found
