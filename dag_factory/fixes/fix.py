"""Apply the fixes that remove their problem and make no new one. The project is checked again after each change.

A fix stays if it makes an older problem visible, which its own problem hid. See ``older``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from dag_factory.config.problems import Problem
from dag_factory.config.project.survey import Survey, survey
from dag_factory.config.source.files import read_bytes
from dag_factory.fixes.files import Files, NotWritten
from dag_factory.fixes.older import problems_without
from dag_factory.fixes.propose import Edit, Fix, propose_fix


class NotFixed(msgspec.Struct, frozen=True):
    """A fix that was taken back, and the reason."""

    fix: Fix
    reason: str


class Fixed(msgspec.Struct, frozen=True):
    """What was changed, what was not, and the project after that."""

    fixes: tuple[Fix, ...]
    not_fixed: tuple[NotFixed, ...]
    survey: Survey


def fix_problems(home: Path, found: Survey, selected: Sequence[Problem]) -> Fixed:
    """Fix those of the ``selected`` problems that have exactly one fix. ``found`` is the project before that."""
    originals: dict[str, bytes] = {}
    fixes: set[Fix] = set()
    for problem in selected:
        if problem.line and problem.file not in originals:
            data = read_bytes(home / problem.file, home / "configs", problem.file)
            originals[problem.file] = data if isinstance(data, bytes) else b""
        fix = propose_fix(problem, originals.get(problem.file, b""), found.environments)
        if fix:
            fixes.add(fix)
    runner = _Runner(home, found, Files(home, originals))
    try:
        runner.try_all(_without_conflicts(fixes))
    except BaseException:
        runner.restore()
        raise
    return Fixed(tuple(sorted(runner.accepted, key=_order)), tuple(runner.rejected), runner.survey)


class _Runner:
    def __init__(self, home: Path, found: Survey, files: Files) -> None:
        self.home, self.survey, self.files = home, found, files
        self.accepted: list[Fix] = []
        self.rejected: list[NotFixed] = []

    def restore(self) -> None:
        """Take back everything except the accepted fixes. A file that somebody else changed stays as it is."""
        while True:
            try:
                self.files.apply(self.accepted)
                return
            except NotWritten as failure:
                self.files.forget(failure.file)

    def try_all(self, fixes: Sequence[Fix]) -> None:
        """Apply the fixes together. If they do harm, try each half of them."""
        if not fixes:
            return
        try:
            self.files.apply((*self.accepted, *fixes))
        except NotWritten as failure:
            self.files.forget(failure.file)
            self.restore()
            rest = [fix for fix in fixes if fix.file != failure.file]
            self.rejected += (NotFixed(fix, str(failure)) for fix in fixes if fix.file == failure.file)
            self.try_all(rest)
            return
        after = survey(self.home, self.survey.environments)
        harm = self._harm(after, fixes)
        if harm is None:
            self.accepted += fixes
            self.survey = after
            return
        self.restore()
        if len(fixes) == 1:
            self.rejected.append(NotFixed(fixes[0], harm))
            return
        middle = len(fixes) // 2
        self.try_all(fixes[:middle])
        self.try_all(fixes[middle:])

    def _harm(self, after: Survey, fixes: Sequence[Fix]) -> str | None:
        """Why the fixes are taken back; None if their problems are gone and no new one appeared."""
        fixed = {fix.problem.identity for fix in fixes}
        if any(problem.identity in fixed for problem in after.problems):
            return "the problem would remain"
        if not _more(after.problems, self.survey.problems):
            return None
        older = problems_without(self.home, self.files.originals, self.accepted, fixes, self.survey.environments)
        new = _more(after.problems, self.survey.problems, older)
        return f"the change would lead to `{new.code}`: {new.location}: {new.message}" if new else None


def _more(problems: Iterable[Problem], *known: Iterable[Problem]) -> Problem | None:
    """The first of the problems that is in none of the others, or more often than there."""
    allowed: Counter[tuple[str, ...]] = Counter()
    for some in known:
        allowed |= Counter(problem.identity for problem in some)
    for problem in problems:
        if not allowed[problem.identity]:
            return problem
        allowed[problem.identity] -= 1
    return None


def _without_conflicts(fixes: Iterable[Fix]) -> list[Fix]:
    """The fixes, without edits of one place that differ; of equal edits only the first."""
    by_place: dict[tuple[str, int], list[Fix]] = {}
    for fix in sorted(fixes, key=_order):
        by_place.setdefault((fix.file, fix.start if isinstance(fix, Edit) else -1), []).append(fix)
    return [same[0] for same in by_place.values() if len({_change(fix) for fix in same}) == 1]


def _change(fix: Fix) -> tuple[str, ...]:
    return (fix.old, fix.new) if isinstance(fix, Edit) else (fix.to,)


def _order(fix: Fix) -> tuple[str, int, str]:
    return fix.file, fix.start if isinstance(fix, Edit) else -1, fix.problem.message
