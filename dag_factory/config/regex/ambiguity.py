"""Find loops of a regular expression that can match one text in many ways, on its position automaton.

Each position of the automaton is a character of the pattern. If two paths read the same text and return to the same
position, the number of ways doubles with each turn (exponential ambiguity). Consecutive loops that share a text make it
grow polynomially. The automaton treats counted repetitions as unbounded, and a lookahead as a path that leads nowhere.
So it has all the ways of the pattern, and perhaps more. A loop found here is only a suspect; ``slow_patterns`` verifies
it by counting.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from dag_factory.config.regex import python_parser
from dag_factory.config.regex.python_parser import OPS as ops
from dag_factory.config.regex.python_parser import Nodes

_MANY = 2  # ways; more ways make no difference
_LETTERS = "a0 -_.\n!\0~,/:@=AZzéÉ٣中\u2028😀"
_MOST_LETTERS = 200
_WORD = 200  # characters


_Pair = tuple[int, int]


class TooLarge(Exception):
    """The automaton exceeds the limit of work."""


class Pump(NamedTuple):
    """A text that leads to a loop, and a text that the loop matches."""

    prefix: str
    word: str


class _Part(NamedTuple):
    """A part of a pattern: the number of ways to match nothing, and the positions where the part begins and ends.

    ``ways`` is the product of the numbers of consecutive alternatives.
    """

    empty: int
    first: dict[int, int]
    last: dict[int, int]
    ways: int = 1


_NOTHING = _Part(1, {}, {})


class Automaton:
    """The position automaton of a pattern; position 0 is the start.

    ``work`` counts the edges that are made and visited. Raises ``TooLarge`` if they exceed ``most_work``.
    """

    def __init__(self, parsed: Nodes, most_work: int) -> None:
        self.work, self._most_work = 0, most_work
        self._characters: list[tuple[Any, Any, int]] = []
        self.follows: list[dict[int, int]] = [{}]
        whole = self._sequence(parsed, parsed.state.flags)
        self._join({0: 1}, whole.first)
        self.ways = whole.ways
        self.letters, self.masks = self._alphabet()

    def spend(self, work: int) -> None:
        self.work += work
        if self.work > self._most_work:
            raise TooLarge

    def _sequence(self, nodes: Nodes, flags: int) -> _Part:
        part = _NOTHING
        for op, argument in nodes:
            part = self._concatenate(part, self._part(op, argument, flags))
        return part

    def _concatenate(self, one: _Part, other: _Part) -> _Part:
        self._join(one.last, other.first)
        first = _merge_ways(one.first, other.first, one.empty)
        last = _merge_ways(other.last, one.last, other.empty)
        self.spend(len(first) + len(last))
        return _Part(min(one.empty * other.empty, _MANY), first, last, one.ways * other.ways)

    def _alternate(self, parts: Iterable[_Part]) -> _Part:
        empty, ways = 0, 0
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for part in parts:  # the parts have different positions
            first.update(part.first)
            last.update(part.last)
            self.spend(len(part.first) + len(part.last))
            empty, ways = min(empty + part.empty, _MANY), ways + part.ways
        return _Part(empty, first, last, max(ways, 1))

    def _part(self, op: Any, argument: Any, flags: int) -> _Part:
        self.spend(1)
        if op in python_parser.CHARACTERS:
            self._characters.append((op, argument, flags))
            self.follows.append({})
            position = {len(self._characters): 1}
            return _Part(0, position, position)
        if op is ops.BRANCH:
            return self._alternate([self._sequence(one, flags) for one in argument[1]])
        if op is ops.SUBPATTERN:
            return self._sequence(argument[3], python_parser.flags_below(flags, argument[1], argument[2]))
        if op in python_parser.REPEATS:
            least, most, body = argument
            part = self._sequence(body, flags)
            if most == 0:
                return _NOTHING
            if most > 1 or least == 0:
                self._join(part.last, part.first)
            empty = part.empty if least else min(1 + part.empty, _MANY)
            return _Part(empty, part.first, part.last, part.ways)
        if op in python_parser.LOOKS:
            inside = self._sequence(argument[1], flags)
            return _Part(1, inside.first, {}, inside.ways)
        if op is python_parser.ATOMIC:
            return self._sequence(argument, flags)
        if op is ops.GROUPREF:  # any text
            part = self._part(ops.ANY, None, flags | re.DOTALL)
            self._join(part.last, part.first)
            return part._replace(empty=1)
        if op is ops.GROUPREF_EXISTS:
            return self._alternate([self._sequence(argument[1], flags), self._sequence(argument[2] or [], flags)])
        return _NOTHING

    def _join(self, lasts: dict[int, int], firsts: dict[int, int]) -> None:
        self.spend(len(lasts) * len(firsts))
        for last, one in lasts.items():
            follows = self.follows[last]
            for first, other in firsts.items():
                follows[first] = min(follows.get(first, 0) + one * other, _MANY)

    def _alphabet(self) -> tuple[str, list[int]]:
        """Characters that represent all others, and for each position a bit mask of those that it matches."""
        named = dict.fromkeys(_LETTERS)
        for op, argument, _ in self._characters:
            named |= dict.fromkeys(_ends(op, argument))
        if len(named) > _MOST_LETTERS:
            raise TooLarge
        matchers: dict[Any, int] = {}
        kinds = [matchers.setdefault(python_parser.single(*one), len(matchers)) for one in self._characters]
        self.spend(len(named) * len(matchers) // 4)
        letters: dict[tuple[bool, ...], str] = {}
        for letter in named:
            letters.setdefault(tuple(match(letter, 0) is not None for match in matchers), letter)
        masks = [sum(1 << bit for bit, takes in enumerate(letters) if takes[kind]) for kind in range(len(matchers))]
        return "".join(letters.values()), [0, *(masks[kind] for kind in kinds)]

    def letter(self, mask: int) -> str:
        """One character of a bit mask."""
        return self.letters[(mask & -mask).bit_length() - 1]

    def components(self) -> list[list[int]]:
        """The loops: sets of positions that lead to each other, in topological order."""
        return [one for one in _components(self.follows) if len(one) > 1 or one[0] in self.follows[one[0]]]

    def paths(self, start: int) -> dict[int, tuple[int, str]]:
        """For each reachable position, the previous position and the matched character."""
        found: dict[int, tuple[int, str]] = {}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            self.spend(len(self.follows[here]))
            for there in self.follows[here]:
                if there not in found and self.masks[there]:
                    found[there] = (here, self.letter(self.masks[there]))
                    waiting.append(there)
        return found


def _merge_ways(one: dict[int, int], other: dict[int, int], times: int) -> dict[int, int]:
    if not times:
        return one
    sum_ = dict(one)
    for position, ways in other.items():
        sum_[position] = min(sum_.get(position, 0) + ways * times, _MANY)
    return sum_


def _ends(op: Any, argument: Any) -> Iterator[str]:
    """The first and last characters of a class, and their neighbors."""
    for kind, what in argument if op is ops.IN else [(op, argument)]:
        for code in what if kind is ops.RANGE else [what] if kind in (ops.LITERAL, ops.NOT_LITERAL) else ():
            yield from (chr(near) for near in (code, code - 1, code + 1) if 0 <= near < 0x110000)


def _components(follows: list[dict[int, int]]) -> list[list[int]]:
    """Strongly connected components in topological order, by Tarjan's algorithm without recursion."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: dict[int, None] = {}
    found: list[list[int]] = []
    for root in range(len(follows)):
        stack = [] if root in index else [(root, iter(follows[root]))]
        if stack:
            index[root] = low[root] = len(index)
            open_[root] = None
        while stack:
            here, rest = stack[-1]
            for there in rest:
                if there not in index:
                    index[there] = low[there] = len(index)
                    open_[there] = None
                    stack.append((there, iter(follows[there])))
                    break
                if there in open_:
                    low[here] = min(low[here], index[there])
            else:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[here])
                if low[here] == index[here]:
                    component: list[int] = []
                    while not component or component[-1] != here:
                        component.append(open_.popitem()[0])
                    found.append(component)
    return found[::-1]


