"""Job `publish`: write the revenue of the day to a CSV file."""

from __future__ import annotations

import argparse

from orders import run, store

REVENUE = """
    select day, country, product,
        count(*) as orders, sum(quantity) as pieces, sum(quantity * cents) / 100.0 as euros
    from orders where day = ? group by 1, 2, 3 order by 2, 6 desc
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", required=True)
    day = parser.parse_args().day
    run.start_log()

    with store.opened() as connection:
        rows = [dict(row) for row in connection.execute(REVENUE, [day])]
    if not rows:
        raise SystemExit(f"no orders of {day} in {store.path()}: nothing to publish")
    path = run.data_folder() / "published" / f"revenue-{day}.csv"
    path.parent.mkdir(exist_ok=True)
    run.write_rows(path, list(rows[0]), rows)
    run.log.info("published %d rows in %s", len(rows), path)
    run.output({"file": str(path), "euros": round(sum(row["euros"] for row in rows), 2)})


if __name__ == "__main__":
    main()
