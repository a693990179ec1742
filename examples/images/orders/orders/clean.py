"""Jobs `clean-…`: convert the rows of one country to common formats, and set invalid rows aside."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from orders import run
from orders.extract import COLUMNS, PRODUCTS

CLEAN = ["order_id", "country", "ordered_at", "customer", "product", "quantity", "cents"]
POUND = Decimal("1.15")  # in euros; fixed, so that a day always gives the same result


class Format(NamedTuple):
    dates: str
    decimal: str
    rate: Decimal = Decimal(1)


FORMATS = {
    "de": Format("%d.%m.%Y %H:%M", ","),
    "fr": Format("%d/%m/%Y %Hh%M", ","),
    "uk": Format("%Y-%m-%d %I:%M %p", ".", POUND),
}


class Unreadable(Exception):
    """The first fault of a row, as a word that the summary counts."""


def cents(text: str, form: Format) -> int:
    """Convert prices such as `1.234,50 €` and `£1,234.50` to euro cents."""
    digits = re.sub(rf"[^0-9{re.escape(form.decimal)}]", "", text).replace(form.decimal, ".")
    if not re.fullmatch(r"[0-9]+(\.[0-9]{2})?", digits):
        raise Unreadable("price")
    return int((Decimal(digits) * 100 * form.rate).quantize(Decimal(1), ROUND_HALF_UP))


def moment(text: str, form: Format) -> str:
    try:
        return datetime.strptime(text.strip(), form.dates).isoformat(sep=" ", timespec="minutes")
    except ValueError:
        raise Unreadable("date") from None


def clean(row: dict[str, str], country: str) -> dict[str, Any]:
    form = FORMATS[country]
    product = row["product"].strip().lower()
    if product not in PRODUCTS:
        raise Unreadable("product")
    if not row["quantity"].isdecimal() or int(row["quantity"]) < 1:
        raise Unreadable("quantity")
    if not row["customer"].strip():
        raise Unreadable("customer")
    return {
        "order_id": row["order_id"],
        "country": country,
        "ordered_at": moment(row["ordered_at"], form),
        "customer": row["customer"].strip(),
        "product": product,
        "quantity": int(row["quantity"]),
        "cents": cents(row["price"], form),
    }


def sort_out(
    rows: Iterable[dict[str, str]], read: Callable[[dict[str, str]], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int]:
    """Returns the good rows, the bad rows with their fault, and the number of duplicates."""
    good: dict[str, dict[str, Any]] = {}
    bad, duplicates = [], 0
    for row in rows:
        try:
            value = read(row)
        except Unreadable as fault:
            bad.append({**row, "fault": str(fault)})
            continue
        duplicates += value["order_id"] in good
        good.setdefault(value["order_id"], value)
    return list(good.values()), bad, duplicates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("country", choices=FORMATS)
    parser.add_argument(
        "--most-bad", type=float, default=0.5, help="the largest share of bad rows that is not a broken export"
    )
    args = parser.parse_args()
    run.start_log()

    path = run.folder() / f"clean-{args.country}.csv"
    path.unlink(missing_ok=True)  # from an earlier try: `load` reads every file that exists
    raw = run.read_rows(run.folder() / f"raw-{args.country}.csv", made_by="split")
    good, bad, duplicates = sort_out(raw, lambda row: clean(row, args.country))
    faults = Counter(row["fault"] for row in bad)
    run.log.info("%d good, %d bad %s, %d duplicates", len(good), len(bad), dict(faults), duplicates)
    run.write_rows(run.folder() / f"bad-{args.country}.csv", [*COLUMNS, "fault"], bad)
    if len(bad) > args.most_bad * (len(good) + len(bad)):
        raise SystemExit(
            f"{len(bad)} of {len(good) + len(bad)} rows of {args.country} are invalid:"
            f" the export is broken. The rows are in {run.folder() / f'bad-{args.country}.csv'}"
        )
    run.write_rows(path, CLEAN, good)
    run.output({"country": args.country, "rows": len(good), "bad": len(bad), "duplicates": duplicates})


if __name__ == "__main__":
    main()