def _word(paths: dict[Any, tuple[Any, str]], goal: Any, start: Any) -> str:
    """The characters along a path."""
    letters: list[str] = []
    while True:
        goal, letter = paths[goal]
        letters.append(letter)
        if goal == start or len(letters) > _WORD:
            return "".join(reversed(letters))


def exponential(automaton: Automaton, most: int) -> list[Pump]:
    """At most ``most`` loops that can match one text in two ways."""
    found: dict[Pump, None] = {}
    components = automaton.components()
    lead = automaton.paths(0) if components else {}
    for component in components:
        if component[0] not in lead:
            continue
        for start, word in _ambiguous_turns(automaton, set(component)):
            found[Pump(_word(lead, start, 0), word)] = None
            if len(found) >= most:
                return [*found]
    return [*found]


def _ambiguous_turns(automaton: Automaton, inside: set[int]) -> Iterator[tuple[int, str]]:
    """Positions of a loop, each with a text that leads back to it in two ways."""
    for here in sorted(inside):
        for there, ways in automaton.follows[here].items():
            if ways > 1 and there in inside and automaton.masks[there]:
                paths = automaton.paths(there)
                if there in paths:
                    back = _word(paths, here, there) if here != there else ""
                    yield here, automaton.letter(automaton.masks[there]) + back
    # Search pairs of positions that two paths reach with the same text, from one pair of equal positions to another.
    came: dict[_Pair, tuple[_Pair, str]] = {}
    waiting: deque[_Pair] = deque()
    for here in sorted(inside):
        for pair, letter in _pairs(automaton, inside, here, here):
            if pair[0] != pair[1] and pair not in came:
                came[pair] = ((here, here), letter)
                waiting.append(pair)
    while waiting:
        here_pair = waiting.popleft()
        for pair, letter in _pairs(automaton, inside, *here_pair):
            if pair[0] == pair[1]:
                start, word = _origin(came, here_pair, letter)
                paths = automaton.paths(pair[0])
                yield start, word + (_word(paths, start, pair[0]) if start != pair[0] else "")
            elif pair not in came:
                came[pair] = (here_pair, letter)
                waiting.append(pair)


