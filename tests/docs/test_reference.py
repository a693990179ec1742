"""The reference is current and whole, and every link in the documentation leads somewhere."""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dag_factory.config.schema import registry

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "schemas" / "README.md"])
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_current(reference: ModuleType) -> None:
    written = {path.name: path.read_text("utf-8") for path in (DOCS / "reference").iterdir()}
    assert written == reference.pages(), "run: make docs"


JOB = registry.documents()["job.schema.json"]["$defs"]["job"]["properties"]
FILES = {name: document.get("properties", {}) for name, document in registry.documents().items()}


@pytest.mark.parametrize(
    ("page", "keys"), [("job", JOB), *((name.split(".")[0], keys) for name, keys in FILES.items())]
)
def test_every_key_has_a_section(page: str, keys: dict[str, Any]) -> None:
    assert set(keys) <= anchors(DOCS / "reference" / f"{page}.md")


def test_every_key_is_described(reference: ModuleType) -> None:
    """A section holds more than its heading, for keys of every level."""
    for text in reference.pages().values():
        for section in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
            heading, _, body = section.partition("\n")
            assert body.strip(), heading


@pytest.mark.parametrize("key", JOB)
def test_a_jobs_keys_are_described_in_the_schemas_own_words(key: str) -> None:
    """Also where a definition refers on to what is only a kind of value, as a duration."""
    words = registry.documents()["job.schema.json"]["$defs"][key]["description"]
    page = (DOCS / "reference" / "job.md").read_text("utf-8")
    assert words.partition(". ")[0].partition(" Default:")[0] in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@lru_cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _CODE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
