"""What an old release wrote is read after an upgrade: a broken pipeline keeps its DAG, and an old cache does no harm.

``fixtures/README.md`` says what the fixtures are and how they are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dag_facts import ENDS_OF_TRIES
from project import BROKEN_BEFORE, BROKEN_DAG, Checkout, check_out, with_tag

from dag_factory.config import model

FIXTURES = Path(__file__).parent / "fixtures"
RELEASES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())
DAGS = Path(__file__).parents[2] / "dags"
RENAMED = {
    '"Promptness()"': '"EagerPolling()"',
    '"Stopping()"': '"CheckWorker()"',
    '"PodGuard()"': '"LabelFlavor()", "PodGuard()"',
}
"""Callbacks with other names since 0.1.0, and a new one. Airflow stores these names in a DAG but does not use them."""
CHECKSUM = 16
"""Bytes before the data of each entry of the cache."""


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    return FIXTURES / request.param


@pytest.fixture
def checkout(release: Path, tmp_path: Path) -> Checkout:
    """The sample project as it was when the old release last ran: today's loaders, the old cache."""
    checkout = check_out(tmp_path, release / "configs", DAGS, release / "cache")
    checkout.break_file(BROKEN_BEFORE)
    return checkout


def recorded(release: Path) -> dict[str, Any]:
    """Return the facts about each DAG that the old release recorded."""
    text = (release / "facts.json").read_text()
    for old, new in RENAMED.items():
        text = text.replace(old, new)

    def without_ends(found: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if key not in ENDS_OF_TRIES}

    return json.loads(text, object_hook=without_ends)  # type: ignore[no-any-return]


def entries(release: Path) -> Iterator[Any]:
    """Yield each compiled file of the old cache as plain data, without the types of today."""
    for path in sorted((release / "cache").glob("*/*")):
        if path.is_file():
            data = msgspec.msgpack.decode(path.read_bytes()[CHECKSUM:])
            if isinstance(data, dict) and "results" in data:
                yield data


def test_broken_pipelines_keep_the_dags_that_the_old_release_built(release: Path, checkout: Checkout) -> None:
    checkout.break_all()
    dags = checkout.load()["dags"]
    expected = {dag_id: with_tag(dag) for dag_id, dag in recorded(release).items()}
    assert set(dags) == set(expected)
    for dag_id, dag in expected.items():
        assert dags[dag_id] == dag, dag_id


def test_the_worker_of_a_broken_pipeline_runs_the_pod_of_the_old_release(release: Path, checkout: Checkout) -> None:
    """A task may run after the upgrade, before the DAG processor has read any file."""
    checkout.break_all()
    for dag_id, task_id in (("growth.training", "extract"), (BROKEN_DAG, "b")):
        dags = checkout.load(task=(dag_id, task_id))["dags"]
        assert set(dags) == {dag_id}
        assert dags[dag_id]["pods"][task_id] == recorded(release)[dag_id]["pods"][task_id]


def test_without_the_old_store_broken_pipelines_have_no_dag(checkout: Checkout) -> None:
    checkout.break_all()
    assert checkout.load(cache=False)["dags"] == {}


def test_an_old_cache_changes_no_dag_and_reports_nothing(release: Path, checkout: Checkout) -> None:
    found = checkout.load()
    expected = recorded(release)
    expected[BROKEN_DAG] = with_tag(expected[BROKEN_DAG])
    assert found["dags"] == expected
    assert found["import_error"].count("unknown-key") == 1  # the file that was broken before


def test_an_old_cache_is_no_error_once_every_file_is_fixed(release: Path, checkout: Checkout) -> None:
    (checkout.home / BROKEN_BEFORE).write_bytes((release / BROKEN_BEFORE).read_bytes())
    assert checkout.load() == {"dags": recorded(release), "import_error": ""}


def test_every_stored_field_is_a_field_of_the_model(release: Path) -> None:
    """A field or a tag with another name would be dropped without a word when the record is read."""
    stored = [result["pipeline"] for one in entries(release) for result in one["results"] if result["pipeline"]]
    assert {one["id"] for one in stored} == set(recorded(release))
    for one in stored:
        read = msgspec.convert(one, model.Pipeline)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(read)) == one
