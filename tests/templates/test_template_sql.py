"""``sql@v1``: PostgreSQL and SQLite, bound parameters, rows as output, and what is said when something is wrong."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowException
from live import Live
from running import compiled, process, refused, run

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
def test_rows_of_postgresql_with_either_driver(live: Live, image: str) -> None:
    nasty = "x'; drop table orders; -- $(SQL_URL) %s :id \\ \""
    day = {"psycopg:1": "2026-01-31", "psycopg2:1": "2026-02-01"}[image]
    parameters = {
        "id": 1,
        "day": day,
        "note": "{{ output('extract').said }}",
        "some": None if image == "psycopg2:1" else "t",
        "ids": "{{ output('extract').ids | tojson }}",
    }
    job = compiled("sql@v1", {"query": EVERY_KIND, "parameters": parameters, **POSTGRES}, image)
    first, second = run(live, job, {"extract": {"said": nasty, "ids": ["a", "b"]}})
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
def test_what_fails_in_postgresql_changes_nothing_and_tells_no_password(live: Live) -> None:
    query = "create table half (a int); insert into half values (1); select 1 / :zero"
    job = compiled("sql@v1", {"query": query, "parameters": {"zero": 0}, **POSTGRES}, "psycopg:1", keep_pod="never")
    with pytest.raises(AirflowException, match="sql@v1: statement 3: division by zero"):
        run(live, job)
    left = "select count(*) as found from pg_tables where tablename = 'half'"
    assert run(live, compiled("sql@v1", {"query": left, **POSTGRES}, "psycopg:1")) == [{"found": 0}]
    wrong = compiled("sql@v1", {"query": "selec 1", **POSTGRES}, "psycopg:1")
    with pytest.raises(AirflowException, match=r'statement 1: syntax error at or near "selec" \(LINE 1: selec 1\)'):
        run(live, wrong)
    alone = compiled("sql@v1", {"query": "vacuum", "autocommit": True, **POSTGRES}, "psycopg:1")
    assert run(live, alone) == []


def test_sqlite_on_a_volume_from_a_file_of_the_image(live: Live) -> None:
    folder = cluster.claim_folder(live.handle.state, "default", "tables")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "query.sql").write_text("create table t (a); insert into t values (:a), (x'00ff'); select a from t;")
    volume = [{"mount_path": "/tables", "pvc": "tables"}]
    inputs = {"file": "query.sql", "url": "sqlite:////tables/{{ run_date }}.db", "parameters": {"a": "$(HOME) $$"}}
    job = compiled("sql@v1", inputs, volumes=volume, working_dir="/tables")
    assert run(live, job) == [{"a": "$(HOME) $$"}, {"a": "00ff"}]
    assert (folder / "2026-01-31.db").exists()


TRIGGER = "create table t (a); create trigger g after insert on t begin delete from t; end; insert into t values (1)"


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({"query": "select 1 as one;;  -- end"}, 0, "sql@v1: 1 rows"),
        ({"query": f"{TRIGGER}; select * from t"}, 0, "sql@v1: 0 rows"),
        ({"query": "create table t (a)"}, 0, "sql@v1: 0 rows"),
        (
            {"query": "select 1 union select 2", "max_rows": 1},
            65,
            "there are more than 1 rows: aggregate them, or raise",
        ),
        ({"query": "select 1 a; values (1), (2); create table t (a)", "max_rows": 2}, 0, "sql@v1: 2 rows"),
        (
            {"query": "select :day", "parameters": {"dya": 1}},
            64,
            "reads `:day`, which `parameters` does not have; it has: dya",
        ),
        ({"query": "select ':day', \":day\" -- :day"}, 0, "sql@v1: 1 rows"),
        ({"query": "selec 1"}, 64, 'statement 1: near "selec": syntax error'),
        ({"query": "select 1; select * from nowhere"}, 64, "statement 2: no such table: nowhere"),
        ({"query": "select 1 as a, 2 as a"}, 64, "two columns are called `a`; name them apart with `as`"),
        ({"query": " -- nothing"}, 64, "the query is empty"),
        ({"file": "not-there.sql"}, 64, "the file `not-there.sql` cannot be read: No such file or directory"),
        ({"query": "select 1", "url": "sqlite:////not/there.db"}, 1, "no connection: unable to open database file"),
    ],
)
def test_sqlite(tmp_path: Path, inputs: dict[str, Any], code: int, said: str) -> None:
    ended = process(compiled("sql@v1", {"url": "sqlite:///test.db", **inputs}), cwd=tmp_path)
    assert said in ended.error and ended.code == code, ended
    assert "Traceback" not in ended.error


def test_a_failed_transaction_leaves_sqlite_as_it_was(tmp_path: Path) -> None:
    query = "create table t (a); insert into t values (1); select 1 union select 2"
    assert (
        process(compiled("sql@v1", {"url": "sqlite:///a.db", "query": query, "max_rows": 1}), cwd=tmp_path).code == 65
    )
    with sqlite3.connect(tmp_path / "a.db") as database:
        assert database.execute("select count(*) from sqlite_master").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "url", ["postgresql://me:pa/ss@host/db", "postgresql://me:secret@host:pass/db", "mysql://a:secret@b"]
)
def test_a_secret_url_that_cannot_be_read_is_not_shown(url: str, tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("")
    ended = process(compiled("sql@v1", {"query": "select 1", **POSTGRES}), {"SQL_URL": url}, tmp_path)
    assert ended.code == 64 and "is not shown" in ended.error
    assert "pa/ss" not in ended.error and "secret" not in ended.error


def test_an_image_without_a_driver_is_told_what_to_install() -> None:
    ended = process(compiled("sql@v1", {"query": "select 1", **POSTGRES}), {"SQL_URL": "postgresql://a/b"})
    assert ended.code == 64 and "neither psycopg nor psycopg2: add `psycopg[binary]`" in ended.error


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("{secret: a/b}", "missing-input the template `sql@v1`: exactly one of `query` or `file` must be given"),
        ("{query: select 1}", "missing-input the template `sql@v1`: exactly one of `secret` or `url` must be given"),
        ("{query: q, file: f, secret: a/b}", "bad-input the input `file` of `sql@v1`: `query` and `file` exclude each"),
        (
            "{query: 'select {{ ds }}', secret: a/b}",
            "bad-input the input `query` of `sql@v1`: `{{ }}` stands in the query",
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
def test_a_wrong_call_is_told_when_the_file_is_read(inputs: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in refused("sql@v1", inputs)), refused("sql@v1", inputs)
