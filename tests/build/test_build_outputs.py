"""A job's output: a value, or an error with the file, the position and the likely cause."""

from __future__ import annotations

import json
from typing import Any

import pytest
from building import a_job, a_pipeline

from dag_factory.build.worker import outputs
from dag_factory.build.worker.outputs import OutputError, check_exists, check_items, check_size, parse
from dag_factory.config import model


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ('{"a": [1, 1.5, true, null, "Ü"]}', {"a": [1, 1.5, True, None, "Ü"]}),
        ("\ufeff{}", {}),  # some editors and libraries write a byte order mark
        ('"\\ud83d\\ude00"', "😀"),
        ('{"at": "__id__"}', {"at": "__id__"}),
        (str(2**64 - 1), 2**64 - 1),
    ],
)
def test_values(text: str, value: object) -> None:
    assert parse(text.encode()) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{'a': 1}", "line 1, column 2: .* (a Python value? write json.dump"),
        (b'{"a": True}', "line 1, column 7: .* (a Python value? write json.dump"),
        (b"None", "line 1, column 1: .* (a Python value?"),
        (b'{"a": 1}\n{"a": 2}\n', "line 2, column 1: extra data (several values? write them as one list)"),
        (b"[1,\n2,]", "line 2, column 3: .* (a comma after the last item?)"),
        (b'{"a": ', "line 1, column 7: .* (incomplete?"),
        (b"done", "line 1, column 1: .* (plain text?"),
        (b'{\n"a": "\xc3\x9c\xff"}', "is not UTF-8: line 2, column 8: byte 0xff"),
        (b'{"m": [{"loss": NaN}]}', "`m[0].loss` is NaN, which is not valid JSON"),
        (b'{"m": {"loss": -1e999}}', "`m.loss` is -Infinity, which is not valid JSON"),
        (b"Infinity", "the value is Infinity"),
        (b'{"a": 123456789012345678901234567890}', "`a` is an integer of more than 64 bits"),
        (b"9" * 5000, "an integer with more than 4,300 digits"),
        (b'["\\ud800"]', "`[0]` is text with an unpaired surrogate"),
        (b'{"\\ud800": 1}', "`\\ud800` is text with an unpaired surrogate"),
        (b'[{"__classname__": {}}]', "Airflow reserves the key `__classname__`"),
        (b"[" * 300 + b"]" * 300, "is nested too deeply"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_an_unreadable_output_is_explained(data: bytes, message: str) -> None:
    with pytest.raises(OutputError) as failure:
        parse(data)
    before, _, after = message.partition(".*")
    assert str(failure.value).startswith("/airflow/xcom/return.json ")
    assert before in str(failure.value)
    assert after in str(failure.value)


def test_a_valid_output_can_be_stored() -> None:
    from airflow.sdk.execution_time.comms import SetXCom
    from airflow.sdk.serde import serialize

    deep: Any = "x"
    for _ in range(250):
        deep = [deep]
    for text in (json.dumps(deep), str(2**64 - 1), str(-(2**63)), '"\\u0000"'):
        try:
            value = parse(text.encode())
        except OutputError:
            continue
        SetXCom(key="k", value=serialize(value), dag_id="d", run_id="r", task_id="t")


@pytest.mark.parametrize(
    ("value", "is_what"),
    [
        ({"a": 1, "b": 2}, "a map of 2 keys"),
        ({"a": 1}, "a map of 1 key"),
        ("a", "text"),
        (5, "a number"),
        (True, "true or false"),
        (None, "null"),
    ],
)
def test_only_a_list_can_be_run_over(value: object, is_what: str) -> None:
    with pytest.raises(OutputError) as failure:
        check_items(value, ["each"], 1024)
    assert str(failure.value) == f"`each` runs once per item of this output, so it must be a list; it is {is_what}"
    check_items(value, [], 1024)


def test_a_list_of_too_many_items() -> None:
    check_items(list(range(1024)), ["each"], 1024)
    with pytest.raises(
        OutputError, match=r"the list has 1,100 items; at most 1,024 are allowed \(let each mapped task process"
    ):
        check_items(list(range(1100)), ["each", "other"], 1024)


def test_a_missing_output_that_jobs_run_over() -> None:
    check_exists([])
    with pytest.raises(
        OutputError, match=r"`each` runs once per .* this job wrote no output: .*return\.json is missing"
    ):
        check_exists(["each"])


def test_too_large() -> None:
    check_size(outputs.LIMIT)
    with pytest.raises(OutputError, match=r"return\.json is larger than 32 MiB, .* \(write the data to a volume"):
        check_size(outputs.LIMIT + 1)


@pytest.mark.parametrize("only_task", [None, "list"], ids=["all jobs", "as a worker builds it"])
def test_the_operator_knows_the_jobs_that_run_over_its_output(only_task: str | None) -> None:
    from dag_factory.build.dag.build_dag import build_dag
    from dag_factory.build.worker.job_output import runners

    over = model.ForEach(variable="ITEM", output="list")
    jobs = [a_job(name, for_each=over, depends_on=("list",)) for name in ("one", "two")]
    pipeline = a_pipeline(a_job("list", output=True), *jobs, a_job("reads", depends_on=("list",)))
    assert runners(build_dag(pipeline, only_task=only_task).task_dict["list"]) == ("one", "two")
