"""``dagf schema``: the schemas for editors, with this project's flavors, pools, environments, templates and jobs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from dag_factory.cli import CouldNotRun
from dag_factory.cli.check import find_home
from dag_factory.config.editor.editor_schemas import editor_schemas
from dag_factory.config.editor.project_names import Vocabulary, vocabulary
from dag_factory.config.schema import registry

_FOLDER = ".dagf/schemas"


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help=f"The folder.  [default: {_FOLDER}]")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The folder that holds configs/.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit code 1 if the folder is not current.")
def schema(out: Path | None, home: Path | None, only_check: bool) -> None:
    """Write the schemas that editors complete from, with this project's names in them.

    A flavor, a pool, an environment or a template is then chosen from a list that says what each is, and in
    `depends_on` the jobs of the same file are offered. Run it again when the tables or the names of jobs have changed.
    """
    root = find_home(home, ())
    folder = (out or root / _FOLDER).absolute()
    if folder.resolve() == registry.folder().resolve():
        raise CouldNotRun(f"{folder} holds the schemas that these are made from; name another folder with --out")
    words = vocabulary(root)
    texts = editor_schemas(words)
    stale = [name for name, text in texts.items() if _read(folder / name) != text]
    shown = _shown(folder, root)
    for file in words.unread:
        click.echo(f"{file} cannot be read, so its names are left out; see: dagf check", err=True)
    if only_check:
        for name in stale:
            click.echo(f"{shown}/{name} is not current; run: dagf schema" + (f" --out {out}" if out else ""))
        raise SystemExit(1 if stale else 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in stale:
            (folder / name).write_text(texts[name], "utf-8")
    except OSError as failure:
        raise CouldNotRun(f"{failure.filename}: {failure.strerror}") from failure
    wrote = f"Wrote {len(stale)} of {len(texts)} schemas to" if stale else "Nothing has changed in"
    click.echo(f"{wrote} {shown}: {_counted(words)}.")
    click.echo(_setting(shown))


def _counted(words: Vocabulary) -> str:
    return ", ".join(f"{len(names)} {table.replace('-', ' ')}" for table, names in words.names.items())


def _setting(folder: str) -> str:
    """How editors are told."""
    files = {name: document.get("x-files") for name, document in registry.documents().items()}
    prefix = folder if Path(folder).is_absolute() else f"./{folder}"
    globs = {f"{prefix}/{name}": pattern for name, pattern in files.items() if pattern}
    return "\n".join(
        (
            "",
            "VS Code, with the extension redhat.vscode-yaml: put this into .vscode/settings.json.",
            "",
            json.dumps({"yaml.schemas": globs}, indent=2),
            "",
            "Other editors with yaml-language-server: the same map is its setting `yaml.schemas`. A file that begins",
            "with `# yaml-language-server: $schema=...` follows that line instead.",
        )
    )


def _shown(folder: Path, root: Path) -> str:
    """The folder as a path from the project, where it lies in it."""
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
