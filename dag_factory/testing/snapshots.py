"""Snapshots: files with the pods of pipelines, which a test compares."""

from __future__ import annotations

import difflib
from pathlib import Path

from dag_factory.testing.pipelines import TestedPipeline

_MOST_LINES = 200


class Snapshots:
    """Compares pipelines with the files in a folder; with ``update`` it writes the files."""

    def __init__(self, folder: Path, update: bool) -> None:
        self.folder = folder
        self.update = update

    def assert_match(self, pipeline: TestedPipeline) -> None:
        """Check that the DAG and all pods are those of the snapshot."""
        __tracebackhide__ = True
        file = self.folder / pipeline.environment / f"{pipeline.id}.yaml"
        found = pipeline.manifests()
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(found, "utf-8")
            return
        fix = "run `pytest --dagf-update-snapshots`, and commit the changed files"
        if not file.exists():
            raise AssertionError(f"no snapshot of {pipeline.id} in {pipeline.environment}: {file}\nTo write it, {fix}.")
        wanted = file.read_text("utf-8")
        if found != wanted:
            lines = list(
                difflib.unified_diff(wanted.splitlines(), found.splitlines(), str(file), "compiled now", lineterm="")
            )
            more = [f"... and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
            text = "\n".join([*lines[:_MOST_LINES], *more])
            raise AssertionError(f"{pipeline.id} in {pipeline.environment} differs:\n{text}\nIf this is right, {fix}.")
