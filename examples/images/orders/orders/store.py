"""The table of all orders, one SQLite file on the volume. Loading a day replaces it, so a job can run again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orders import run

TABLE = """
    create table if not exists orders (
        order_id text primary key, day text not null, country text not null, ordered_at text not null,
        customer text not null, product text not null,
        quantity integer not null check (quantity > 0), cents integer not null check (cents >= 0)
    )
"""

INSERT = """
    insert into orders values (
        :order_id, :day, :country, :ordered_at, :customer, :product, :quantity, :cents
    )
"""


def path() -> Path:
    return run.data_folder() / "orders.db"


@contextmanager
def opened(file: Path | None = None) -> Iterator[sqlite3.Connection]:
    """A connection. Changes are committed unless the block raises an exception."""
    file = file or path()
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=30)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(TABLE)
        with connection:
            yield connection
    finally:
        connection.close()


def replace_day(connection: sqlite3.Connection, day: str, rows: Iterable[dict[str, Any]]) -> int:
    connection.execute("delete from orders where day = ?", [day])
    return connection.executemany(
        INSERT,
        ({**row, "day": day} for row in rows),
    ).rowcount
