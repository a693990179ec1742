"""Documents for contributors name files, headings and dates that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ARCHITECTURE, CONTRIBUTING = REPOSITORY / "ARCHITECTURE.md", REPOSITORY / "CONTRIBUTING.md"
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
    lines = record.read_text(encoding="utf-8").splitlines()
    title, header = lines[0].removeprefix("# "), HEADER.fullmatch(lines[2])
    assert header, "line 3 is not `Date: YYYY-MM-DD. Status: accepted.`"
    status = header["status"] + (f", last changed {header['changed']}" if header["changed"] else "")
    rows = (DECISIONS / "README.md").read_text(encoding="utf-8").splitlines()
    assert f"| [{title}]({record.name}) | {header['date']} | {status} |" in rows


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


@pytest.mark.parametrize("document", [ARCHITECTURE, CONTRIBUTING, *RECORDS], ids=name)
def test_named_files_exist(document: Path) -> None:
    """A path in backticks is relative to the repository, to the package or to the tests."""
    roots = (REPOSITORY, REPOSITORY / "dag_factory", REPOSITORY / "tests")
    missing = [path for path in paths(document) if not any((root / path).exists() for root in roots)]
    assert missing == []


def test_architecture_lists_every_package() -> None:
    """Every package of the compiler, of the builder and of the local cluster has a row."""
    named = set(paths(ARCHITECTURE))
    packages = {f"{one.parent.name}/{one.name}/" for one in packages_below("config", "build", "cluster")}
    assert packages - named == set()
    assert {f"dag_factory/{one.name}/" for one in packages_below("")} - named == set()


def packages_below(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for child in (REPOSITORY / "dag_factory" / folder).iterdir():
            if any(child.glob("*.py")) or any(child.glob("*/*/*.j2")):
                yield child


def test_the_path_of_a_value_names_functions_that_exist() -> None:
    steps = re.findall(
        r"^\| .* \| `([\w/]+\.py)` \| `(\w+)` \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(steps) > 10
    for module, function in steps:
        text = (REPOSITORY / "dag_factory" / module).read_text(encoding="utf-8")
        assert re.search(rf"^ *(def|class) {function}\b", text, re.MULTILINE), f"{module}: {function}"


def test_contributing_names_things_that_exist() -> None:
    """A name with an underscore or in capitals is a function, a table, a test or a definition of a schema."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("dag_factory", "tests", "schemas")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in (".py", ".json") and "node_modules" not in path.parts and path.parent.name != "repository"
    )
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))
    names = {one for one in inline if re.fullmatch(r"_?[A-Za-z]+(_[A-Za-z]+)+|[A-Z][A-Z_]+|[A-Z][a-z]+[A-Z]\w+", one)}
    assert {one for one in names if not re.search(rf"\b{one}\b", code)} == set()
    functions = {one for one in inline if one.endswith("()")}
    assert {one for one in functions if f"def {one[:-1]}" not in code} == set()
    assert len(functions) > 5


def paths(document: Path) -> Iterator[str]:
    """The paths in backticks: with a folder of the project, and a suffix or a slash at the end."""
    folders = "benchmarks|build|cli|cluster|config|configs|dag_factory|dags|docs|local|schemas|scripts|tests"
    content = document.read_text(encoding="utf-8")
    yield from re.findall(r"^\S+ (tests/\S+\.py)", content, re.MULTILINE)  # in commands
    for text in re.findall(r"`([^`\n]+)`", content):
        if re.fullmatch(rf"({folders})/[\w./-]*(\.\w+|/)", text):
            yield text


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def headings(path: Path) -> set[str]:
    """The anchors of a Markdown file, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}
