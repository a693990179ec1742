"""The comment that CI posts: a real plan stays as it is, and a forged one does no harm."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sample_plans import everything, flavor_edit, plan
from test_plan_hostile_text import ATTACKS, HOSTILE, SUSPICIOUS, Page, hostile_plan

from dag_factory.plan.formats.markdown import MARKER as PLAN_MARKER
from dag_factory.plan.formats.markdown import as_markdown, failed_as_markdown
from dag_factory.scaffold.ci.marker import comment_marker
from dag_factory.scaffold.ci.safe_comment import CUT, LONGEST, MARKER, NOTE, safe_comment

HARMLESS = set("h1 h2 h3 h4 h5 h6 p ul ol li strong em code pre details summary hr br".split())
LINES = st.one_of(
    HOSTILE,
    st.sampled_from(
        (
            "<details><summary>x</summary>",
            "<details open><summary><code>a</code></summary>",
            "<details><summary>@octocat</summary>",
            "<details><summary><code><img src=x></code></summary>",
            "</details>",
            "```diff",
            "  ```diff",
            "      ```diff",
            "```",
            "  ```",
            "      ```",
            "- item",
            "  - item `x`",
            "      - - - item",
            "    text",
            "**`a`** text",
            "## heading",
            "---",
            "===",
            "a `b",
            "c` d",
            "/close",
            " /approve",
            "- /merge",
        )
    ),
)


def assert_harmless(markdown: str) -> None:
    page = Page(markdown)
    assert page.tags <= HARMLESS
    assert {name for name, _ in page.attributes} <= {"class", "open", "start"}
    text = page.text.replace(NOTE, "")
    assert not SUSPICIOUS.search(text), text
    assert markdown.startswith(f"{MARKER}\n") and markdown.count("<!--") == 1 + sum(
        one.count("<!--") for one in page.code
    )
    assert len(markdown.encode()) <= LONGEST + 1_000


class Balanced(Page):
    """A page whose tags need not be balanced: forged details may be open at the end."""

    def handle_endtag(self, tag: str) -> None:
        if tag in self.unclosed:
            while self.unclosed.pop() != tag:
                pass


@pytest.fixture(autouse=True)
def allow_unbalanced_details(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Page, "handle_endtag", Balanced.handle_endtag)


def test_the_marker_is_the_one_of_plans() -> None:
    assert MARKER == PLAN_MARKER == comment_marker("")


@pytest.mark.parametrize("folder", ["a--> <b", "a--b", "über uns", "x\n", "a%2Db", "x" * 5_000])
def test_no_folder_ends_the_marker(folder: str) -> None:
    marker = comment_marker(folder)
    assert re.fullmatch(r"<!-- dagf plan: [A-Za-z0-9._/%]{1,400} -->", marker)
    assert comment_marker(folder + "/") == marker != comment_marker(folder + "y")
    assert safe_comment(f"{marker}\ntext\n") == f"{MARKER}\ntext\n"


@pytest.mark.parametrize(
    "text",
    [
        as_markdown(plan()),
        as_markdown(everything()),
        as_markdown(flavor_edit(40)),
        failed_as_markdown("`main` is no branch: fetch-depth: 0, see https://x.example.com @octocat #1", "1.0"),
        *(as_markdown(hostile_plan(attack)) for attack in ATTACKS),
    ],
)
def test_a_plan_of_dagf_stays_as_it_is(text: str) -> None:
    posted = safe_comment(text)
    assert [line for line in posted.splitlines() if line] == [line for line in text.splitlines() if line]
    assert NOTE not in posted


@settings(max_examples=400, deadline=None)
@given(st.lists(LINES, max_size=9).map("\n".join))
@example("<details><summary>x</summary>\n```diff\n<img src=x>\n```")
@example("- x\n  ```diff\n@octocat\n  ```")
@example("x\n      ```diff\n      \n      @octocat\n      ```")
@example("x\n      ```diff\n      @octocat\n      \n      ```")
@example("x\n      - a\n        ```diff\n        @octocat\n        + b\n        ```")
@example("a `b\nc` @octocat")
@example("\\`@octocat`")
def test_a_forged_plan_does_no_harm(text: str) -> None:
    for forged in (text, f"{MARKER}\n{text}", as_markdown(everything()) + text):
        assert_harmless(safe_comment(forged))


@pytest.mark.parametrize("line", ["x " * 40, "@octocat", "```diff", "<details><summary>x</summary>", "é" * 50])
def test_a_long_plan_is_cut_with_a_note(line: str) -> None:
    posted = safe_comment(f"{line}\n\n" * 10_000)
    assert CUT in posted
    assert_harmless(posted)


def test_an_open_block_and_open_details_are_closed_where_a_plan_is_cut() -> None:
    lines = ["<details><summary>x</summary>", "", "  ```diff", *(["  + line"] * 10_000), "  ```", "", "</details>"]
    posted = safe_comment("\n".join(lines))
    assert posted.splitlines()[-5:] == ["  ```", "", "</details>", "", CUT]
