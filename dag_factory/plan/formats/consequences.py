"""What a change means in one environment, in one sentence, and what it means for runs and costs.

A reviewer reads this first. So it says what happens and not how many things differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from dag_factory.config.source import image_folders
from dag_factory.plan.formats.fields import field_pieces, is_limit, label, value_text
from dag_factory.plan.formats.outline import Piece, Tone, count, name, names, words
from dag_factory.plan.formats.wording import pair_of
from dag_factory.plan.model import DagChange, EnvironmentCost, FieldChange, Plan

Pieces = tuple[Piece, ...]

_SHORT = 140  # characters
_FIELDS = 8  # different changes of jobs: of more, the summary tells no details
_ENCODER = msgspec.msgpack.Encoder(order="deterministic", enc_hook=lambda value: type(value).__name__)
_FLAVOR = "resource_flavor"
_NAMED = 3  # DAGs; of more, only the number is shown
_SIZE = ("cpu", "memory", "ephemeral-storage", "gpu", "resources", "cpu limit", "cpu request", "memory limit")
_WHAT = ("image", "flavor", "size", "price")
_SAME = "; its jobs and its schedule stay the same"
NOTHING: Pieces = (words("no DAG changes"),)


def consequence(plan: Plan, environment: str) -> Pieces:
    """What happens in one environment, without its name."""
    changes = [change for change in plan.changes if change.environment == environment]
    parts = [part for part in _parts(plan, environment, changes) if part]
    if not parts:
        return NOTHING
    pieces: list[Piece] = []
    for part in parts:
        pieces += [words("; ")] if pieces else []
        pieces += part
    return tuple(pieces)


def facts(plan: Plan, environment: str) -> Pieces:
    """What the change means for past runs and for costs in one environment; nothing if it has no effect there."""
    changes = [change for change in plan.changes if change.environment == environment]
    if not any(_runs_change(change) or _changes_jobs(change) for change in changes):
        return _of_broken(plan, [change for change in changes if change.kind == "broken"])
    parts = [_past_runs(plan, environment)]
    cost = next((cost for cost in plan.costs if cost.environment == environment), None)
    if environment != image_folders.ENVIRONMENT:
        parts.append(_price(cost))
    pieces: list[Piece] = []
    for part in parts:
        pieces += [words(", ")] if pieces else []
        pieces += part
    return tuple(pieces)


def hourly_text(cost: EnvironmentCost) -> str:
    """``0.10 -> 0.20``, or one amount if it stays."""
    before, after = (f"{amount:,.2f}" for amount in cost.hourly)
    return after if before == after else f"{before} → {after}"


def _parts(plan: Plan, environment: str, changes: Sequence[DagChange]) -> Iterator[Pieces]:
    kinds: dict[str, list[DagChange]] = {}
    for change in changes:
        kinds.setdefault(change.kind, []).append(change)
    broken = kinds.get("broken", ())
    yield _subject([one for one in broken if one.is_new], "is new and cannot be built", "are new and cannot be built")
    running = "cannot be built, so the last good version keeps running", "cannot be built; their last good versions run"
    yield _subject([one for one in broken if not one.is_new], *running, tone="risk")
    yield _subject(kinds.get("removed", ()), "is removed", "are removed", tone="removed")
    for change in kinds.get("renamed", ())[:_NAMED]:
        old = str(change.renamed_from)
        same = "" if change.fields or change.jobs or change.edges_added or change.edges_removed else _SAME
        text = f", a new DAG for Airflow, without history{same}"
        yield (name(old), words(" becomes "), name(change.id), words(text))
    if len(kinds.get("renamed", ())) > _NAMED:
        yield (words(f"{count(len(kinds['renamed']) - _NAMED, 'more DAG')} renamed"),)
    yield from _new(kinds.get("added", ()))
    yield _subject(kinds.get("repaired", ()), "had errors and can be built now", "had errors and can be built now")
    yield from _changed([*kinds.get("changed", ()), *kinds.get("renamed", ())])
    yield from _limits(plan, environment, changes)
    broken_as_before = sorted({place.dag_id for place in plan.still_broken if place.environment == environment})
    if broken_as_before:
        ids = names(tuple(broken_as_before)) if len(broken_as_before) <= _NAMED else ()
        many = words(f"{'' if ids else count(len(broken_as_before), 'changed DAG')} still cannot be built, as before")
        yield (*ids, many)
    documentation = kinds.get("documentation", ())
    if documentation:
        only = "" if len(documentation) < len(changes) else "only "
        yield (words(f"{only}the documentation of {count(len(documentation), 'DAG')} changes"),)


def _subject(changes: Sequence[DagChange], one: str, many: str, tone: Tone = "") -> Pieces:
    ids = tuple(sorted(change.id for change in changes))
    if not ids:
        return ()
    subject = names(ids) if len(ids) <= _NAMED else (words(count(len(ids), "DAG")),)
    return (*subject, words(f" {one if len(ids) == 1 else many}", tone))


def _new(changes: Sequence[DagChange]) -> Iterator[Pieces]:
    if len(changes) > _NAMED:
        yield (words(f"{count(len(changes), 'DAG')} are new"),)
        return
    for change in changes:
        schedule = [field.after for field in change.fields if field.path == "schedule"]
        runs = (words(", schedule "), name(value_text(schedule[0]))) if schedule else (words(", started by hand only"),)
        yield (name(change.id), words(" is new", "added"), *runs)


def _changed(changes: Iterable[DagChange]) -> Iterator[Pieces]:
    """What happens to the jobs of DAGs that exist before and after."""
    jobs: dict[str, set[tuple[str, str]]] = {"changed": set(), "added": set(), "removed": set()}
    what: set[str] = set()
    values: dict[bytes, tuple[FieldChange, ...]] = {}
    seen: set[int] = set()  # equal changes of jobs are mostly one object
    settings: dict[str, dict[str, list[FieldChange]]] = {}
    order: set[str] = set()
    for change in changes:
        for job in change.jobs:
            jobs[job.kind].add((change.id, job.job))
            if job.kind == "changed" and id(job.fields) not in seen:
                seen.add(id(job.fields))
                what |= _kinds_of(job.fields)
                told = _told(job.fields)
                if len(values) <= _FIELDS:
                    values[_ENCODER.encode(told)] = told
        for field in change.fields:
            if not is_limit(field):
                key = label(field.path).partition(".")[0]
                settings.setdefault(key, {}).setdefault(change.id, []).append(field)
        if (change.edges_added or change.edges_removed) and not any(job.kind != "changed" for job in change.jobs):
            order.add(change.id)
    if jobs["changed"]:
        verb = "gets" if len(jobs["changed"]) == 1 else "get"
        known = " and ".join(one for one in _WHAT if one in what)
        does = f"{verb} another {known}" if "other" not in what else ("changes" if verb == "gets" else "change")
        yield (words(f"{_jobs(jobs['changed'])} {does}"), *_details([*values.values()], what))
    for kind, verbs in (("added", ("is new", "are new")), ("removed", ("is removed", "are removed"))):
        if jobs[kind]:
            yield (words(f"{_jobs(jobs[kind])} {verbs[len(jobs[kind]) > 1]}"),)
    for key, by_dag in settings.items():
        listed = names(tuple(sorted(by_dag))) if len(by_dag) <= _NAMED else (words(count(len(by_dag), "DAG")),)
        different = {
            _ENCODER.encode((field.path, field.before, field.after)): field
            for fields in by_dag.values()
            for field in fields
        }
        pieces = field_pieces(different.values()) if len(different) == 1 else ()
        if pieces and _is_short(pieces):
            yield (*pieces, words(" in "), *listed)
        else:
            yield (name(key), words(" changes in "), *listed)
    if order:
        yield (words(f"the order of jobs changes in {count(len(order), 'DAG')}"),)


def _told(fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """The changes of a job of which the summary may tell the values: a new flavor includes its size and its price."""
    flavor = tuple(field for field in fields if field.path == _FLAVOR)
    return flavor or tuple(field for field in fields if not field.path.startswith(_FLAVOR))


def _catchup_elsewhere(plan: Plan, ids: Collection[str]) -> Pieces:
    """How many runs catchup starts in the first environment where the DAGs can be built: as many are likely here."""
    found: dict[str, int] = {}
    for risk in plan.risks:
        for environment, dag_id in {(place.environment, place.dag_id) for place in risk.places}:
            if risk.kind == "catchup" and dag_id in ids:
                found[environment] = found.get(environment, 0) + risk.runs
    for environment in plan.environments:
        if found.get(environment):
            runs = words(f"up to {count(found[environment], 'run')}", "risk")
            return (words("; in "), name(environment), words(", catchup starts "), runs, words(" for the past"))
    return ()


def _details(values: Sequence[tuple[FieldChange, ...]], what: set[str]) -> Pieces:
    """In brackets: the values before and after if all jobs have the same ones, or what changes, if this is short."""
    labels = {label(field.path) for fields in values for field in fields}
    pieces: Pieces = ()
    if "other" in what:
        pieces = names(tuple(sorted(labels))) if len(labels) <= _NAMED and len(values) <= _FIELDS else ()
    elif len(values) == 1 and values[0]:
        pieces = field_pieces(values[0])
        if what <= {"image"} or what <= {"flavor"}:
            pieces = pieces[2:]  # the text before names the field
    return (words(" ("), *pieces, words(")")) if pieces and _is_short(pieces) else ()


def _is_short(pieces: Pieces) -> bool:
    return sum(len(piece.text) for piece in pieces) <= _SHORT


def _jobs(found: set[tuple[str, str]]) -> str:
    return f"{count(len(found), 'job')} of {count(len({dag for dag, _ in found}), 'DAG')}"


def _kinds_of(fields: Iterable[FieldChange]) -> set[str]:
    labels = {label(field.path) for field in fields}
    if "resource_flavor" in labels:
        return {"flavor"}
    found = set()
    for one in labels:
        resource = one.rpartition(" ")[0] or one
        known = {"image": "image", "resource_flavor.cost_per_hour": "price"}
        found.add(known.get(one) or ("size" if resource in _SIZE else "other"))
    return found


def _limits(plan: Plan, environment: str, changes: Sequence[DagChange]) -> Iterator[Pieces]:
    """Limits of the platform, which change no job."""
    places = {place.environment for risk in plan.risks if risk.kind == "guard-loosened" for place in risk.places}
    loosened = {
        risk.sentence
        for risk in plan.risks
        if risk.kind == "guard-loosened" and environment in {place.environment for place in risk.places}
    }
    limits = {field.path for change in changes for field in change.fields if is_limit(field)}
    only = "" if any(_changes_jobs(change) or _runs_change(change) for change in changes) else ", but no job changes"
    if environment in places:
        number = len(loosened)
        yield (words(f"{count(number, 'limit')} {'is' if number == 1 else 'are'} loosened{only}", "risk"),)
    elif limits:
        yield (words(f"limits change{only}"),)


def _changes_jobs(change: DagChange) -> bool:
    return bool(change.jobs) or change.kind in ("added", "removed", "renamed", "repaired")


def _runs_change(change: DagChange) -> bool:
    return bool(change.edges_added or change.edges_removed) or any(not is_limit(field) for field in change.fields)


def _past_runs(plan: Plan, environment: str) -> Pieces:
    runs = sum(
        risk.runs
        for risk in plan.risks
        if risk.kind == "catchup"
        for _ in {place.dag_id for place in risk.places if place.environment == environment}
    )
    if not runs:
        return (words("Catchup starts no runs"),)
    return (words("Catchup starts "), words(f"up to {count(runs, 'run')}", "risk"), words(" for the past (see Risks)"))


def _of_broken(plan: Plan, changes: Sequence[DagChange]) -> Pieces:
    """What is known about runs and costs if nothing but broken DAGs changes in an environment."""
    if not changes or pair_of(plan):
        return ()
    new = {change.id for change in changes if change.is_new}
    if new:
        return (words("Runs and prices after the fix are not known"), *_catchup_elsewhere(plan, new))
    return (words("Runs and prices stay as they are until the errors are fixed"),)


def _price(cost: EnvironmentCost | None) -> Pieces:
    if cost is not None and cost.jobs and cost.not_estimable.get("no price") == cost.jobs:
        return (words("no price known: the flavors have no "), name("cost_per_hour"))
    monthly = _monthly(cost)
    if cost is None or f"{cost.hourly[0]:.4f}" == f"{cost.hourly[1]:.4f}":
        return (words(f"prices as before{monthly and f',{monthly}'}"),)
    return (words(f"price per hour {hourly_text(cost)}{monthly and f',{monthly}'} (see Cost)"),)


def _monthly(cost: EnvironmentCost | None) -> str:
    """What the estimate for 30 days adds, if there is one and it changes."""
    if cost is None or cost.monthly is None:
        return ""
    before, after = (f"{amount:,.2f}" for amount in cost.monthly)
    return "" if before == after else f" about {before} → {after} in 30 days"
