"""What Airflow shows about a job: the Markdown page of its task."""

from __future__ import annotations

import json

from dag_factory.build.pages.markdown import code, contained, escape
from dag_factory.build.pages.wording import alert_lines, describe_size, format_duration, without_effect
from dag_factory.config import model
from dag_factory.config.pod.containers import job_containers


def task_page(what: model.Job) -> str:
    """The page of a task."""
    cost = what.flavor.cost_per_hour
    flavor = f"{code(what.flavor.name)}: {describe_size(what.flavor)}"
    price = f", {cost:g} an hour" if cost is not None else ""
    others = job_containers(what)[1:] if what.init_containers or what.pod else ()
    beside = ", ".join(f"{code(one.name)} ({one.kind}, {code(one.image)})" for one in others)
    parts = (
        contained(what.doc or ""),
        flavor + price,
        "; ".join(job_features(what)),
        f"Beside the job's own container: {beside}" if beside else "",
        "A piece of a pod of the job's own (`pod:`) is laid over all this." if what.pod else "",
        _tries(what.retries),
        without_effect([*_after_failure(what), *alert_lines(what.alerts)]),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def job_features(what: model.Job) -> list[str]:
    """What a job does beside running its pod once after those before it, a few words for each."""
    words = []
    if what.matrix:
        words.append(", ".join(f"{escape(name)} = {code(_value(value))}" for name, value in what.matrix.items()))
    if what.for_each:
        words.append(_for_each(what.for_each))
    if what.teardown_of:
        words.append(f"takes down {', '.join(code(name) for name in what.teardown_of)}, whatever happened")
    if what.when is not None:
        words.append(f"when {code(what.when)}")
    if what.group:
        each = ", for each item of its list" if what.mapped_group else ""
        words.append(f"in the group {code(what.group)}{each}")
    for verb, assets in (("reads", what.inlets), ("updates", what.outlets)):
        if assets:
            words.append(f"{verb} {', '.join(code(asset.name) for asset in assets)}")
    return words


def _for_each(each: model.ForEach) -> str:
    if each.output:
        listed = code(each.output) + (f" at {code('.'.join(each.path))}" if each.path else "")
    elif each.param:
        listed = f"the param {code(each.param)}"
    else:
        count = len(each.items or ())
        listed = f"a list of {count} item{'' if count == 1 else 's'}"
    variable = f", as {code(each.variable)}" if each.variable else ""
    most = f", {each.max_parallel} at once" if each.max_parallel else ""
    return f"for each item of {listed}{variable}{most}"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tries(retries: model.Retries) -> str:
    """How often a try is repeated, and how long after."""
    if not retries.count:
        return ""
    words = [f"Retries: {retries.count}"]
    if retries.rule:
        words.append(f"by the rule {code(retries.rule)}")
    if retries.delay is not None:
        words.append(f"{format_duration(retries.delay)} after a failure")
    if retries.backoff == "exponential":
        words.append(
            "longer each time" + (f", up to {format_duration(retries.max_delay)}" if retries.max_delay else "")
        )
    return ", ".join(words)


def _after_failure(what: model.Job) -> list[str]:
    """What follows when a pod failed in a certain way, a line for each; the first that fits holds."""
    grows = f"the next flavor, {code(what.flavor.next)}" if what.flavor.next else "again, as there is no next flavor"
    lines = []
    for one in what.retries.on:
        how = ", ".join([*map(code, one.reasons), *(f"exit code {number}" for number in one.exit_codes)])
        then = {"retry": "again", "fail": "no further try", "next_flavor": grows}[one.then]
        lines.append(
            f"after {how}: {then}" + (f", {format_duration(one.delay)} later" if one.delay is not None else "")
        )
    if what.flavor.next and all("OOMKilled" not in one.reasons for one in what.retries.on):
        lines.append(f"the next flavor, {code(what.flavor.next)}, is not used: no retry rule says `then: next_flavor`")
    return lines
