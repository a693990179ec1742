"""Whether a suggested word is certainly the word that the author meant."""

from __future__ import annotations


def is_typo(word: str, meant: str, strict: bool) -> bool:
    """Whether ``word`` is ``meant`` with a slip of the keys. Different digits are never a slip: `v1` is not `v2`.

    ``strict`` is for names that a project chooses: a letter may be missing, doubled or swapped, but not another one,
    because `cpu-small` and `gpu-small` can both be meant.
    """
    if _plain(word) == _plain(meant):
        return True
    if [char for char in word if char.isdigit()] != [char for char in meant if char.isdigit()]:
        return False
    if min(len(word), len(meant)) < 3:
        return False
    if strict:
        return (len(word) != len(meant) and _distance(word, meant) == 1) or _is_swapped(word, meant)
    return _distance(word.lower(), meant.lower()) <= (2 if len(meant) > 5 else 1)


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")


def _is_swapped(word: str, meant: str) -> bool:
    """Whether two letters next to each other are in the wrong order, and nothing else differs."""
    wrong = [index for index, (one, other) in enumerate(zip(word, meant, strict=False)) if one != other]
    return len(word) == len(meant) and len(wrong) == 2 and _distance(word, meant) == 1


def _distance(word: str, other: str) -> int:
    """The number of letters to add, remove, replace or swap."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(word, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and word[i - 2] == right:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
