from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from example_jobs import Volume
from orders import clean, extract, freshness, retention, store

Job = Callable[..., None]
DAY = "2026-03-02"


def load_day(job: Job, damaged: str = "none") -> None:
    """Run all jobs before the check. A country whose `clean` job fails is left out, as by the trigger rule."""
    job("orders.extract", "--day", DAY, "--orders", "400", "--damaged", damaged)
    job("orders.split")
    for country in clean.FORMATS:
        if country == damaged:
            with pytest.raises(SystemExit, match="the export is broken"):
                job("orders.clean", country)
        else:
            job("orders.clean", country)
    job("orders.load", "--day", DAY)


@pytest.mark.parametrize(
    ("text", "country", "cents"),
    [
        ("1.234,50 €", "de", 123450),
        ("34,90 €", "de", 3490),
        ("1 234,50 EUR", "fr", 123450),
        ("£1,000.00", "uk", 115000),
        ("12", "de", 1200),
    ],
)
def test_prices_are_parsed_in_the_format_of_the_country(text: str, country: str, cents: int) -> None:
    assert clean.cents(text, clean.FORMATS[country]) == cents


@pytest.mark.parametrize("text", ["n/a", "", "1,2,3", "12,5"])
def test_an_invalid_price_is_a_fault(text: str) -> None:
    with pytest.raises(clean.Unreadable, match="price"):
        clean.cents(text, clean.FORMATS["de"])


def test_a_day_always_has_the_same_export() -> None:
    day = date.fromisoformat(DAY)
    assert extract.export(day, 300) == extract.export(day, 300)
    assert extract.export(day, 300) != extract.export(date(2026, 3, 3), 300)


def test_every_row_is_loaded_bad_or_a_duplicate(volume: Volume, job: Job) -> None:
    load_day(job)
    raw = len((volume.run / "raw.csv").read_text().splitlines()) - 1
    bad = sum(len(path.read_text().splitlines()) - 1 for path in volume.run.glob("bad-*.csv"))
    loaded = volume.output()
    assert loaded["missing"] == []
    duplicates = raw - bad - loaded["rows"]
    assert 0 < duplicates < 20
    assert bad > 0


def test_a_good_day_is_published_and_has_a_summary(volume: Volume, job: Job) -> None:
    load_day(job)
    job("orders.check", "--day", DAY, "--most-bad", "0.1")
    job("orders.publish", "--day", DAY)
    published = volume.output()
    assert Path(published["file"]).read_text().startswith("day,country,product,orders,pieces,euros\n")
    assert published["euros"] > 0
    job("orders.summary", "--day", DAY)
    assert volume.output()["checks"] == "good"


def test_a_broken_export_affects_only_its_country(volume: Volume, job: Job) -> None:
    load_day(job, damaged="fr")
    assert volume.output()["missing"] == ["fr"]
    with pytest.raises(SystemExit) as exit_info:
        job("orders.check", "--day", DAY)
    assert exit_info.value.code == 3
    job("orders.summary", "--day", DAY)
    assert volume.output()["checks"] == "bad"
    assert "**bad**: every country has orders (missing: fr)" in (volume.data / "summary.md").read_text()


def test_loading_a_day_again_replaces_it(volume: Volume, job: Job) -> None:
    load_day(job)
    rows = volume.output()["rows"]
    load_day(job)
    with store.opened() as connection:
        assert connection.execute("select count(*) from orders").fetchone()[0] == rows


def test_a_failed_retry_removes_the_clean_file_of_the_first_try(volume: Volume, job: Job) -> None:
    load_day(job)
    load_day(job, damaged="uk")
    assert volume.output()["missing"] == ["uk"]


@pytest.mark.usefixtures("volume")
def test_a_job_without_its_input_names_the_job_that_writes_it(job: Job) -> None:
    with pytest.raises(SystemExit, match="the job `extract` of run a run/2026"):
        job("orders.split")
    with pytest.raises(SystemExit, match="nothing to load"):
        job("orders.load", "--day", DAY)


def test_a_table_without_orders_is_not_late(volume: Volume, job: Job) -> None:
    job("orders.freshness", "--today", DAY)
    assert volume.output() == {"latest": None, "age_days": None, "missing": []}


def test_old_orders_exit_with_the_code_for_a_retry(volume: Volume, job: Job) -> None:
    load_day(job)
    job("orders.freshness", "--today", "2026-03-05", "--most-days-old", "3")
    assert volume.output()["missing"] == ["2026-03-03", "2026-03-04", "2026-03-05"]
    with pytest.raises(SystemExit) as exit_info:
        job("orders.freshness", "--today", "2026-03-06", "--most-days-old", "3")
    assert exit_info.value.code == os.EX_TEMPFAIL


def test_days_before_the_first_order_are_not_missing() -> None:
    loaded = {date(2026, 3, 2), date(2026, 3, 4)}
    assert freshness.missing_days(loaded, date(2026, 3, 5), 30) == [date(2026, 3, 3), date(2026, 3, 5)]
    assert freshness.missing_days(loaded, date(2026, 3, 5), 1) == [date(2026, 3, 5)]


def test_retention_removes_only_old_runs(volume: Volume, job: Job, tmp_path: Path) -> None:
    old, new, outside = volume.data / "runs" / "old", volume.data / "runs" / "new", tmp_path / "outside"
    for folder in (old, new, outside):
        folder.mkdir(parents=True)
        (folder / "raw.csv").write_text("x" * 10)
    (volume.data / "runs" / "link").symlink_to(outside)
    for folder in (old, outside):
        os.utime(folder, (1_767_225_600, 1_767_225_600))  # 2026-01-01
    today = retention.modified_on(new)
    job("orders.retention", "--today", str(today), "--dry-run")
    assert old.is_dir()
    job("orders.retention", "--today", str(today))
    assert volume.output() == {"removed": 1, "found": 1, "bytes": 10}
    assert not old.exists()
    assert new.is_dir()
    assert outside.is_dir()


@pytest.mark.usefixtures("volume")
def test_a_job_runs_without_an_output_folder(job: Job, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUTPUT_PATH", str(tmp_path / "nowhere" / "return.json"))
    job("orders.freshness", "--today", DAY)
    assert not (tmp_path / "nowhere").exists()
