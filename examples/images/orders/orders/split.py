"""Job `split`: write one file for each country. Rows with an unknown country are bad rows."""

from __future__ import annotations

from collections import defaultdict

from orders import run
from orders.extract import COLUMNS, COUNTRIES


def by_country(rows: list[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        country = row["country"].strip().upper()
        parts[country.lower() if country in COUNTRIES else "unknown"].append(row)
    return parts


def main() -> None:
    run.start_log()
    parts = by_country(list(run.read_rows(run.folder() / "raw.csv", made_by="extract")))
    for country in map(str.lower, COUNTRIES):
        run.write_rows(run.folder() / f"raw-{country}.csv", COLUMNS, parts[country])
    faulty = [{**row, "fault": "country"} for row in parts["unknown"]]
    run.write_rows(run.folder() / "bad-unknown.csv", [*COLUMNS, "fault"], faulty)
    for country, rows in sorted(parts.items()):
        run.log.info("%-7s %5d rows", country, len(rows))
    run.output({country: len(rows) for country, rows in sorted(parts.items())})


if __name__ == "__main__":
    main()
