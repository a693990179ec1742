"""Job `extract`: the orders of one day, as the shop exports them.

There is no real shop: the export is random, but the same for each day. It has the faults of a real export: dates and
prices in the formats of three countries, duplicates, refunds and missing values.
"""

from __future__ import annotations

import argparse
import random
from datetime import date, datetime, time, timedelta
from typing import Any

from orders import run

COLUMNS = ["order_id", "country", "ordered_at", "customer", "product", "quantity", "price"]
PRODUCTS = {"kettle": 3490, "lamp": 5900, "notebook": 450, "desk": 32900, "chair": 18950, "mug": 1250}


def german(moment: datetime, cents: int) -> tuple[str, str]:
    return moment.strftime("%d.%m.%Y %H:%M"), _price(cents, ".", ",") + " €"


def french(moment: datetime, cents: int) -> tuple[str, str]:
    return moment.strftime("%d/%m/%Y %Hh%M"), _price(cents, " ", ",") + " EUR"


def british(moment: datetime, cents: int) -> tuple[str, str]:
    return moment.strftime("%Y-%m-%d %I:%M %p"), "£" + _price(cents, ",", ".")


def _price(cents: int, thousands: str, decimal: str) -> str:
    return f"{cents // 100:,}".replace(",", thousands) + f"{decimal}{cents % 100:02d}"


COUNTRIES = {"DE": german, "FR": french, "UK": british}


def export(day: date, orders: int, damaged: str = "none") -> list[dict[str, Any]]:
    """The rows of the export of one day. The rows of the `damaged` country lose their last columns."""
    rng = random.Random(f"orders {day}")
    rows = []
    for number in range(orders):
        country = rng.choices(list(COUNTRIES), [5, 3, 2])[0]
        product = rng.choices(list(PRODUCTS), [4, 3, 8, 1, 1, 6])[0]
        moment = datetime.combine(day, time()) + timedelta(minutes=rng.randrange(24 * 60))
        ordered_at, price = COUNTRIES[country](moment, PRODUCTS[product] + rng.randrange(-200, 200))
        row = {
            "order_id": f"{day:%Y%m%d}-{number:05d}",
            "country": country if rng.random() > 0.02 else country.lower(),
            "ordered_at": ordered_at,
            "customer": f"c{rng.randrange(2500):04d}",
            "product": product if rng.random() > 0.03 else f" {product.upper()} ",
            "quantity": rng.choices([1, 2, 3, 10], [70, 20, 8, 2])[0],
            "price": price,
        }
        fault = rng.random()
        if fault < 0.006:
            row["price"] = "n/a"
        elif fault < 0.011:
            row["quantity"] = -1
        elif fault < 0.016:
            row["customer"] = ""
        elif fault < 0.018:
            row["country"] = "??"
        if country.lower() == damaged:
            row |= {"product": "", "quantity": "", "price": ""}
        rows += [row, row] if 0.5 < fault < 0.51 else [row]  # the shop sometimes exports an order twice
    rng.shuffle(rows)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="The orders of one day, as the shop exports them")
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--orders", type=int, default=6000)
    parser.add_argument("--damaged", choices=["none", *map(str.lower, COUNTRIES)], default="none")
    args = parser.parse_args()
    run.start_log()

    rows = export(args.day, args.orders, args.damaged)
    path = run.folder() / "raw.csv"
    run.write_rows(path, COLUMNS, rows)
    run.log.info("wrote %d rows for %s to %s", len(rows), args.day, path)
    run.output({"day": str(args.day), "rows": len(rows)})


if __name__ == "__main__":
    main()
