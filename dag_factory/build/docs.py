"""What Airflow shows about a pipeline and a job: Markdown, in which no text of a user's can break out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache

from dag_factory.config import model
from dag_factory.config.pod.containers import containers

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"([\\`*_\[\]<>|~#])")
_REASONS = 10  # of one DAG that is stopped


def pipeline(what: model.Pipeline) -> str:
    """The page of a DAG: what it does, its jobs, where it is written and what came of it."""
    parts = [
        _stopped(what),
        _held(what),
        escape(what.description or ""),
        contained(what.doc or ""),
        _jobs(what.jobs),
        _not_yet(_promises(what)),
        *_where_it_runs(what),
        f"Written in {code(what.file)}, for the environment {code(what.environment)}."
        + (f" Its pods run in the namespace {code(what.cluster.namespace)}." if what.cluster.namespace else ""),
    ]
    if what.resolved:
        parts += ["#### The configuration, after all layers", fenced(what.resolved, "yaml")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _where_it_runs(what: model.Pipeline) -> list[str]:
    """Why it has no schedule here, and in which environments it is at all.

    The place is a file and a key: a line would give every DAG a new version whenever the table moves it.
    """
    lines = []
    if what.schedule_off:
        lines.append(
            f"Its schedule is off here, by `schedules: manual` in {code(what.schedule_off)}; start it by hand."
        )
    if what.only:
        names = ", ".join(map(code, what.only))
        lines.append(f"It is in these environments only: {names}, by `only` in {code(what.file)}.")
    return lines


def _stopped(what: model.Pipeline) -> str:
    """Why nothing of a DAG runs."""
    if not what.stopped:
        return ""
    reasons = [f"- {escape(problem.message)} ({escape(problem.hint)})" for problem in what.stopped[:_REASONS]]
    more = len(what.stopped) - len(reasons)
    head = "### ⛔ Stopped: this version breaks rules of today, so it has no schedule, and each of its tasks fails"
    return "\n".join([head, "", *reasons, *([f"- and {more} more"] if more else [])])


def _held(what: model.Pipeline) -> str:
    """Loud words over a DAG that is not what its file says now."""
    if not what.held:
        return ""
    reasons = [f"- {code(f'{problem.place}: {problem.code}')} {escape(problem.message)}" for problem in what.held]
    head = f"### ⚠ Not as written: {code(what.file)} has problems, and this is the last version that had none"
    return "\n".join([head, "", *reasons])


def job(what: model.Job) -> str:
    """The page of a task."""
    cost = what.flavor.cost_per_hour
    flavor = f"{code(what.flavor.name)}: {size(what.flavor)}"
    price = f", {cost:g} an hour" if cost is not None else ""
    others = containers(what)[1:] if what.init_containers or what.pod else ()
    beside = ", ".join(f"{code(one.name)} ({one.kind}, {code(one.image)})" for one in others)
    parts = (
        contained(what.doc or ""),
        flavor + price,
        "; ".join(special(what)),
        f"Beside the job's own container: {beside}" if beside else "",
        "A piece of a pod of the job's own (`pod:`) is laid over all this." if what.pod else "",
        _tries(what.retries),
        _not_yet([*_after_failure(what), *_told(what.alerts)]),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def special(what: model.Job) -> list[str]:
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
        words.append(f"{span(retries.delay)} after a failure")
    if retries.backoff == "exponential":
        words.append("longer each time" + (f", up to {span(retries.max_delay)}" if retries.max_delay else ""))
    return ", ".join(words)


def _after_failure(what: model.Job) -> list[str]:
    """What follows when a pod failed in a certain way, a line for each; the first that fits holds."""
    grows = f"the next flavor, {code(what.flavor.next)}" if what.flavor.next else "again, as there is no next flavor"
    lines = []
    for one in what.retries.on:
        how = ", ".join([*map(code, one.reasons), *(f"exit code {number}" for number in one.exit_codes)])
        then = {"retry": "again", "fail": "no further try", "next_flavor": grows}[one.then]
        lines.append(f"after {how}: {then}" + (f", {span(one.delay)} later" if one.delay is not None else ""))
    if what.flavor.next and all("OOMKilled" not in one.reasons for one in what.retries.on):
        lines.append(f"the next flavor, {code(what.flavor.next)}, is not used: no retry rule says `then: next_flavor`")
    return lines


def _promises(what: model.Pipeline) -> list[str]:
    """What the pipeline asks for beside its jobs and nothing heeds yet."""
    kinds = {channel.name: channel.kind for channel in what.channels}
    lines = [f"deadline: {span(what.deadline)} after a run's start"] if what.deadline is not None else []
    lines += _told(what.alerts, kinds)
    if not what.alerts_enabled and (lines or what.channels):
        lines.append(f"alerts are switched off in {code(what.environment)}")
    return lines


def _told(alerts: model.Alerts, kinds: Mapping[str, str] | None = None) -> list[str]:
    """Who is told of each event, a line for each."""
    lines = []
    for event in ("failure", "success", "retry", "deadline"):
        channels = [f"{code(name)} ({kinds[name]})" if kinds else code(name) for name in getattr(alerts, f"on_{event}")]
        if channels:
            lines.append(f"on {event}: tell {', '.join(channels)}")
    return lines


def _not_yet(lines: list[str]) -> str:
    return "\n".join(["Without effect yet:", "", *(f"- {line}" for line in lines)]) if lines else ""


def span(seconds: int) -> str:
    """A length of time as the language writes it: ``1h30m``."""
    text = ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def size(flavor: model.Flavor) -> str:
    """A flavor in few words: ``4 CPU, 16Gi, 1 × nvidia.com/gpu``."""
    have = flavor.limits or flavor.requests
    words = [
        f"{have['cpu']} CPU" if "cpu" in have else "",
        have.get("memory", ""),
        f"{flavor.gpu_count} × {flavor.gpu_resource}" if flavor.gpu_count else "",
        f"{have['ephemeral-storage']} disk" if "ephemeral-storage" in have else "",
        f"{flavor.shm} shared memory" if flavor.shm else "",
    ]
    return ", ".join(escape(word) for word in words if word)


def _jobs(jobs: tuple[model.Job, ...]) -> str:
    """What each job gets and costs. Airflow shows the page in a narrow window: what is long comes last."""
    how = any(special(one) for one in jobs)  # a column for those pipelines that need it
    column = (" How |", "---|") if how else ("", "")
    rows = [
        f"| Job | Flavor | Cost per hour |{column[0]} Size | Image |",
        f"|---|---|---:|{column[1]}---|---|",
    ]
    for one in jobs:
        cost = one.flavor.cost_per_hour
        cells = [
            code(one.name),
            code(one.flavor.name),
            f"{cost:g}" if cost is not None else "",
            *(["; ".join(special(one))] if how else []),
            size(one.flavor),
            code(one.image),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


@lru_cache(4096)  # the same flavors and jobs, again and again
def escape(text: str) -> str:
    """``text`` as a line of Markdown that reads just so."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


@lru_cache(4096)
def code(text: str) -> str:
    """``text`` as code within a line or a table's cell."""
    text = " ".join(text.split())
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if len(ticks) > 1 else ""
    return f"{ticks}{space}{text}{space}{ticks}".replace("|", "\\|")


def fenced(text: str, language: str = "") -> str:
    """``text`` as a block of code, however many backticks are in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def contained(markdown: str) -> str:
    """A user's Markdown that ends where it ends: an open fence is closed, no HTML block is begun."""
    lines: list[str] = []
    fence = ""
    for line in markdown.strip().splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and line.lstrip().startswith("<"):
            line = line.replace("<", "\\<", 1)
        lines.append(line)
    if fence:
        lines.append(fence)
    return "\n".join(lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
