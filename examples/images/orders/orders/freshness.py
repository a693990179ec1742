"""Job `freshness`: the age of the latest orders and the missing days. Exits with code 75 ("try later") if too old."""

from __future__ import annotations

import argparse
import os
from datetime import date, timedelta

from orders import run, store


def missing_days(loaded: set[date], until: date, window: int) -> list[date]:
    """The days without orders in the last `window` days, from the first day with orders."""
    first = max(min(loaded), until - timedelta(days=window - 1))
    return [day for n in range((until - first).days + 1) if (day := first + timedelta(days=n)) not in loaded]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--today", type=date.fromisoformat, required=True)
    parser.add_argument("--most-days-old", type=int, default=1)
    parser.add_argument("--window", type=int, default=30)
    args = parser.parse_args()
    run.start_log()

    with store.opened() as connection:
        counts = {
            date.fromisoformat(day): orders
            for day, orders in connection.execute(
                "select day, count(*) from orders where day <= ? group by 1", [str(args.today)]
            )
        }
    if not counts:
        run.log.warning("the table has no orders: run the pipeline retail.orders first")
        run.output({"latest": None, "age_days": None, "missing": []})
        return
    latest = max(counts)
    age = (args.today - latest).days
    missing = missing_days(set(counts), args.today, args.window)
    run.log.info(
        "%d days loaded; the latest is %s (%d orders), %d days old", len(counts), latest, counts[latest], age
    )
    run.log.info("days without orders in the last %d days: %s", args.window, ", ".join(map(str, missing)) or "none")
    if age > args.most_days_old:
        run.log.error("the orders are late: older than %d days", args.most_days_old)
        raise SystemExit(os.EX_TEMPFAIL)
    run.output({"latest": str(latest), "age_days": age, "missing": [str(day) for day in missing]})


if __name__ == "__main__":
    main()
