"""``python -m benchmarks [--quick] [FIGURES ...]``: measure, print a table, and a line ``name value`` each."""

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
    """The exit code: 1 where a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURES", help=f"some of: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="smaller folders, fewer rounds")
    said = parser.parse_args()
    if unknown := set(said.figures) - set(GROUPS):
        parser.error(f"unknown figures: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    shutil.rmtree(WORK / "forgotten", ignore_errors=True)
    found: list[Figure] = []
    for name in said.figures or GROUPS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        for figure in importlib.import_module(f"benchmarks.figures.{name}").measure(said.quick):
            found.append(figure)
            print(f"{figure.name} {figure.value:.4g}", file=sys.stderr, flush=True)
    print(table(found))
    for figure in found:
        print(figure.name, f"{figure.value:.4g}")
    return any(figure.most is not None and figure.value > figure.most for figure in found)


def table(found: list[Figure]) -> str:
    """The figures as Markdown, with what they were measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("apache-airflow", "kubernetes"))
    rows = [
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} processors ({platform.machine()})",
        "",
        "| Figure | Value | Target | |",
        "|---|---:|---:|---|",
    ]
    for one in found:
        target = "" if one.most is None else f"≤ {one.most:g}"
        verdict = "" if one.most is None else "met" if one.value <= one.most else "**missed**"
        rows.append(f"| `{one.name}` | {one.value:.4g} | {target} | {verdict or one.note} |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    sys.exit(main())
