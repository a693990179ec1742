"""Job `compare`: write a page that compares the scenario with the baseline."""

from __future__ import annotations

import argparse
import math
import shutil
from datetime import date, timedelta
from html import escape
from pathlib import Path
from string import Template

from what_if import run

WIDTH, HEIGHT, LEFT, BOTTOM = 960, 300, 44, 26
ROWS = {
    "sold": ("Pieces sold", "{:,.0f}", 1),
    "fill_rate": ("Share of demand served", "{:.1%}", 1),
    "empty_days": ("Days without stock", "{:.1f}", -1),
    "holding_cost": ("Cost of holding stock, €", "{:,.2f}", -1),
    "lost_margin": ("Margin lost without stock, €", "{:,.2f}", -1),
}


def line(values: list[float], top: float) -> str:
    step = (WIDTH - LEFT) / (len(values) - 1)
    return " ".join(
        f"{LEFT + n * step:.1f},{(HEIGHT - BOTTOM) * (1 - y / top):.1f}" for n, y in enumerate(values)
    )


def ticks(top: float) -> range:
    """A few round numbers, starting at zero."""
    size = 10 ** math.floor(math.log10(top))
    steps = [max(1, size // 5), max(1, size // 2), size, 2 * size]
    return range(0, math.ceil(top), next(step for step in steps if top / step <= 6))


def chart(results: dict[str, dict], first_day: date) -> str:
    """Both stocks as SVG: a line for the median, a band for 80 percent of the simulated futures."""
    top = 1.08 * max(1, *(max(result["high"]) for result in results.values()))
    days = len(next(iter(results.values()))["middle"])
    parts = []
    for tick in ticks(top):
        y = (HEIGHT - BOTTOM) * (1 - tick / top)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,}</text>')
    for n in range(0, days, max(7, days // 6 // 7 * 7)):
        x = LEFT + n * (WIDTH - LEFT) / (days - 1)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}">{first_day + timedelta(days=n):%d %b}</text>')
    for name, result in results.items():
        band = line(result["low"], top) + " " + " ".join(reversed(line(result["high"], top).split()))
        parts.append(f'<polygon class="{name}" points="{band}"/>')
    for name, result in results.items():
        parts.append(f'<polyline class="{name}" points="{line(result["middle"], top)}"/>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Stock by day">{"".join(parts)}</svg>'


def change(now: float, then: float) -> str:
    """The change in percent, or as a number if the percentage is too large to be useful."""
    return f"{(then - now) / now:+.0%}" if now and abs(then / now) < 10 else f"{then - now:+,.1f}"


def table(baseline: dict, scenario: dict) -> str:
    rows = []
    for key, (title, form, better) in ROWS.items():
        now, then = baseline[key], scenario[key]
        verdict = "" if then == now else "good" if (then - now) * better > 0 else "bad"
        rows.append(
            f"<tr><td>{title}</td><td>{form.format(now)}</td><td>{form.format(then)}</td>"
            f'<td class="{verdict}">{change(now, then)}</td></tr>'
        )
    return "".join(rows)


def verdict(baseline: dict, scenario: dict) -> str:
    lost = scenario["lost_margin"] - baseline["lost_margin"]
    if scenario["fill_rate"] >= scenario["plan"]["service"]:
        return "The stock is sufficient: it is rarely empty."
    return (
        f"The stock is not sufficient: only {scenario['fill_rate']:.1%} of the demand is served,"
        f" and {lost:,.0f} € more margin is lost than today."
        f" The order level of {scenario['order_level']} pieces is too low."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--title", required=True)
    title = parser.parse_args().title
    run.start_log()

    results = {name: run.read_json(f"{name}.json", made_by=name) for name in ("baseline", "scenario")}
    baseline, scenario = results["baseline"], results["scenario"]
    plan = scenario["plan"]
    conclusion = verdict(baseline, scenario)
    page = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        verdict=escape(conclusion),
        product=escape(plan["product"]),
        facts=f"{plan['days']} days from {plan['first_day']}, demand × {plan['demand']:g}"
        f"{', with a promotion' if plan['promotion'] else ''}, {scenario['draws']} simulated futures",
        chart=chart(results, date.fromisoformat(plan["first_day"])),
        rows=table(baseline, scenario),
        run=escape(run.run_id()),
    )
    path = run.folder() / "what-if.html"
    path.write_text(page, encoding="utf-8")
    latest = run.data_folder() / "what-if.html"
    shutil.copyfile(path, latest)
    run.log.info("%s", conclusion)
    run.log.info("wrote %s, and a copy to %s", path, latest)
    run.output({"report": str(path), "latest": str(latest), "verdict": conclusion})


if __name__ == "__main__":
    main()
