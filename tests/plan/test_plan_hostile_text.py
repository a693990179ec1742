"""No text of a project has an effect in a comment: a real Markdown renderer makes only code and plain words of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace
from sample_plans import change, everything, place, plan

from dag_factory.config.problems import Problem
from dag_factory.plan.formats.markdown import MARKER, as_markdown, failed_as_markdown
from dag_factory.plan.formats.markdown_text import code, sentence
from dag_factory.plan.formats.text import as_text
from dag_factory.plan.model import ABSENT, Cause, Effect, FieldChange, JobChange, NotAnalyzed, Plan, Revision, Risk

ATTACKS = (
    "@octocat",
    "@org/team",
    "#1",
    "GH-1",
    "org/repo#1",
    "!1",
    "&1",
    "~bug",
    "%milestone",
    "0123456789abcdef0123456789abcdef01234567",
    "defaced",
    "https://evil.example.com",
    "www.evil.example.com",
    "me@evil.example.com",
    "[text](https://evil.example.com)",
    "![image](https://evil.example.com/x.png)",
    "[x]: https://evil.example.com",
    "<https://evil.example.com>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</summary></details><b>",
    "</code><a href=x>",
    MARKER,
    "--> <!-- dagf plan -->",
    "`",
    "``",
    "```",
    "a`b",
    "` @octocat `",
    "`` @octocat",
    "~~~",
    "| a | b |",
    "a|b\\|c",
    "\n\n# heading\n\n- item",
    "\r\n/close\r\n",
    "***bold*** __x__ ~~y~~",
    "\\",
    "\\`",
    "&lt;b&gt; &#64;octocat",
    "\u202egnp.exe",
    "a\u200bb\u2060c\ufeff",
    "\u2066x\u2069",
    "e\u0301\u0301\u0301\u0301\u0301",
    "\u3164\u2800\ufe0f\U000e0041",
    "\x1b[31mred\x1b[0m \x07",
    ":smile:",
    "$`x`$",
    "$$x$$",
    "[ ] task",
    " ",
    "",
    "`https://evil.example.com` and `@octocat`",
    "fixes #1 `",
)
HOSTILE = st.one_of(
    st.sampled_from(ATTACKS),
    st.lists(st.sampled_from(ATTACKS), min_size=2, max_size=4).map(" ".join),
    st.lists(st.sampled_from(ATTACKS), min_size=2, max_size=4).map("".join),
    st.text("`@#<>[]()!|\\*_~&-+.:/ \n\ta1Zw\u200b\u202e", max_size=40),
    st.text(max_size=30),
)
GFM = MarkdownIt("gfm-like", {"html": True})
CODE, VOID = ("code", "pre"), ("hr", "br")
ALLOWED = {"h2", "h3", "p", "ul", "li", "strong", "code", "pre", "details", "summary", "hr", "br"}
SUSPICIOUS = re.compile(r"[@#<>`|\[\]!&~%$\\]|://|www\.\w|\w-\d|\b[0-9a-fA-F]{7,}\b")


class Page(HTMLParser):
    """The tags of a page, their attributes, and the text outside code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.comments: list[str] = []
        self.code: list[str] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(GFM.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)
        if tag not in VOID:
            self.unclosed.append(tag)
        if tag in CODE:
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.unclosed.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self.unclosed and self.unclosed[-1] in CODE:
            self.code[-1] += data
        else:
            self.text += data


def assert_harmless(markdown: str) -> Page:
    page = Page(markdown)
    assert page.tags <= ALLOWED
    assert page.attributes <= {("class", "language-diff"), ("open", None), ("open", "")}
    assert not SUSPICIOUS.search(page.text.replace("dagf plan --", "")), page.text
    assert markdown.startswith(f"{MARKER}\n") and markdown.count("<!--") == 1
    assert "\n/" not in markdown, "GitLab would run a quick action"
    assert all(char.isprintable() or char == "\n" for char in markdown)
    assert page.unclosed == []
    return page


def hostile_plan(text: str) -> Plan:
    """A plan with this text in every place where text of a project appears."""
    field = FieldChange(text, text, ABSENT)
    values = FieldChange("spec.x", {text: [text]}, text)
    lines = FieldChange("spec.y", f"a\n{text}\nb\n", f"{text}\na\n```\nb\n{text}")
    problem = Problem(text, 1, 1, "bad-value", text, text, text)
    cause = Cause(text, 1, 1, text)
    where = (place(text, text, text), place(text, f"{text}2", text))
    return replace(
        plan(),
        base=Revision(text, "ab" * 20),
        head=Revision(text, "", dirty=True),
        environments=(text,),
        not_analyzed=(NotAnalyzed(text, text),),
        changes=(
            change("added", text, text, file=text, jobs=(JobChange(text, "added"), JobChange(text, "added", (field,)))),
            change("changed", f"{text}3", text, fields=(field, values, lines), edges_added=((text, text),)),
            change("renamed", f"{text}4", text, renamed_from=text),
            change("broken", f"{text}5", text, problems=(problem,)),
            change("documentation", f"{text}6", text),
        ),
        effects=(Effect((values,), cause, where), Effect((values, lines), cause, where)),
        risks=(Risk("catchup", text, where, cause), Risk("catchup", f"the image `{text}` is new", where)),
        new_problems=(problem, replace(problem, file=f"{text}7"), replace(problem, severity="warning")),
        version=text,
    )


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
@example("`")
def test_text_of_a_project_is_only_code_or_plain_words_in_a_comment(text: str) -> None:
    assert_harmless(as_markdown(hostile_plan(text)))


@pytest.mark.parametrize("text", ATTACKS)
def test_known_attacks_do_no_harm(text: str) -> None:
    assert_harmless(as_markdown(hostile_plan(text)))
    assert_harmless(failed_as_markdown(f"the revision `{text}` does not exist: {text}", text))


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
def test_errors_of_a_failed_plan_do_no_harm(text: str) -> None:
    assert_harmless(failed_as_markdown(f"cannot read {text}: {text}", "1"))


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
def test_inline_code_shows_exactly_the_text(text: str) -> None:
    shown = text.replace("<!--", "\\u003c!--")
    if text.strip(" "):
        assert Page(f"x {code(text)} y").code == [shown]


def test_backticks_and_plain_words_of_a_sentence_are_kept() -> None:
    text = "unknown flavor `cpu-smal`, did you mean `cpu-small`? Up to 214 runs (see app.py) (`b`), `x)` too."
    assert sentence(text) == text.replace("app.py", "`app.py`")
    assert (
        sentence("fixes #1, @octocat; GH-1: www.example.com.") == "fixes `#1`, `@octocat`; `GH-1`: `www.example.com`."
    )


def test_a_plan_with_everything_is_a_correct_page() -> None:
    page = assert_harmless(as_markdown(everything()))
    assert page.tags >= {"details", "summary", "pre", "strong"}
    assert "unknown flavor" in page.text and "cpu-smal" in page.code


@settings(max_examples=300, deadline=None)
@given(HOSTILE)
def test_text_for_a_terminal_has_no_control_characters(text: str) -> None:
    assert all(char.isprintable() or char == "\n" for char in as_text(hostile_plan(text)))
