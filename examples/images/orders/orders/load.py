"""Job `load`: load all clean files into the table, in one transaction."""

from __future__ import annotations

import argparse
from collections import Counter
from itertools import chain

from orders import run, store
from orders.clean import FORMATS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", required=True)
    day = parser.parse_args().day
    run.start_log()

    paths = {country: run.folder() / f"clean-{country}.csv" for country in FORMATS}
    missing = [country for country, path in paths.items() if not path.is_file()]
    if len(missing) == len(paths):
        raise SystemExit(f"no clean file for {day}: nothing to load")
    rows = list(
        chain.from_iterable(run.read_rows(path, "clean") for path in paths.values() if path.is_file())
    )
    with store.opened() as connection:
        count = store.replace_day(connection, day, rows)
    for country in missing:
        run.log.warning("no clean file for %s: the day is loaded without it", country)
    run.log.info("%d orders of %s are now in %s", count, day, store.path())
    run.output({"day": day, "rows": count, "missing": missing, **Counter(row["country"] for row in rows)})


if __name__ == "__main__":
    main()