def _pairs(automaton: Automaton, inside: set[int], one: int, other: int) -> Iterator[tuple[_Pair, str]]:
    masks = automaton.masks
    firsts = [position for position in automaton.follows[one] if position in inside]
    others = [position for position in automaton.follows[other] if position in inside]
    automaton.spend(len(firsts) * len(others))
    for first in firsts:
        for second in others:
            common = masks[first] & masks[second]
            if common:
                yield (first, second) if first <= second else (second, first), automaton.letter(common)


def _origin(
    came: dict[tuple[int, int], tuple[tuple[int, int], str]], pair: tuple[int, int], last: str
) -> tuple[int, str]:
    """The position where the two paths of a pair parted, and the text since then, ending in ``last``."""
    letters = [last]
    while pair[0] != pair[1] and len(letters) <= _WORD:
        pair, letter = came[pair]
        letters.append(letter)
    return pair[0], "".join(reversed(letters))


def loops(automaton: Automaton, most: int) -> list[Pump]:
    """Texts that loops match: each character that a loop repeats, and the shortest turn of each loop."""
    found: dict[Pump, None] = {}
    components = automaton.components()
    lead = automaton.paths(0) if components else {}
    for component in components:
        inside = [position for position in component if position in lead]
        for position in inside:
            prefix = _word(lead, position, 0)[:-1]
            if position in automaton.follows[position]:
                rest = automaton.masks[position]
                while rest and len(found) < most:
                    found[Pump(prefix, automaton.letter(rest))] = None
                    rest &= rest - 1
            elif len(found) < most:
                turn = automaton.paths(position)
                found[Pump(prefix + lead[position][1], _word(turn, position, position))] = None
    return [*found][:most]


def samples(automaton: Automaton, most: int) -> list[str]:
    """The longest of the texts that lead to each position of the pattern by the shortest path."""
    lead = automaton.paths(0)
    words = dict.fromkeys(_word(lead, position, 0) for position in lead if position)
    return sorted(words, key=len, reverse=True)[:most]


def power_of(automaton: Automaton, length: int) -> int:
    """About how many ways consecutive loops have to divide a text of a length, if no loop is exponential."""
    components = automaton.components()
    of = {position: number for number, component in enumerate(components) for position in component}
    letters = [_union(automaton.masks[position] for position in component) for component in components]
    deepest = [1] * len(components)
    for number in reversed(range(len(components))):
        for other in _shared(automaton, components[number], letters[number], of) - {number}:
            deepest[number] = max(deepest[number], deepest[other] + 1)
    degree = max(deepest, default=0)
    return math.comb(length + degree, degree)


def _shared(automaton: Automaton, component: list[int], letters: int, of: dict[int, int]) -> set[int]:
    """The loops that texts of one loop can reach, and that match such texts."""
    seen, waiting = set(component), list(component)
    while waiting:
        here = waiting.pop()
        automaton.spend(len(automaton.follows[here]))
        for there in automaton.follows[here]:
            if there not in seen and automaton.masks[there] & letters:
                seen.add(there)
                waiting.append(there)
    return {of[position] for position in seen if position in of}


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
