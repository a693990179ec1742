"""``python -m benchmarks [--quick] [FIGURES ...]``: measure, print a table, and one line ``name value`` per figure."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import sys
from importlib.metadata import version

from benchmarks.contestants import WORK
from benchmarks.measure import Figure

GROUPS = ("folder", "task", "startup", "job", "check", "cycle")


def main() -> int:
    """Return the exit code: 1 if a ratio misses its target. Seconds have no target, so they never fail a run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURES", help=f"any of: {', '.join(GROUPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="use smaller folders and fewer rounds")
    options = parser.parse_args()
    if unknown := set(options.figures) - set(GROUPS):
        parser.error(f"unknown figures: {', '.join(sorted(unknown))}; choose from {', '.join(GROUPS)}")
    shutil.rmtree(WORK / "set-aside", ignore_errors=True)
    figures: list[Figure] = []
    for name in options.figures or GROUPS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        for figure in importlib.import_module(f"benchmarks.figures.{name}").measure(options.quick):
            figures.append(figure)
            print(f"{figure.name} {figure.value:.4g}", file=sys.stderr, flush=True)
    print(table(figures))
    for figure in figures:
        print(figure.name, f"{figure.value:.4g}")
    return int(any(figure.misses_target for figure in figures))


def table(figures: list[Figure]) -> str:
    """Format the figures as Markdown, with the versions and the machine."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("apache-airflow", "kubernetes"))
    rows = [
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} processors ({platform.machine()})",
        "",
        "| Figure | Value | Target | |",
        "|---|---:|---:|---|",
    ]
    for figure in figures:
        target = "" if figure.target is None else f"≤ {figure.target:g}"
        verdict = "" if figure.target is None else "**missed**" if figure.misses_target else "met"
        rows.append(f"| `{figure.name}` | {figure.value:.4g} | {target} | {verdict or figure.note} |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    sys.exit(main())
