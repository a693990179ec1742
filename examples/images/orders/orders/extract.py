"""Job `extract`: a day's orders as the shop exports them.

There is no shop to ask, so the export is drawn at random. The same day always gives the same file, with the
dirt of a real one: three countries' dates and prices, duplicates, refunds, gaps.
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
    """The rows of a day's export. The rows of a `damaged` country lose their last columns."""
    chance = random.Random(f"orders {day}")
    rows = []
    for number in range(orders):
        country = chance.choices(list(COUNTRIES), [5, 3, 2])[0]
        product = chance.choices(list(PRODUCTS), [4, 3, 8, 1, 1, 6])[0]
        moment = datetime.combine(day, time()) + timedelta(minutes=chance.randrange(24 * 60))
        ordered_at, price = COUNTRIES[country](moment, PRODUCTS[product] + chance.randrange(-200, 200))
        row = {
            "order_id": f"{day:%Y%m%d}-{number:05d}",
            "country": country if chance.random() > 0.02 else country.lower(),
            "ordered_at": ordered_at,
            "customer": f"c{chance.randrange(2500):04d}",
            "product": product if chance.random() > 0.03 else f" {product.upper()} ",
            "quantity": chance.choices([1, 2, 3, 10], [70, 20, 8, 2])[0],
            "price": price,
        }
        dirt = chance.random()
        if dirt < 0.006:
            row["price"] = "n/a"
        elif dirt < 0.011:
            row["quantity"] = -1
        elif dirt < 0.016:
            row["customer"] = ""
        elif dirt < 0.018:
            row["country"] = "??"
        if country.lower() == damaged:
            row |= {"product": "", "quantity": "", "price": ""}
        rows += [row, row] if 0.5 < dirt < 0.51 else [row]  # now and then the shop exports an order twice
    chance.shuffle(rows)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="A day's orders as the shop exports them")
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
