"""What one file may cost: counted, and where nobody has counted, interrupted."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from dag_factory.config.budget import OutOfTime, within


def forever() -> None:
    """A regular expression that would take longer than anybody lives."""
    re.search("^(a+)+$", "a" * 60 + "!")


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_what_takes_too_long_is_interrupted() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, forever)


def test_what_is_quick_enough_is_left_alone_and_so_is_what_comes_after() -> None:
    assert within(0.05, lambda: "done") == "done"
    busy(0.2)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_no_handler_of_faults_swallows_it() -> None:
    def careless() -> None:
        try:
            forever()
        except Exception:
            pytest.fail("taken for a fault")

    with pytest.raises(OutOfTime):
        within(0.05, careless)


def test_one_that_is_lost_comes_again() -> None:
    def losing() -> None:
        try:
            forever()
        except BaseException:
            forever()

    with pytest.raises(OutOfTime):
        within(0.05, losing)


def test_of_two_bounds_the_nearer_holds() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, lambda: within(60, forever))

    def after_another() -> float:
        with pytest.raises(OutOfTime):
            within(0.05, forever)
        return signal.getitimer(signal.ITIMER_PROF)[0]

    assert 50 < within(60, after_another) < 60


def test_the_time_of_an_inner_bound_counts_for_the_outer() -> None:
    def many() -> None:
        for _ in range(100):
            within(60, lambda: busy(0.02))

    with pytest.raises(OutOfTime):
        within(0.2, many)


def test_where_the_outer_bound_is_over_no_inner_one_takes_it_for_its_own() -> None:
    def careless() -> None:
        try:
            within(60, forever)
        except OutOfTime:
            pytest.fail("it was not the inner one")

    with pytest.raises(OutOfTime):
        within(0.05, careless)


def test_many_short_inner_bounds_do_not_put_the_outer_off() -> None:
    def many() -> None:
        end = time.process_time() + 10
        while time.process_time() < end:
            within(60, lambda: busy(0.001))

    began = time.process_time()
    with pytest.raises(OutOfTime):
        within(0.3, many)
    assert time.process_time() - began < 9  # of the ten that the work would take


def test_a_fault_of_the_work_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 / 0)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_the_handler_that_was_there_before_is_there_again() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGPROF, lambda number, _: seen.append(number))
    try:
        within(60, lambda: None)
        signal.raise_signal(signal.SIGPROF)
        assert seen == [signal.SIGPROF]
    finally:
        signal.signal(signal.SIGPROF, before)


def test_in_another_thread_nothing_is_interrupted_and_nothing_fails() -> None:
    done: list[bool] = []

    def work() -> None:
        busy(0.1)
        done.append(True)

    thread = threading.Thread(target=lambda: within(0.01, work))
    thread.start()
    thread.join()
    assert done
