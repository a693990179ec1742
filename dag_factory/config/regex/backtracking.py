"""Count the steps that Python takes to search a text for a regular expression, without taking all of them.

Python tries one way after the other, so its steps can double with each character. Here the steps from one state at one
index are computed once, and added whenever Python would repeat them. So the count is that of a matcher without memory,
but the work is at most the number of states times the length of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from dag_factory.config.regex import python_parser
from dag_factory.config.regex.python_parser import OPS as ops
from dag_factory.config.regex.python_parser import Nodes

_END, _END_INSIDE = 0, 1  # addresses of the end of the pattern, and of the end of an atomic group or lookaround
Captures = tuple[int, ...]
Key = tuple[int, int, tuple[int, ...], Captures]
End = tuple[int, Captures] | None
"""The end of a match with its captures, or None if there is no match."""


class TooManySteps(Exception):
    """Python takes more steps than allowed."""


class TooManyStates(Exception):
    """The count itself is too much work."""


class Step(NamedTuple):
    """One instruction of a compiled pattern. ``next`` is the address of the next one."""

    kind: str
    next: int = 0
    match: Callable[[str, int], Any] | None = None
    body: int = 0
    branches: tuple[int, ...] = ()
    least: int = 0
    most: int = 0
    slot: int = 0
    flag: bool = False


class Program:
    """A pattern compiled for counting. Raises as ``python_parser.parse`` does."""

    def __init__(self, pattern: str) -> None:
        parsed = python_parser.parse(pattern)
        self.steps: list[Step] = [Step("accept"), Step("accept")]
        self._slots = {group: index * 2 for index, group in enumerate(dict.fromkeys(_references(parsed)))}
        self.nothing: Captures = (-1,) * (2 * len(self._slots))
        self.start = self._compile(parsed, _END, parsed.state.flags)

    def _add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def _compile(self, nodes: Nodes, following: int, flags: int) -> int:
        """The address of the first instruction of the nodes. The last one continues at ``following``."""
        for op, argument in reversed(list(nodes)):
            following = self._one(op, argument, following, flags)
        return following

    def _one(self, op: Any, argument: Any, following: int, flags: int) -> int:
        if op in python_parser.CHARACTERS:
            return self._add(Step("character", following, python_parser.single(op, argument, flags)))
        if op is ops.AT:
            is_end = argument in (ops.AT_END, ops.AT_END_STRING)
            return self._add(Step("place", following, python_parser.single(op, argument, flags), flag=is_end))
        if op is ops.BRANCH:
            branches = tuple(self._compile(one, following, flags) for one in argument[1])
            return self._add(Step("branch", branches=branches))
        if op is ops.SUBPATTERN:
            return self._group(argument, following, flags)
        if op in python_parser.REPEATS:
            return self._repeat(op, argument, following, flags)
        if op in python_parser.LOOKS:
            back = argument[1].getwidth()[0] if argument[0] < 0 else 0
            body = self._compile(argument[1], _END_INSIDE, flags)
            return self._add(Step("look", following, body=body, least=back, flag=op is ops.ASSERT))
        if op is python_parser.ATOMIC:
            return self._add(Step("atomic", following, body=self._compile(argument, _END_INSIDE, flags)))
        if op is ops.GROUPREF:
            folds = bool(flags & ops.SRE_FLAG_IGNORECASE)
            return self._add(Step("reference", following, slot=self._slots[argument], flag=folds))
        if op is ops.GROUPREF_EXISTS:
            group, yes, no = argument
            branches = (self._compile(yes, following, flags), self._compile(no or [], following, flags))
            return self._add(Step("condition", branches=branches, slot=self._slots[group]))
        return self._add(Step("branch"))  # never matches

    def _group(self, argument: Any, following: int, flags: int) -> int:
        group, added, removed, body = argument
        slot = self._slots.get(group) if group else None
        if slot is not None:
            following = self._add(Step("capture", following, slot=slot + 1))
        start = self._compile(body, following, python_parser.flags_below(flags, added, removed))
        return start if slot is None else self._add(Step("capture", start, slot=slot))

    def _repeat(self, op: Any, argument: Any, following: int, flags: int) -> int:
        least, most, body = argument
        if op is python_parser.POSSESSIVE:
            inner = self._repeat(ops.MAX_REPEAT, argument, _END_INSIDE, flags)
            return self._add(Step("atomic", following, body=inner))
        loop = self._add(Step("accept"))  # a placeholder until the body is known
        start = self._compile(body, loop, flags)
        endless = -1 if most is ops.MAXREPEAT or most == ops.MAXREPEAT else most
        nullable = body.getwidth()[0] == 0
        self.steps[loop] = Step(
            "loop", following, None, start, (), least, endless, int(nullable), op is python_parser.LAZY
        )
        return self._add(Step("enter", loop))


def _references(nodes: Nodes) -> Iterator[int]:
    """The groups that the pattern refers to."""
    for op, argument in nodes:
        if op is ops.GROUPREF:
            yield argument
        elif op is ops.GROUPREF_EXISTS:
            yield argument[0]
        for below in below_of(op, argument):
            yield from _references(below)


def below_of(op: Any, argument: Any) -> Iterator[Nodes]:
    """The parts of a node that are patterns themselves."""
    if op in python_parser.REPEATS:
        yield argument[2]
    elif op is ops.BRANCH:
        yield from argument[1]
    elif op is ops.SUBPATTERN or op in python_parser.LOOKS:
        yield argument[-1]
    elif op is python_parser.ATOMIC:
        yield argument
    elif op is ops.GROUPREF_EXISTS:
        yield argument[1]
        yield from [argument[2]] if argument[2] else ()


class _State:
    """A state that is being counted. ``tried`` are the next states, with the first one at the end."""

    __slots__ = ("end", "key", "steps", "tried")

    def __init__(self, key: Key, tried: list[Key], steps: int, end: End) -> None:
        self.key, self.tried, self.steps, self.end = key, tried, steps, end


class Count:
    """Counts the steps of one search. ``states`` is the work of counting so far.

    With ``fails``, no way through the pattern counts as a match, as if more text followed.
    """

    def __init__(self, program: Program, text: str, most_steps: int, most_states: int, fails: bool = False) -> None:
        self._steps, self._text, self._fails = program.steps, text, fails
        self._most_steps, self._most_states = most_steps, most_states
        self._known: dict[Key, tuple[int, End]] = {}
        self.states = 0
        self.match: tuple[int, int] | None = None
        """The span of the match, as in ``re.Match.span``."""
        self._program = program

    def search(self) -> int:
        """The steps of a search from each index, until there is a match.

        Raises ``TooManySteps`` and ``TooManyStates``.
        """
        total = 0
        for start in range(len(self._text) + 1):
            steps, end = self._run((self._program.start, start, (), self._program.nothing))
            total += steps
            if total > self._most_steps:
                raise TooManySteps
            if end is not None:
                self.match = (start, end[0])
                break
        return total

    def _run(self, first: Key) -> tuple[int, End]:
        """The steps from one state, and the end of the match; depth first, without recursion."""
        known = self._known
        stack = [] if first in known else [self._begin(first)]
        while stack:
            state = stack[-1]
            while state.end is None and state.tried:
                found = known.get(state.tried[-1])
                if found is None:
                    stack.append(self._begin(state.tried[-1]))
                    break
                state.tried.pop()
                state.steps += found[0]
                state.end = found[1]
            else:
                if state.steps > self._most_steps:
                    raise TooManySteps
                known[state.key] = (state.steps, state.end)
                stack.pop()
        return known[first]

    def _begin(self, key: Key) -> _State:
        self.states += 1
        if self.states > self._most_states:
            raise TooManyStates
        following, steps, end = self._expand(*key)
        return _State(key, list(reversed(following)), steps + 1, end)

    def _expand(
        self, address: int, index: int, loops: tuple[int, ...], captures: Captures
    ) -> tuple[tuple[Key, ...], int, End]:
        step = self._steps[address]
        kind, following = step.kind, step.next
        if kind == "character":
            assert step.match
            if step.match(self._text, index) is None:
                return (), 0, None
            return ((following, index + 1, _progressed(loops), captures),), 0, None
        if kind == "loop":
            return self._expand_loop(step, index, loops, captures), 0, None
        if kind == "enter":
            return ((following, index, (*loops, 0), captures),), 0, None
        if kind == "branch":
            return tuple((one, index, loops, captures) for one in step.branches), 0, None
        if kind == "accept":
            return (), 0, None if self._fails and address == _END else (index, captures)
        if kind == "place":
            assert step.match
            fits = step.match(self._text, index) is not None and not (self._fails and step.flag)
            return ((following, index, loops, captures),) if fits else (), 0, None
        if kind in ("look", "atomic"):
            return self._expand_group(step, index, loops, captures)
        if kind == "capture":
            changed = (*captures[: step.slot], index, *captures[step.slot + 1 :])
            return ((following, index, loops, changed),), 0, None
        start, end = captures[step.slot : step.slot + 2]
        if kind == "condition":
            return ((step.branches[end < 0], index, loops, captures),), 0, None
        return self._expand_reference(step, start, end, (index, loops, captures))

    def _expand_loop(self, step: Step, index: int, loops: tuple[int, ...], captures: Captures) -> tuple[Key, ...]:
        count, stuck = loops[-1] >> 1, loops[-1] & 1
        after = min(count + 1, step.least) if step.most < 0 else count + 1
        again = (step.body, index, (*loops[:-1], after << 1 | step.slot), captures)
        if count < step.least:
            return (again,)
        out = (step.next, index, loops[:-1], captures)
        if stuck or count == step.most:  # Python does not repeat a body that matched nothing
            return (out,)
        return (out, again) if step.flag else (again, out)

    def _expand_group(
        self, step: Step, index: int, loops: tuple[int, ...], captures: Captures
    ) -> tuple[tuple[Key, ...], int, End]:
        """Expand an atomic group or a lookaround: after it has matched, no other way through it is tried."""
        start = index - step.least
        steps, end = self._run((step.body, start, (), captures)) if start >= 0 else (0, None)
        if step.kind == "atomic":
            after = [(step.next, end[0], _progressed(loops) if end[0] > index else loops, end[1])] if end else []
        else:
            seen = end[1] if end and step.flag else captures
            after = [(step.next, index, loops, seen)] if (end is not None) is step.flag else []
        return tuple(after), steps, None

    def _expand_reference(
        self, step: Step, start: int, end: int, state: tuple[int, tuple[int, ...], Captures]
    ) -> tuple[tuple[Key, ...], int, End]:
        index, loops, captures = state
        if end < 0 or start < 0 or end < start:
            return (), 0, None
        wanted, found = self._text[start:end], self._text[index : index + end - start]
        if wanted != found and not (step.flag and wanted.lower() == found.lower()):
            return (), len(wanted), None
        moved = _progressed(loops) if wanted else loops
        return ((step.next, index + len(wanted), moved, captures),), len(wanted), None


def _progressed(loops: tuple[int, ...]) -> tuple[int, ...]:
    """The state of the loops after a character was matched: each loop can repeat again."""
    return tuple([one & ~1 for one in loops]) if loops else loops
