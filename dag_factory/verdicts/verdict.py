"""The verdict on one try: why it failed, in one sentence, with the evidence."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dag_factory.verdicts.evidence.json_values import one_line
from dag_factory.verdicts.kinds import KINDS, Kind

LONGEST_SENTENCE = 700


class Fact(msgspec.Struct, frozen=True):
    """A piece of evidence, and where it was found (``pod.status.containerStatuses[0].state.terminated``)."""

    text: str
    source: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Why a try failed.

    ``sentence``: one line in lower case, without a final period. ``advice``: one imperative clause.
    ``reasons`` and ``exit_code``: what a retry rule can match. Kubernetes reports some failures under several reasons
    (``ErrImagePull`` and ``ImagePullBackOff`` alternate), so a rule matches if it names one of them.
    ``container``: the container that decided, or an empty string.
    ``uses_retry``: whether the next try counts against the job's own retries.
    ``is_final``: whether each further try fails in the same way until somebody changes something.
    """

    kind: Kind
    sentence: str
    advice: str
    facts: tuple[Fact, ...] = ()
    reasons: tuple[str, ...] = ()
    exit_code: int | None = None
    container: str = ""
    uses_retry: bool = True
    is_final: bool = False

    @property
    def reason(self) -> str:
        """The reason that decided, or an empty string."""
        return self.reasons[0] if self.reasons else ""


def make_verdict(
    kind: Kind,
    sentence: str,
    facts: Iterable[Fact],
    *,
    advice: str = "",
    reasons: Iterable[str] = (),
    exit_code: int | None = None,
    container: str = "",
    is_final: bool = False,
    uses_retry: bool | None = None,
) -> Verdict:
    """Complete a verdict from the table of kinds. A final failure always uses a retry: to wait for it is useless."""
    info = KINDS[kind]
    counts = info.uses_retry if uses_retry is None else uses_retry
    return Verdict(
        kind=kind,
        sentence=one_line(sentence, LONGEST_SENTENCE),
        advice=advice or info.advice,
        facts=tuple(Fact(one_line(fact.text, LONGEST_SENTENCE), fact.source) for fact in facts),
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        exit_code=exit_code,
        container=container,
        uses_retry=counts or is_final,
        is_final=is_final,
    )
