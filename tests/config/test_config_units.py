"""Durations and quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written import problems

from dag_factory.config.units import quantity, seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("30s", 30), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), ("1d2h3m4s", 93_784), ("0s", 0)]
)
def test_a_duration_in_seconds(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "30", "s", "1m1h", "1.5h", "-1s", "1 h", "500ms", "1s\n", "1h1h"])
def test_is_no_duration(text: str) -> None:
    assert seconds(text) is None


@given(*[st.integers(0, 9999)] * 4)
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{days}d{hours}h{minutes}m{rest}s") == ((days * 24 + hours) * 60 + minutes) * 60 + rest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500m", "0.5"),
        ("0.5", "0.5"),
        ("2", "2"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1k", "1000"),
        ("2e3", "2000"),
    ],
)
def test_a_quantity_in_its_base_unit(text: str, expected: str) -> None:
    assert quantity(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "lots", "1 Gi", "1GB", "Gi", "1Gi1", "0x1"])
def test_is_no_quantity(text: str) -> None:
    assert quantity(text) is None


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_quantities_of_one_unit_are_ordered_by_their_numbers(first: int, second: int) -> None:
    for unit in ("m", "Ki", "Mi", "Gi", "k", "M", "G", ""):
        low, high = quantity(f"{first}{unit}"), quantity(f"{second}{unit}")
        assert low is not None
        assert high is not None
        assert (low < high) == (first < second)


@pytest.mark.parametrize("text", ["999999999999d", "100000d", "99999999999s"])
def test_a_duration_that_no_clock_can_add_is_refused(text: str) -> None:
    assert problems(f"jobs: {{a: {{timeout: {text}}}}}") == ["bad-duration 1:21 jobs.a.timeout"]
