"""Job `summary`: write a summary of the run, also after a failure, from the files of the earlier jobs."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from orders import run, store
from orders.clean import FORMATS

PER_COUNTRY = """
    select country, count(*) as orders, sum(quantity * cents) / 100.0 as euros
    from orders where day = ? group by 1
"""


def count_faults(path: Path) -> Counter[str]:
    return Counter(row["fault"] for row in run.read_rows(path, "clean")) if path.is_file() else Counter()


def write(day: str, loaded: dict[str, dict], faults: dict[str, Counter[str]], checks: list[dict]) -> str:
    lines = [
        f"# Orders of {day}",
        "",
        "| country | orders | euros | bad rows | faults |",
        "|---|--:|--:|--:|---|",
    ]
    for country in faults:
        row, bad = loaded.get(country), faults[country]
        fault_counts = ", ".join(f"{fault} {count}" for fault, count in bad.most_common())
        numbers = f"{row['orders']} | {row['euros']:,.2f}" if row else "none | "
        lines.append(f"| {country.upper()} | {numbers} | {bad.total()} | {fault_counts} |")
    lines += ["", "## Checks", ""]
    lines += [
        f"- {'good' if check['good'] else '**bad**'}: {check['name']} ({check['details']})" for check in checks
    ]
    return "\n".join(lines if checks else [*lines, "No checks: nothing was loaded."]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", required=True)
    day = parser.parse_args().day
    run.start_log()

    with store.opened() as connection:
        loaded = {row["country"]: dict(row) for row in connection.execute(PER_COUNTRY, [day])}
    faults = {country: count_faults(run.folder() / f"bad-{country}.csv") for country in (*FORMATS, "unknown")}
    path = run.folder() / "checks.json"
    checks = json.loads(path.read_text()) if path.is_file() else []

    text = write(day, loaded, faults, checks)
    (run.folder() / "summary.md").write_text(text)
    (run.data_folder() / "summary.md").write_text(text)
    for line in text.splitlines():
        run.log.info("%s", line)
    run.output(
        {
            "orders": sum(row["orders"] for row in loaded.values()),
            "bad": sum(bad.total() for bad in faults.values()),
            "checks": "none" if not checks else "good" if all(check["good"] for check in checks) else "bad",
        }
    )


if __name__ == "__main__":
    main()
