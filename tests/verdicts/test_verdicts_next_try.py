"""What follows a failed try: entries of the rule, larger flavors, tries that use no retry, delays."""

from __future__ import annotations

import msgspec
import pytest

from dag_factory.config.model import Flavor, LargerFlavor, Outcome, Retries
from dag_factory.verdicts.history import History, TryRecord, add_try, read_history
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.next_try import MOST_RESCHEDULES, NextTry, choose_next_try, verdict_line
from dag_factory.verdicts.verdict import Verdict, make_verdict

RULE = Retries(
    count=3,
    delay=30,
    rule="transient",
    on=(
        Outcome(reasons=("OOMKilled",), then="next_flavor"),
        Outcome(reasons=("Evicted", "PreemptionByScheduler"), then="retry", delay=15),
        Outcome(reasons=("ImagePullBackOff", "InvalidImageName"), then="fail"),
        Outcome(exit_codes=(64, 65), then="fail"),
        Outcome(exit_codes=(75,), then="retry", delay=600),
    ),
)
MEDIUM = LargerFlavor(flavor=Flavor(name="cpu-medium", limits={"cpu": "4", "memory": "16Gi"}))
LARGE = LargerFlavor(flavor=Flavor(name="cpu-large", limits={"cpu": "16", "memory": "64Gi"}))
NEW = History(max_tries=3)


def failure(
    kind: Kind, *reasons: str, code: int | None = None, container: str = "base", final: bool = False
) -> Verdict:
    return make_verdict(
        kind, "it failed", [], reasons=reasons, exit_code=code, container=container, advice="do it", is_final=final
    )


OOM = failure("out-of-memory", "OOMKilled", code=137)
EVICTED = failure("evicted", "Evicted", code=143, container="")


def choose(verdict: Verdict, rule: Retries = RULE, history: History = NEW, left: int = 3, because: str = "") -> NextTry:
    return choose_next_try(verdict, rule, history, left, larger=(MEDIUM, LARGE), largest_because=because)


def test_out_of_memory_uses_the_next_flavor() -> None:
    found = choose(OOM)
    assert found == NextTry(
        action="retry",
        delay=30,
        flavor="cpu-medium",
        sentence="Next try: cpu-medium (4 CPU, 16Gi) in 30 s (rule transient, entry 1)",
    )
    assert verdict_line(OOM, found) == f"it failed. {found.sentence}."  # no advice to do what is done already


def test_each_out_of_memory_climbs_once_and_the_last_flavor_is_kept() -> None:
    history, flavors = NEW, []
    for left in (3, 2, 1):
        found = choose(OOM, history=history, left=left, because="cpu-huge exceeds the maximum")
        history = add_try(history, TryRecord(number=1, flavor="x"), flavor=found.flavor)
        flavors.append(history.flavor)
    assert flavors == ["cpu-medium", "cpu-large", "cpu-large"]
    assert found.sentence == (
        "Next try: cpu-large (16 CPU, 64Gi) again in 30 s"
        " (rule transient, entry 1; no larger flavor: cpu-huge exceeds the maximum)"
    )


def test_an_eviction_after_a_climb_keeps_the_flavor_and_uses_no_retry() -> None:
    history = add_try(NEW, TryRecord(number=1, flavor="cpu-small"), flavor=choose(OOM).flavor)
    found = choose(EVICTED, history=history, left=2)
    assert (found.action, found.flavor, found.delay) == ("reschedule", "", 15)
    assert found.sentence == (
        "Next try: cpu-medium (4 CPU, 16Gi) again in 15 s, without using a retry (rule transient, entry 2)"
    )
    history = add_try(history, TryRecord(number=2, flavor="cpu-medium"), rescheduled=True)
    assert (history.flavor, history.reschedules, len(history.tries)) == ("cpu-medium", 1, 2)
    assert choose(OOM, history=history, left=2).flavor == "cpu-large"


@pytest.mark.parametrize("container", ["model-download", "proxy"])
def test_a_larger_flavor_does_not_help_another_container(container: str) -> None:
    found = choose(failure("out-of-memory", "OOMKilled", code=137, container=container))
    assert (found.action, found.flavor) == ("retry", "")
    assert f"it would not change the container `{container}`" in found.sentence


def test_next_flavor_after_something_else_is_an_ordinary_retry() -> None:
    rule = Retries(count=1, delay=1, on=(Outcome(exit_codes=(137,), then="next_flavor"),))
    killed = choose(failure("exit-code", "Error", code=137), rule)
    assert killed == NextTry(
        action="retry",
        delay=1,
        sentence="Next try in 1 s (entry 1; no larger flavor, because memory was not the reason)",
    )
    assert choose(OOM, rule).flavor == "cpu-medium"  # the exit code of a container that was killed for its memory


