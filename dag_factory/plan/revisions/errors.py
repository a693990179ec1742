"""The error of everything that prevents a plan."""

from __future__ import annotations


class RevisionError(Exception):
    """The revisions cannot be compared. ``message`` says why, ``hint`` what to do; the hint may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint


FULL_HISTORY = "fetch the whole history: `git fetch --unshallow`; in GitHub Actions set `fetch-depth: 0` of checkout"
