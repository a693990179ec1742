"""Assets: schedules that wait for them, and jobs that read and write them."""

from __future__ import annotations

import pytest
from written import Written, built, job, problems, said

from dag_factory.config.model import AllOf, AnyOf, Asset, Assets, Manual

ORDERS, PRICES, RATES = Asset(name="s3://sales/orders"), Asset(name="prices"), Asset(name="rates")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("prices", PRICES),
        ("[s3://sales/orders]", AllOf(of=(ORDERS,))),
        ("[s3://sales/orders, prices]", AllOf(of=(ORDERS, PRICES))),
        ("{any: [prices, rates]}", AnyOf(of=(PRICES, RATES))),
        ("{all: [prices, rates]}", AllOf(of=(PRICES, RATES))),
        ("[s3://sales/orders, {any: [prices, rates]}]", AllOf(of=(ORDERS, AnyOf(of=(PRICES, RATES))))),
        ("{any: [prices, {all: [rates, prices]}]}", AnyOf(of=(PRICES, AllOf(of=(RATES, PRICES))))),
        ("[{name: orders, uri: s3://sales/orders}]", AllOf(of=(Asset(name="orders", uri="s3://sales/orders"),))),
        ("['${{ vars.registry }}-orders']", AllOf(of=(Asset(name="acme-orders"),))),
    ],
)
def test_a_schedule_of_assets(text: str, rule: object) -> None:
    assert built(f"schedule: {{assets: {text}}}\njobs: {{a: }}").schedule == Assets(rule=rule)  # type: ignore[arg-type]


def test_a_schedule_of_times_and_assets() -> None:
    one = built('schedule: {assets: [prices], cron: "0 3 * * *"}\njobs: {a: }').schedule
    assert one == Assets(rule=AllOf(of=(PRICES,)), cron=("0 3 * * *",))
    two = built('schedule: {assets: prices, cron: ["0 3 * * *", "0 4 * * *"]}\njobs: {a: }').schedule
    assert two == Assets(rule=PRICES, cron=("0 3 * * *", "0 4 * * *"))


def test_an_overlay_replaces_the_whole_schedule() -> None:
    text = """
        schedule: {assets: [prices], cron: "0 3 * * *"}
        jobs: {a: }
        environments: {dev: {schedule: {assets: {any: [rates]}}}}
    """
    assert built(text).schedule == Assets(rule=AnyOf(of=(RATES,)))


def test_manual_schedules_ignore_assets() -> None:
    environments = {"dev": "version: 1\nschedules: manual\n"}
    assert Written("schedule: {assets: [prices]}\njobs: {a: }", environments=environments).built().schedule == Manual()


def test_what_a_job_reads_and_writes() -> None:
    text = "jobs: {a: {inlets: [prices], outlets: [s3://sales/orders, {name: x, uri: s3://x/y}]}}"
    assert job(text).inlets == (PRICES,)
    assert job(text).outlets == (ORDERS, Asset(name="x", uri="s3://x/y"))


def test_lists_of_all_layers_join() -> None:
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, outlets: [prices, rates]}\n"
    assert job("jobs: {a: {outlets: [rates, s3://sales/orders]}}", head=head).outlets == (PRICES, RATES, ORDERS)


@pytest.mark.parametrize(
    ("asset", "words"),
    [
        ("self", "Airflow reserves it"),
        ("'  '", "the name of an asset must not be empty"),
        ("airflow://x", "reserved for Airflow"),
        ("'s3://[sales/orders'", "is not a valid URI"),
        ("postgres://me:secret@host/a/b/c", "the URI of an asset contains a password"),
    ],
)
def test_an_asset_that_airflow_rejects(asset: str, words: str) -> None:
    text = f"schedule: {{assets: [{asset}]}}\njobs: {{a: {{outlets: [{asset}]}}}}"
    assert problems(text) == ["bad-asset 1:21 schedule.assets[0]", "bad-asset 2:22 jobs.a.outlets[0]"]
    assert words in said(text)
    assert "me:secret" not in said(text)


SPELLINGS = [
    ("s3://sales/orders/", "s3://sales/orders"),
    ("S3://sales/orders", "s3://sales/orders"),
    ("s3://sales", "s3://sales/"),
    ("s3://sales/orders?b=1&a=2", "s3://sales/orders?a=2&b=1"),
    ("s3://sales/orders#today", "s3://sales/orders"),
    ("postgresql://db/shop//orders", "postgres://db:5432/shop/default/orders"),
    ("mariadb://db:/shop/orders/", "mysql://db:3306/shop/orders"),
    ("x-mine://A/b/", "x-mine://A/b/"),
    ("orders/", "orders/"),
]


@pytest.mark.parametrize(("written", "stored"), SPELLINGS)
def test_an_asset_has_the_spelling_that_airflow_stores(written: str, stored: str) -> None:
    text = f"schedule: {{assets: ['{written}']}}\njobs: {{a: {{inlets: ['{written}']}}}}"
    assert problems(text) == []
    assert built(text).schedule == Assets(rule=AllOf(of=(Asset(name=stored),)))
    assert built(text).jobs[0].inlets == (Asset(name=stored),)
    assert job(f"jobs: {{a: {{inlets: [{{name: x, uri: '{written}'}}]}}}}").inlets == (Asset(name="x", uri=stored),)


