from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from example_jobs import Volume
from what_if import compare, simulate

Job = Callable[..., None]
PLAN = simulate.Plan("kettle", date(2026, 6, 1), 90)
ARGS = ["--product", "kettle", "--first-day", "2026-06-01", "--days", "60", "--draws", "20"]


def test_the_same_plan_gives_the_same_numbers() -> None:
    assert simulate.simulate(PLAN, 20) == simulate.simulate(PLAN, 20)


def test_more_demand_leads_to_empty_stock() -> None:
    now = simulate.simulate(PLAN, 50)
    more = simulate.simulate(simulate.Plan("kettle", date(2026, 6, 1), 90, demand=1.5, promotion=True), 50)
    assert now["fill_rate"] > 0.98
    assert more["fill_rate"] < 0.9
    assert more["lost_margin"] > now["lost_margin"]


def test_sales_never_exceed_the_stock() -> None:
    rng = simulate.random.Random(1)
    stocks, demanded, sold = simulate.future(simulate.Plan("lamp", date(2026, 6, 1), 60, demand=4), rng)
    assert min(stocks) == 0
    assert sold < demanded


def test_a_promotion_increases_demand_only_in_the_middle_of_the_period() -> None:
    plain = simulate.expected(PLAN)
    lifted = simulate.expected(simulate.Plan("kettle", date(2026, 6, 1), 90, promotion=True))
    changed = [n for n, (a, b) in enumerate(zip(plain, lifted, strict=True)) if a != b]
    assert changed == list(range(32, 50))


@pytest.mark.parametrize("top", [1, 2, 7, 9.99, 10, 59, 61, 208, 900, 999, 12_345])
def test_a_chart_has_a_few_round_ticks(top: float) -> None:
    ticks = compare.ticks(top)
    assert ticks[0] == 0
    assert 1 <= len(ticks) <= 7


def test_the_page_shows_the_scenario_and_escapes_its_name(volume: Volume, job: Job) -> None:
    job("what_if.simulate", "baseline", *ARGS)
    job("what_if.simulate", "scenario", *ARGS, "--demand=1.4", "--promotion=True")
    assert set(volume.output()) == {"sold", "fill_rate", "empty_days", "holding_cost", "lost_margin"}
    job("what_if.compare", "--title=<b>Sale & more")
    page = Path(volume.output()["latest"]).read_text()
    assert "<h1>&lt;b&gt;Sale &amp; more</h1>" in page
    assert "demand × 1.4, with a promotion, 20 simulated futures" in page
    assert page.count("<polyline") == 2
    assert "$" not in page


@pytest.mark.usefixtures("volume")
def test_the_longest_period_of_the_form_with_the_fewest_draws(job: Job) -> None:
    for name in ("baseline", "scenario"):
        job("what_if.simulate", name, *ARGS[:4], "--days", "365", "--draws", "2")
    job("what_if.compare", "--title", "A year")


@pytest.mark.usefixtures("volume")
def test_invalid_arguments_are_rejected(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        job("what_if.simulate", "scenario", *ARGS, "--promotion", "perhaps")
    assert "must be true or false, not 'perhaps'" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="the job `baseline`"):
        job("what_if.compare", "--title", "too early")
