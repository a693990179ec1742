"""Job `check`: check that the data of a day is good enough to publish. Exits with code 3 if it is not."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import NamedTuple

from orders import run, store
from orders.clean import FORMATS

NOT_GOOD_ENOUGH = 3


class Check(NamedTuple):
    name: str
    good: bool
    details: str


def checks(connection: sqlite3.Connection, day: str, folder: Path, most_bad: float) -> list[Check]:
    counts = dict(
        connection.execute("select country, count(*) from orders where day = ? group by 1", [day]).fetchall()
    )
    other_days = connection.execute(
        "select count(*) from orders where day = ? and date(ordered_at) <> day", [day]
    ).fetchone()[0]
    bad = sum(max(0, len(path.read_text().splitlines()) - 1) for path in folder.glob("bad-*.csv"))
    share = bad / max(1, bad + sum(counts.values()))
    missing = sorted(set(FORMATS) - set(counts))
    return [
        Check(
            "every country has orders",
            not missing,
            f"missing: {', '.join(missing)}" if missing else _listed(counts),
        ),
        Check(f"at most {most_bad:.1%} of the rows are bad", share <= most_bad, f"{bad} rows, {share:.1%}"),
        Check("every order is from this day", other_days == 0, f"{other_days} from other days"),
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{country} {count}" for country, count in sorted(counts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", required=True)
    parser.add_argument("--most-bad", type=float, default=0.03)
    args = parser.parse_args()
    run.start_log()

    with store.opened() as connection:
        results = checks(connection, args.day, run.folder(), args.most_bad)
    for check in results:
        run.log.info("%s  %s (%s)", "good" if check.good else "BAD ", check.name, check.details)
    (run.folder() / "checks.json").write_text(json.dumps([check._asdict() for check in results]))
    if not all(check.good for check in results):
        sys.exit(NOT_GOOD_ENOUGH)


if __name__ == "__main__":
    main()