def test_no_larger_flavor_is_defined() -> None:
    assert choose_next_try(OOM, RULE, NEW, 3).sentence == (
        "Next try in 30 s (rule transient, entry 1; no larger flavor is defined)"
    )


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (failure("exit-code", "Error", code=64), "No further try (rule transient, entry 4)"),
        (failure("image-not-found", "ErrImagePull", "ImagePullBackOff"), "No further try (rule transient, entry 3)"),
    ],
)
def test_fail_ends_the_task_although_retries_are_left(verdict: Verdict, sentence: str) -> None:
    assert choose(verdict) == NextTry(action="fail", sentence=sentence)
    assert verdict_line(verdict, choose(verdict)) == f"it failed. Do it. {sentence}."


def test_the_exit_code_of_another_container_does_not_match() -> None:
    assert choose(failure("exit-code", "Error", code=64, container="init")).action == "retry"


def test_the_first_entry_that_matches_applies() -> None:
    rule = Retries(count=3, on=(Outcome(reasons=("Error",), then="fail"), Outcome(exit_codes=(75,), then="retry")))
    assert choose(failure("exit-code", "Error", code=75), rule).sentence == "No further try (entry 1)"


def test_a_failure_that_no_entry_matches_is_repeated() -> None:
    verdict = failure("exit-code", "Error", code=1)
    assert choose(verdict) == NextTry(action="retry", delay=30, sentence="Next try in 30 s (rule transient)")
    assert choose(verdict, Retries(count=2)).sentence == "Next try in 5 min"
    assert choose(failure("exit-code", "Error", code=75)).sentence == "Next try in 10 min (rule transient, entry 5)"


def test_a_failure_that_no_try_can_heal_is_not_repeated() -> None:
    missing = failure("config", "CreateContainerConfigError", final=True)
    found = choose(missing)
    assert found == NextTry(action="fail", sentence="No further try, because it would fail in the same way")
    asked = Retries(count=3, on=(Outcome(reasons=("CreateContainerConfigError",), then="retry", delay=60),))
    assert choose(missing, asked).sentence == "Next try in 1 min (entry 1)"


@pytest.mark.parametrize("kind", ["evicted", "preempted", "node-lost", "quota"])
def test_a_failure_of_the_cluster_uses_no_retry_until_a_bound(kind: Kind) -> None:
    verdict = failure(kind, container="")
    none_left = choose(verdict, Retries(), left=0)
    assert (none_left.action, none_left.delay) == ("reschedule", 30)
    assert none_left.sentence == "Next try in 30 s, without using a retry"
    often = History(max_tries=3, reschedules=MOST_RESCHEDULES)
    assert choose(verdict, history=often).sentence == (
        "Next try in 30 s (rule transient; after 10 tries that used no retry)"
    )
    assert choose(verdict, Retries(), often, 0) == NextTry(
        action="fail", sentence="No further try: the job has no retries, after 10 tries that used no retry"
    )


def test_a_rule_can_end_the_task_after_an_eviction() -> None:
    rule = Retries(count=3, on=(Outcome(reasons=("Evicted",), then="fail"),))
    assert choose(EVICTED, rule).action == "fail"


def test_no_retries_are_left() -> None:
    assert choose(OOM, left=0).sentence == "No further try: all 3 retries are used"
    assert choose(failure("exit-code", code=1), Retries(count=1), left=0).sentence == (
        "No further try: the only retry is used"
    )
    without = Retries(rule="transient", on=RULE.on)
    assert choose(OOM, without, left=0).sentence == (
        "No further try: the job has no retries, and a larger flavor needs one"
    )


def test_the_delay_doubles_with_backoff() -> None:
    rule = Retries(count=4, delay=30, backoff="exponential", max_delay=100)
    failed = failure("exit-code", code=1)
    assert [choose(failed, rule, left=left).delay for left in (4, 3, 2, 1)] == [30, 60, 100, 100]
    assert choose(failed, Retries(count=100, delay=30, backoff="exponential"), left=1).delay == 24 * 60 * 60


def test_the_delay_of_tries_that_use_no_retry_doubles() -> None:
    delays = [choose(EVICTED, Retries(), History(max_tries=0, reschedules=done), 0).delay for done in range(7)]
    assert delays == [30, 60, 120, 240, 480, 600, 600]
    assert choose(EVICTED, Retries(delay=3600), left=0).delay == 3600


def test_a_try_is_not_repeated_before_airflow_knows_its_end() -> None:
    soon = Retries(on=(Outcome(reasons=("Evicted",), then="retry", delay=1),))
    assert choose(EVICTED, soon, left=0).delay == choose(EVICTED, Retries(delay=0), left=0).delay == 10


def test_a_cleared_task_starts_at_its_own_flavor() -> None:
    raised = add_try(NEW, TryRecord(number=1, flavor="cpu-small", kind="out-of-memory"), flavor="cpu-medium")
    stored = msgspec.to_builtins(raised)
    assert read_history(stored, 3) == raised
    assert read_history(stored, 4) == History(max_tries=4)
    assert read_history(None, 3) == read_history({"tries": 1}, 3) == NEW


def test_the_number_of_records_is_bounded() -> None:
    history = NEW
    for number in range(100):
        history = add_try(history, TryRecord(number=number, flavor="x"))
    assert (len(history.tries), history.tries[-1].number) == (30, 99)
