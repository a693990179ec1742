"""``sql@v1``: PostgreSQL and SQLite, bound parameters, rows as output, and error messages."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from live import Live
from running import compile_job, failure_of, problems_of, run_in_pod, run_process

from dag_factory import cluster

POSTGRES = {"secret": "database/url"}
EVERY_KIND = """
-- a comment; with :no_parameter and a % sign
create table if not exists orders (id int, amount numeric(9, 2), day date, note text);
insert into orders values (:id, 12.50, :day, :note), (2, 3, :day, 'it''s; 100% :plain');
/* the rows; */
select id, amount, day, note, $tag$ ; :x $tag$ as quoted, null as nothing, '{"a": [1]}'::json as document,
    array[1.5, 2] as list, interval '90 seconds' as took, :some as some, :ids::jsonb -> 1 as second
from orders where day = cast(:day as date) order by id
"""


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("image", ["psycopg:1", "psycopg2:1"])
def test_rows_from_postgresql_with_both_drivers(live: Live, image: str) -> None:
    nasty = "x'; drop table orders; -- $(SQL_URL) %s :id \\ \""
    day = {"psycopg:1": "2026-01-31", "psycopg2:1": "2026-02-01"}[image]
    parameters = {
        "id": 1,
        "day": day,
        "note": "{{ output('extract').said }}",
        "some": None if image == "psycopg2:1" else "t",
        "ids": "{{ output('extract').ids | tojson }}",
    }
    job = compile_job("sql@v1", {"query": EVERY_KIND, "parameters": parameters, **POSTGRES}, image)
    first, second = run_in_pod(live, job, {"extract": {"said": nasty, "ids": ["a", "b"]}})
    assert first == {
        "id": 1,
        "amount": 12.5,
        "day": day,
        "note": nasty,
        "quoted": " ; :x ",
        "nothing": None,
        "document": {"a": [1]},
        "list": [1.5, 2],
        "took": 90.0,
        "some": parameters["some"],
        "second": "b",
    }
    assert (second["id"], second["amount"], second["note"]) == (2, 3, "it's; 100% :plain")


@pytest.mark.usefixtures("database")
def test_a_failure_in_postgresql_is_rolled_back_and_shows_no_password(live: Live) -> None:
    query = "create table half (a int); insert into half values (1); select 1 / :zero"
    job = compile_job("sql@v1", {"query": query, "parameters": {"zero": 0}, **POSTGRES}, "psycopg:1", keep_pod="never")
    assert "sql@v1: statement 3: division by zero" in failure_of(live, job)
    left = "select count(*) as found from pg_tables where tablename = 'half'"
    assert run_in_pod(live, compile_job("sql@v1", {"query": left, **POSTGRES}, "psycopg:1")) == [{"found": 0}]
    invalid = compile_job("sql@v1", {"query": "selec 1", **POSTGRES}, "psycopg:1")
    assert 'statement 1: syntax error at or near "selec" (LINE 1: selec 1)' in failure_of(live, invalid)
    alone = compile_job("sql@v1", {"query": "vacuum", "autocommit": True, **POSTGRES}, "psycopg:1")
    assert run_in_pod(live, alone) == []


def test_sqlite_on_a_volume_with_a_query_from_a_file(live: Live) -> None:
    folder = cluster.claim_folder(live.handle.state, "default", "tables")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "query.sql").write_text("create table t (a); insert into t values (:a), (x'00ff'); select a from t;")
    volume = [{"mount_path": "/tables", "pvc": "tables"}]
    inputs = {"file": "query.sql", "url": "sqlite:////tables/{{ run_date }}.db", "parameters": {"a": "$(HOME) $$"}}
    job = compile_job("sql@v1", inputs, volumes=volume, working_dir="/tables")
    assert run_in_pod(live, job) == [{"a": "$(HOME) $$"}, {"a": "00ff"}]
    assert (folder / "2026-01-31.db").exists()


TRIGGER = "create table t (a); create trigger g after insert on t begin delete from t; end; insert into t values (1)"


@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ({"query": "select 1 as one;;  -- end"}, 0, "sql@v1: 1 rows"),
        ({"query": f"{TRIGGER}; select * from t"}, 0, "sql@v1: 0 rows"),
        ({"query": "create table t (a)"}, 0, "sql@v1: 0 rows"),
        (
            {"query": "select 1 union select 2", "max_rows": 1},
            65,
            "the query returns more than 1 rows: aggregate them, or increase",
        ),
        ({"query": "select 1 a; values (1), (2); create table t (a)", "max_rows": 2}, 0, "sql@v1: 2 rows"),
        (
            {"query": "select :day", "parameters": {"dya": 1}},
            64,
            "uses `:day`, which is not in `parameters` (defined: dya)",
        ),
        ({"query": "select ':day', \":day\" -- :day"}, 0, "sql@v1: 1 rows"),
        ({"query": "selec 1"}, 64, 'statement 1: near "selec": syntax error'),
        ({"query": "select 1; select * from nowhere"}, 64, "statement 2: no such table: nowhere"),
        ({"query": "select 1 as a, 2 as a"}, 64, "two columns have the name `a`: rename one with `as`"),
        ({"query": " -- nothing"}, 64, "the query is empty"),
        ({"file": "not-there.sql"}, 64, "cannot read the file `not-there.sql`: No such file or directory"),
        ({"query": "select 1", "url": "sqlite:////not/there.db"}, 1, "cannot connect: unable to open database file"),
    ],
)
def test_sqlite(tmp_path: Path, inputs: dict[str, Any], code: int, message: str) -> None:
    result = run_process(compile_job("sql@v1", {"url": "sqlite:///test.db", **inputs}), cwd=tmp_path)
    assert message in result.error and result.code == code, result
    assert "Traceback" not in result.error


def test_a_failed_transaction_does_not_change_sqlite(tmp_path: Path) -> None:
    query = "create table t (a); insert into t values (1); select 1 union select 2"
    job = compile_job("sql@v1", {"url": "sqlite:///a.db", "query": query, "max_rows": 1})
    assert run_process(job, cwd=tmp_path).code == 65
    with sqlite3.connect(tmp_path / "a.db") as database:
        assert database.execute("select count(*) from sqlite_master").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "url", ["postgresql://me:pa/ss@host/db", "postgresql://me:secret@host:pass/db", "mysql://a:secret@b"]
)
def test_an_invalid_url_from_a_secret_is_not_shown(url: str, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("")
    result = run_process(compile_job("sql@v1", {"query": "select 1", **POSTGRES}), {"SQL_URL": url}, tmp_path)
    assert result.code == 64 and "is not shown" in result.error
    assert "pa/ss" not in result.error and "secret" not in result.error


def test_the_error_for_an_image_without_a_driver_says_what_to_install(tmp_path: Path) -> None:
    for driver in ("psycopg", "psycopg2"):  # this machine may have them
        (tmp_path / f"{driver}.py").write_text("raise ImportError\n")
    env = {"SQL_URL": "postgresql://a/b", "PYTHONPATH": str(tmp_path)}
    result = run_process(compile_job("sql@v1", {"query": "select 1", **POSTGRES}), env)
    assert result.code == 64 and "neither psycopg nor psycopg2: install `psycopg[binary]`" in result.error


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{secret: a/b}", "missing-input the template `sql@v1`: exactly one of `query` and `file` is required"),
        ("{query: select 1}", "missing-input the template `sql@v1`: exactly one of `secret` and `url` is required"),
        (
            "{query: q, file: f, secret: a/b}",
            "bad-input the input `file` of `sql@v1`: `query` and `file` cannot be used",
        ),
        (
            "{query: 'select {{ ds }}', secret: a/b}",
            "bad-input the input `query` of `sql@v1`: the query contains `{{ }}`, which is not rendered there",
        ),
        ("{query: q, url: 'postgresql://me:word@host/db'}", "bad-input the input `url` of `sql@v1`"),
        ("{query: q, url: 'mysql://host/db'}", "bad-input the input `url` of `sql@v1`"),
        (
            "{query: q, secret: warehouse}",
            "bad-input the input `secret` of `sql@v1`: `warehouse` is not a secret and its",
        ),
        (
            "{query: q, secret: a/b, max_rows: many}",
            "bad-input the input `max_rows` of `sql@v1`: `many` is not a whole",
        ),
    ],
)
def test_a_wrong_call_is_reported_when_the_file_is_read(inputs: str, expected: str) -> None:
    problems = problems_of("sql@v1", inputs)
    assert any(line.startswith(expected) for line in problems), problems
