"""``dagf schema``: write the schemas for editors, with this project's flavors, pools, templates and jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from dag_factory.cli import terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.editor.editor_schemas import editor_schemas
from dag_factory.config.editor.project_names import ProjectNames, project_names
from dag_factory.config.schema import registry

_FOLDER = ".dagf/schemas"


def schema(out: Path | None, home: Path | None, only_check: bool) -> int:
    """Write the schemas to ``out``; with ``only_check`` name those that are out of date and return 1."""
    root = find_home(home)
    folder = (out or root / _FOLDER).absolute()
    if folder.resolve() == registry.folder().resolve():
        raise CouldNotRun(f"{folder} contains the original schemas of dagwright; name another folder with --out")
    names = project_names(root)
    texts = editor_schemas(names)
    stale = [name for name, text in texts.items() if _read(folder / name) != text]
    shown = _from_project(folder, root)
    for file in names.unread:
        terminal.note(f"{file} cannot be read, so its names are missing; see: dagf check")
    if only_check:
        for name in stale:
            terminal.write(f"{shown}/{name} is out of date; run: dagf schema" + (f" --out {out}" if out else ""))
        return 1 if stale else 0
    _write(folder, texts, stale)
    result = f"Wrote {len(stale)} of {len(texts)} schemas to" if stale else "Nothing has changed in"
    terminal.write(f"{result} {shown}: {_counts(names)}.")
    terminal.write(_editor_settings(shown))
    return 0


def _write(folder: Path, texts: Mapping[str, str], names: Iterable[str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(texts[name], "utf-8")
    except OSError as failure:
        raise CouldNotRun(f"{failure.filename}: {failure.strerror}") from failure


def _counts(found: ProjectNames) -> str:
    words = {table: table.replace("-", " ") for table in found.names}
    return ", ".join(
        f"{len(names)} {words[table].removesuffix('s') if len(names) == 1 else words[table]}"
        for table, names in found.names.items()
    )


def _editor_settings(folder: str) -> str:
    """Return the text that says how to configure editors."""
    files = {name: document.get("x-files") for name, document in registry.documents().items()}
    prefix = folder if Path(folder).is_absolute() else f"./{folder}"
    globs = {f"{prefix}/{name}": pattern for name, pattern in files.items() if pattern}
    return "\n".join(
        (
            "",
            "VS Code with the extension redhat.vscode-yaml: add this to .vscode/settings.json.",
            "",
            json.dumps({"yaml.schemas": globs}, indent=2),
            "",
            "Other editors with yaml-language-server: use the same map for its setting `yaml.schemas`.",
            "A file that begins with `# yaml-language-server: $schema=...` uses the schema of that line instead.",
        )
    )


def _from_project(folder: Path, root: Path) -> str:
    """Return the folder as a path from the project if it lies inside, and as an absolute path if not."""
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
