"""Write the generated parts of ``docs/on-call.md`` from the code. Run it with ``make docs``.

The rest of the page is written by hand. Each part stands between two comments with its name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dag_factory.pods.watching import STATES  # noqa: E402
from dag_factory.verdicts.kinds import KINDS  # noqa: E402

PAGE = ROOT / "docs" / "on-call.md"


def page(text: str) -> str:
    """The page with its current parts. Raises ``ValueError`` if a part has no place in it."""
    for name, lines in {"verdicts": _verdicts(), "watch": _watch()}.items():
        begin, end = f"<!-- begin {name}: make docs writes this part -->", f"<!-- end {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{PAGE.name} needs the two comments of the part {name}")
        new = "\n".join([begin, *lines, end])
        text = pattern.sub(lambda _, new=new: new, text)  # type: ignore[misc]
    return text


def _verdicts() -> Iterator[str]:
    for kind, info in KINDS.items():
        anchor = ("", f'<a id="{kind}"></a>') if start(kind).lower().replace(" ", "-") != kind else ()
        follows = "" if info.uses_retry else " The next try uses no retry."
        yield from (
            *anchor,
            "",
            f"### {start(kind)}",
            "",
            f"{info.meaning}{follows}",
            "",
            f"**What to do:** {info.what_to_do}",
        )
    yield ""


def start(kind: str) -> str:
    """How the sentences of this kind begin."""
    return _STARTS.get(kind, kind.replace("-", " "))


_STARTS = {"api-error": "API error", "config": "configuration"}


def _watch() -> Iterator[str]:
    yield from _head("WATCH", "Meaning")
    for state, meaning in STATES.items():
        yield _row(f"`{state}`", meaning)


def _head(*titles: str) -> Iterable[str]:
    return _row(*titles), "|---" * len(titles) + "|"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