def test_two_spellings_of_a_uri_are_one_asset() -> None:
    both = "[s3://sales/orders/, s3://sales/orders, {name: s3://sales/orders/, uri: s3://sales/orders/}]"
    one = job(f"jobs: {{a: {{outlets: {both}}}}}").outlets
    assert one == (ORDERS,)
    assert conflicts("jobs: {a: {outlets: [s3://a/b/]}}", "schedule: {assets: [S3://a/b]}\njobs: {a: }") == []


@pytest.mark.parametrize(
    ("asset", "lacks"), [("s3:///orders", "a bucket"), ("postgres://db/orders", "database, schema and table")]
)
def test_a_uri_that_the_provider_of_its_scheme_rejects_is_a_warning(asset: str, lacks: str) -> None:
    (problem,) = Written(f"jobs: {{a: {{outlets: ['{asset}']}}}}").compiled().problems
    assert (problem.code, problem.severity) == ("bad-asset", "warning")
    assert lacks in problem.message


@pytest.mark.parametrize("asset", ["x-mine://A/b/", "file:///data/x", "churn model", "a/b", "s3://sales/orders?a=1"])
def test_an_asset_that_stays_unchanged(asset: str) -> None:
    assert problems(f"jobs: {{a: {{outlets: ['{asset}']}}}}") == []


def test_a_date_in_a_run_that_an_asset_starts() -> None:
    text = """
        schedule: {assets: [prices]}
        jobs:
          a:
            command: [a, "{{ data_interval_start }}"]
            args: ["{{ run_date }} {{ ds }}"]
    """
    assert problems(text) == ["dateless-run 4:18 jobs.a.command[1]"]
    assert "run_date" in said(text)
    assert Written(text).compiled().problems[0].severity == "warning"
    assert Written(text).compiled().pipelines
    assert problems(text.replace("{assets: [prices]}", '"@daily"')) == []


def test_a_required_param_in_a_run_that_an_asset_starts() -> None:
    assert problems("schedule: {assets: [prices]}\nparams: {day: {type: string}}\njobs: {a: }") == [
        "required-param 2:10 params.day"
    ]


def test_an_invalid_cron_with_assets() -> None:
    assert problems('schedule: {assets: [prices], cron: "0 25 * * *"}\njobs: {a: }') == ["bad-cron 1:36 schedule.cron"]


def conflicts(*pipelines: str) -> list[tuple[str, str]]:
    """The conflicts of assets between files: positions and messages."""
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small}\n"
    found = Written("jobs: {a: }", files={f"pipelines/{i}.yaml": head + text for i, text in enumerate(pipelines)})
    reported = found.compiled().problems
    assert [(problem.code, problem.severity) for problem in reported] == [("asset-conflict", "warning")] * len(reported)
    assert reported == found.surveyed().problems
    return [(problem.location.removeprefix("configs/pipelines/"), problem.message) for problem in reported]


ORDERS_OF_SALES = "jobs: {a: {outlets: [{name: orders, uri: s3://sales/orders}]}}\n"


def test_two_files_with_the_same_asset() -> None:
    assert (
        conflicts(ORDERS_OF_SALES, "schedule: {assets: [{name: orders, uri: s3://sales/orders}]}\njobs: {a: }\n") == []
    )


def test_a_name_with_two_uris_is_reported_at_the_second() -> None:
    waiting = "schedule: {assets: {any: [prices, orders]}}\njobs: {a: }\n"
    message = "the asset `orders` has the URI `orders` here, but `s3://sales/orders` in configs/pipelines/0.yaml:3:22"
    assert conflicts(ORDERS_OF_SALES, waiting, waiting) == [("1.yaml:3:35", message), ("2.yaml:3:35", message)]


def test_a_uri_with_two_names_is_reported_at_the_second() -> None:
    text = "jobs:\n  a: {inlets: [s3://sales/orders]}\n"
    first = "configs/pipelines/0.yaml:3:22"
    message = f"the URI `s3://sales/orders` is the asset `s3://sales/orders` here, but `orders` in {first}"
    assert conflicts(ORDERS_OF_SALES, text) == [("1.yaml:4:16", message)]


def test_a_conflict_within_one_file_is_reported() -> None:
    text = "jobs:\n  a: {outlets: [orders]}\n  b: {matrix: {x: [1, 2]}, inlets: [{name: orders, uri: s3://sales/orders}]}\n"
    ((place, _),) = conflicts(text)
    assert place == "0.yaml:5:37"


def test_the_conflicts_of_a_file_are_limited() -> None:
    text = "jobs:\n" + "".join(f"  a{i}: {{outlets: [{{name: x, uri: s3://a/{i}}}]}}\n" for i in range(80))
    assert len(conflicts(text)) == 50
