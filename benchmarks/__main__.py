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

GROUPS = ("folder", "task", "startup", "job", "check", "plan", "cycle")


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
    missed: list[str] = []
    for name in options.figures or GROUPS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        for figure in importlib.import_module(f"benchmarks.figures.{name}").measure(options.quick):
            figures.append(figure)
            print(f"{figure.name} {figure.value:.4g}", file=sys.stderr, flush=True)
            if figure.misses_target:
                missed.append(_missed(figure, name))
    print(table(figures))
    for figure in figures:
        print(figure.name, f"{figure.value:.4g}")
    print("\n".join(missed), file=sys.stderr, end="\n" if missed else "")
    return int(bool(missed))


def _missed(figure: Figure, group: str) -> str:
    """Say which figure misses its target, and what to do."""
    again = f"make bench FIGURES={group}"
    return (
        f"{figure.name} is {figure.value:.4g}; its target is at most {figure.target:g}. Measure it again on an idle "
        f"machine: {again}. If it misses its target again, find the change that made it slower: git bisect run {again}"
    )


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
