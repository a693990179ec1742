"""The examples, damaged at random: a model or problems with places come out, and nothing else."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from dag_factory.config.survey import survey

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(path.relative_to(CONFIGS) for path in CONFIGS.rglob("*.yaml"))
VALUES = (
    """
null|~|[]|{}|0|-1|1e999|.inf|999999999999999999999|true|""|"${{ vars.x }}"|"${{ vars }}"|"${{ range(5) }}"|"${{ none }}"
"${{ 1 / 0 }}"|"{{ x }}"|"{{ (("|"{% if %}"|[null]|[[a]]|{a: {b: null}}|"\\0"|!!binary x
&a [*a]|*b|"|- - -|a: b: c|'@daily'
""".strip()
    .replace("\n", "|")
    .split("|")
)
KEYS = """jobs defaults environments params schedule env volumes retries flavors define max replace pools
vars cluster only owner command script output depends_on gpu affinity requests limits next default type enum
mount_path empty_dir dev""".split()
WHOLE = {"broken-table", "not-a-file"}
"""Problems of a file as a whole."""


def damaged(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 3)):
        lines = text.split("\n")
        line = chance.randrange(len(lines))
        pairs = list(re.finditer(r"([\w-]+)(: ?)([^,{}\[\]#]*)", lines[line]))
        kind = chance.randrange(6)
        if kind == 0:
            del lines[line]
        elif kind == 1:
            lines.insert(line, chance.choice(lines))
        elif kind == 2 or not pairs:
            lines.insert(line, " " * chance.randint(0, 6) + f"{chance.choice(KEYS)}: {chance.choice(VALUES)}")
        elif kind in (3, 4):
            pair = chance.choice(pairs)
            lines[line] = lines[line][: pair.start(3)] + chance.choice(VALUES) + lines[line][pair.end(3) :]
        else:
            pair = chance.choice(pairs)
            lines[line] = lines[line][: pair.start(1)] + chance.choice(KEYS) + lines[line][pair.end(1) :]
        text = "\n".join(lines)
    return text


@pytest.mark.parametrize("seed", range(8))
def test_ends_in_a_model_or_in_problems_with_places(seed: int, tmp_path: Path) -> None:
    shutil.copytree(CONFIGS, tmp_path / "configs")
    chance = random.Random(seed)
    told = 0
    for _ in range(40):
        file = chance.choice(FILES)
        path = tmp_path / "configs" / file
        text = path.read_text("utf-8")
        mutant = damaged(text, chance)
        path.write_text(mutant, "utf-8")
        for problem in survey(tmp_path).problems:
            told += 1
            assert problem.line >= 1 or problem.code in WHOLE, f"{problem}\n{mutant}"
            assert problem.line <= mutant.count("\n") + 1 or problem.file != f"configs/{file}", f"{problem}\n{mutant}"
            assert problem.message, f"{problem}\n{mutant}"
            assert problem.hint, f"{problem}\n{mutant}"
        path.write_text(text, "utf-8")
    assert told > 20


def test_the_examples_have_no_problems() -> None:
    assert survey(CONFIGS.parent).problems == ()
