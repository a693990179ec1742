"""YAML texts that are written in unusual ways, and the files of this repository: the corpus for edits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

ODD = {
    "anchors": (
        "version: 1\n"
        "defaults: &d\n"
        "  env: {A: 1}\n"
        "jobs:\n"
        "  a: *d\n"
        "  b:\n"
        "    env: &e\n"
        "      X: 1\n"
        "      Y: 2\n"
        "  c: {env: *e}\n"
    ),
    "brackets": ('{version: 1, jobs: {a: {script: "echo", depends_on: [b, c]}, b: {}, c: {script: x,}}}\n'),
    "brackets over lines": (
        "version: 1\n"
        "jobs: {\n"
        "  a: {script: x},  # first\n"
        "  b: {depends_on: [\n"
        "      a,\n"
        "      # between\n"
        "      c,  # last\n"
        "    ]},\n"
        "  c: {script: 'it''s'}\n"
        "}\n"
    ),
    "comments": (
        "# top\n"
        "version: 1 # v\n"
        "# before jobs\n"
        "jobs: # j\n"
        "  # before a\n"
        "  a: # a\n"
        "    # inside\n"
        "    script: | # block\n"
        "      # not a comment\n"
        "      echo\n"
        "\n"
        "      x\n"
        "\n"
        "    # after\n"
        "  # before b\n"
        "  b:\n"
        "    depends_on: # d\n"
        "      # i\n"
        "      - a # item\n"
        "      # j\n"
        "      - c\n"
        "  c:\n"
        "  # end\n"
        "# really\n"
    ),
    "tabs": ('version: 1\njobs:\n  a:\n    script: "a\tb"\t# tab\n    args: [a,\tb]\n'),
    "no line end": ("version: 1\njobs:\n  a:\n    script: >-\n      folded\n      text\n\n      more"),
    "kept line ends": (
        "version: 1\njobs:\n  a:\n    script: |+\n      x\n\n\n  b:\n    script: |2-\n        y\n       z\n"
    ),
    "lists in lists": (
        "version: 1\n"
        "jobs:\n"
        "  a:\n"
        "    args:\n"
        "    - - x\n"
        "      - y\n"
        "    - - z\n"
        "    -\n"
        "      k: v\n"
        "    - k: v\n"
        "      # c\n"
        "      l: w\n"
        "    - # lead\n"
        "      m: 1\n"
    ),
    "directive": ("%YAML 1.2\n---\nversion: 1\njobs:\n  a: {script: x}\n...\n"),
    "quoted keys": (
        '"version": 1\n\'jobs\':\n  "a b": {script: x}\n  ? c\n  : {script: y}\n  !!str d: !!map {script: !!str z}\n'
    ),
    "surrogates": (
        "version: 1\n"
        "description: gr\u00f6\u00dfer \u2192 \u4f60\u597d \ud83c\udf89\n"
        "jobs:\n"
        "  \u00e4: {script: '\u00f6'}\n"
        "  b:\n"
        '    script: "\\U0001F600 \\ud83d\\ude00"\n'
    ),
    "values over lines": (
        "version: 1\n"
        "description: this is\n"
        "  a text of\n"
        "  several lines\n"
        "jobs:\n"
        "  a:\n"
        '    script: "one\n'
        "      two\\\n"
        '      three"\n'
        "    doc: 'x\n"
        "\n"
        "      y'\n"
    ),
    "duplicate key": ("version: 1\njobs:\n  a: {script: x}\n  a: {script: y}\n"),
    "byte order mark": ("\ufeffversion: 1\njobs:\n  a: {script: x}\n"),
    "other line ends": ("version: 1\ndescription: a\u2028b # c\u0085d\njobs:\n  a: {script: x}\n"),
    "wide dashes": ("version: 1\njobs:\n  a:\n    args:\n    -   x\n    -\n    -   - y\n        - z\n"),
    "deep": ("a:\n  b:\n    c:\n      d:\n        e: 1\n"),
    "long lines": f"version: 1\ndescription: {'x ' * 20000}\njobs:\n  a:\n    script: {'y' * 30000}\n",
}
"""Texts by what is unusual in them."""


def corpus() -> Iterator[tuple[str, str]]:
    """Yield names and texts: odd ones with both kinds of line ends, then pipelines and tables of this repository."""
    for name, text in ODD.items():
        yield name, text
        yield f"{name}, CRLF", text.replace("\n", "\r\n")
    for folder in ("configs", "tests/fuzz", "tests/real", "tests/upgrade", "tests/e2e"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            yield str(path.relative_to(ROOT)), path.read_bytes().decode()
