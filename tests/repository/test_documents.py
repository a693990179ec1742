"""Documents for contributors name files, headings and dates that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DECISIONS = REPOSITORY / "docs" / "decisions"
RECORDS = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
HEADER = re.compile(
    r"Date: (?P<date>\d{4}-\d{2}-\d{2})\. Status: (?P<status>accepted|replaced by `[^`]+`)"
    r"(, last changed (?P<changed>\d{4}-\d{2}-\d{2}))?( \([^)]+\))?\."
)


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_decision_has_date_and_status_and_is_in_the_index(record: Path) -> None:
    header = HEADER.fullmatch(record.read_text(encoding="utf-8").splitlines()[2])
    assert header, "line 3 is not `Date: YYYY-MM-DD. Status: accepted.`"
    status = header["status"] + (f", last changed {header['changed']}" if header["changed"] else "")
    rows = (DECISIONS / "README.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row.endswith(f"({record.name}) | {header['date']} | {status} |")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists() or (heading and heading not in headings(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", RECORDS, ids=name)
def test_named_files_exist(document: Path) -> None:
    """A path in backticks is relative to the repository, to the package or to the tests."""
    roots = (REPOSITORY, REPOSITORY / "dag_factory", REPOSITORY / "tests")
    missing = [path for path in paths(document) if not any((root / path).exists() for root in roots)]
    assert missing == []


def paths(document: Path) -> Iterator[str]:
    """The paths in backticks: with a folder of the project, and a suffix or a slash at the end."""
    folders = "benchmarks|build|cli|cluster|config|configs|dag_factory|dags|docs|local|schemas|scripts|tests"
    for text in re.findall(r"`([^`\n]+)`", document.read_text(encoding="utf-8")):
        if re.fullmatch(rf"({folders})/[\w./-]*(\.\w+|/)", text):
            yield text


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def headings(path: Path) -> set[str]:
    """The anchors of a Markdown file, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}
