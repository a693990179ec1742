"""Jobs `baseline` and `scenario`: simulate the daily stock of a product in many possible futures."""

from __future__ import annotations

import argparse
import json
import math
import random
from collections import deque
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from statistics import NormalDist, fmean, quantiles

from what_if import run

WEEK = [0.9, 0.85, 0.9, 1.0, 1.2, 1.35, 0.8]  # Monday to Sunday
PROMOTION = (0.35, 0.55, 1.6)  # start and end as shares of the period, and the demand factor
LEAD_DAYS, REVIEW_DAYS = 6, 7


@dataclass(frozen=True)
class Product:
    daily: float  # pieces sold on an average day
    margin: float  # lost if a piece is not in stock
    holding: float  # cost of one piece in stock for one day


PRODUCTS = {
    "kettle": Product(daily=14, margin=11.5, holding=0.04),
    "lamp": Product(daily=6, margin=24.0, holding=0.09),
    "notebook": Product(daily=60, margin=1.4, holding=0.004),
}


@dataclass(frozen=True)
class Plan:
    product: str
    first_day: date
    days: int
    demand: float = 1.0
    promotion: bool = False
    service: float = 0.95


def expected(plan: Plan) -> list[float]:
    """The mean demand of each day."""
    start, end, uplift = PROMOTION
    base = PRODUCTS[plan.product].daily * plan.demand
    return [
        base
        * WEEK[(plan.first_day + timedelta(days=n)).weekday()]
        * (uplift if plan.promotion and start * plan.days <= n < end * plan.days else 1)
        for n in range(plan.days)
    ]


def poisson(mean: float, rng: random.Random) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def order_level(plan: Plan) -> int:
    """The stock level up to which the shop orders. It assumes today's demand, which the scenario tests."""
    mean = PRODUCTS[plan.product].daily * (LEAD_DAYS + REVIEW_DAYS)
    return round(mean + NormalDist().inv_cdf(plan.service) * math.sqrt(1.4 * mean))


def future(plan: Plan, rng: random.Random) -> tuple[list[int], int, int]:
    """The stock at the end of each day, the total demand, and the pieces sold."""
    level = order_level(plan)
    stock, coming = level, deque([0] * LEAD_DAYS)
    stocks, demanded, sold = [], 0, 0
    for day, mean in enumerate(expected(plan)):
        stock += coming.popleft()
        wanted = poisson(mean, rng)
        bought = min(stock, wanted)
        stock, demanded, sold = stock - bought, demanded + wanted, sold + bought
        coming.append(max(0, level - stock - sum(coming)) if day % REVIEW_DAYS == 0 else 0)
        stocks.append(stock)
    return stocks, demanded, sold


def simulate(plan: Plan, draws: int) -> dict:
    product = PRODUCTS[plan.product]
    futures = [future(plan, random.Random(f"{n}")) for n in range(draws)]  # the same random numbers for every plan
    by_day = list(zip(*(stocks for stocks, _, _ in futures)))
    tenths = [quantiles(day, n=10) for day in by_day]
    holding = fmean(sum(stocks) for stocks, _, _ in futures) * product.holding
    lost = fmean(demanded - sold for _, demanded, sold in futures) * product.margin
    return {
        "plan": {**asdict(plan), "first_day": str(plan.first_day)},
        "draws": draws,
        "order_level": order_level(plan),
        "low": [ten[0] for ten in tenths],
        "middle": [ten[4] for ten in tenths],
        "high": [ten[8] for ten in tenths],
        "sold": round(fmean(sold for _, _, sold in futures)),
        "fill_rate": round(fmean(sold / max(1, demanded) for _, demanded, sold in futures), 4),
        "empty_days": round(fmean(stocks.count(0) for stocks, _, _ in futures), 2),
        "holding_cost": round(holding, 2),
        "lost_margin": round(lost, 2),
    }


def parse_bool(text: str) -> bool:
    """Parse a boolean param, which Airflow writes as `True` or `False`."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"must be true or false, not {text!r}")
    return text.lower() == "true"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["baseline", "scenario"])
    parser.add_argument("--product", choices=PRODUCTS, required=True)
    parser.add_argument("--first-day", type=date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--demand", type=float, default=1.0, help="demand relative to today")
    parser.add_argument("--promotion", type=parse_bool, default=False)
    parser.add_argument("--service", type=float, default=0.95)
    parser.add_argument("--draws", type=int, default=400)
    args = parser.parse_args()
    if args.days < 7 or args.draws < 2 or args.demand <= 0 or not 0.5 <= args.service < 1:
        parser.error(
            "--days must be at least 7, --draws at least 2, --demand above 0, --service at least 0.5 and below 1"
        )
    run.start_log()

    plan = Plan(args.product, args.first_day, args.days, args.demand, args.promotion, args.service)
    run.log.info("%s: simulating %d futures of %d days for %s", args.name, args.draws, args.days, args.product)
    result = simulate(plan, args.draws)
    (run.folder() / f"{args.name}.json").write_text(json.dumps(result))
    run.output(
        {key: result[key] for key in ("sold", "fill_rate", "empty_days", "holding_cost", "lost_margin")}
    )


if __name__ == "__main__":
    main()
