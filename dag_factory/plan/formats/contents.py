"""The contents of a plan, in the order in which a reviewer reads them: summary, risks, effects, errors, DAGs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from dag_factory.config.ids import DagId
from dag_factory.config.source import image_folders
from dag_factory.plan.formats.consequences import NOTHING, consequence, facts, hourly_text
from dag_factory.plan.formats.coverage import Coverage, SharedChange
from dag_factory.plan.formats.dag_items import dag_items, lists_by_environments, problem_items
from dag_factory.plan.formats.error_items import error_items
from dag_factory.plan.formats.fields import field_items, field_pieces
from dag_factory.plan.formats.outline import Item, Outline, Piece, Section, count, name, names, words
from dag_factory.plan.formats.places import blast_radius, cause_pieces, in_order, place_names, what_changes, where
from dag_factory.plan.formats.visible import cut
from dag_factory.plan.formats.wording import kinds, pair_of
from dag_factory.plan.model import Cause, Effect, EnvironmentCost, Plan, PoolChange, Revision, Risk

_EFFECTS = 20  # of one line
_NAMES = 8  # of DAGs, for a shared change
_FEW = 3  # DAGs that the summary names
_LONGEST_LINE = 120
_ALWAYS = "runs-in-progress"  # nearly every change has this risk, so it is the last one


def outline(plan: Plan, failing: Collection[str] = ()) -> Outline:
    """Return the contents of a plan. ``failing`` are the kinds of risks that fail the check."""
    coverage = Coverage(plan)
    dags, effects_only = dag_items(plan, coverage)
    sections = (
        Section(
            "Risks",
            tuple(_risk(plan, risk, failing) for risk in sorted(plan.risks, key=lambda one: one.kind == _ALWAYS)),
            _note_about_risks(plan, failing),
            share=0.4,
            noun="risk",
            tone="risk",
        ),
        Section("Errors", error_items(plan), share=0.4, noun="error", tone="risk"),
        Section(
            "Shared changes",
            tuple(_shared_change(plan, change) for change in coverage.shared),
            share=0.5,
            noun="change",
        ),
        Section("DAGs", dags, folded=True, share=0.8, noun="DAG"),
        Section("DAGs with only shared changes", effects_only if dags or _is_long(coverage) else (), noun="line"),
        Section("Documentation only", _documentation(plan), noun="line"),
        Section(
            "Cost",
            tuple(_cost(cost, plan.today) for cost in plan.costs if _has_news(cost)),
            _note_about_costs(plan),
            noun="environment",
        ),
        Section("Other problems", _other_problems(plan), noun="problem"),
        Section(
            "Not analyzed",
            tuple(Item((name(one.file), words(": "), Piece(one.reason, "sentence"))) for one in plan.not_analyzed),
            (words("The plan says nothing about these files."),),
            noun="file",
        ),
    )
    return Outline(_facts(plan), _summary(plan), tuple(one for one in sections if one.items))


def is_empty(plan: Plan) -> bool:
    """Return whether nothing changes in any environment."""
    return not (plan.changes or plan.risks or plan.pools or plan.new_problems or plan.solved_problems)


def revision_pieces(revision: Revision) -> tuple[Piece, ...]:
    """Return what a reader calls it, and its commit."""
    commit = (words(" ("), name(revision.commit[:12]), words(")")) if revision.commit else ()
    dirty = (words(" with uncommitted changes"),) if revision.dirty else ()
    same = revision.name == revision.commit or (revision.commit and revision.commit.startswith(revision.name))
    return (name(revision.commit[:12]), *dirty) if same else (name(revision.name), *commit, *dirty)


def _facts(plan: Plan) -> tuple[tuple[Piece, ...], ...]:
    read_files = plan.files - len(plan.not_analyzed)
    read = (
        words(f"{read_files:,} of {count(plan.files, 'configuration file')} analyzed. dagf "),
        name(plan.version),
        words("."),
    )
    environments = (words(f"{count(len(plan.environments), 'environment')}: "), *names(plan.environments, 20))
    sides = (words("From "), *revision_pieces(plan.base), words(" to "), *revision_pieces(plan.head), words("."))
    if pair := pair_of(plan):
        sides = (
            words("From the environment "),
            name(pair[0]),
            words(" to "),
            name(pair[1]),
            words(", on disk."),
        )
        return (sides, read)
    return (sides, (*environments, words(". "), *read))


def _summary(plan: Plan) -> tuple[Item, ...]:
    if pair_of(plan):
        return _summary_of_pair(plan)
    told = {environment: consequence(plan, environment) for environment in plan.environments}
    changed = [environment for environment, pieces in told.items() if pieces != NOTHING]
    if not changed:
        text = "No DAG changes in " if plan.environments else "No DAG changes"
        lines = [Item((words(text), *names(plan.environments, 20), words(".")))]
    else:
        shown = list(dict.fromkeys((plan.environments[0], changed[0])))
        same = [one for one in changed if told[one] == told[changed[0]]]
        head: list[Piece] = []
        for environment in shown:
            together = same if environment == changed[0] else [environment]
            head += [words(" ")] if head else []
            head += [*names(tuple(together)), words(": "), *told[environment], words(".")]
        lines = [Item(tuple(head))]
        lines += _environment_lines(plan, told, {*shown, *same})
    lines += [_pool(plan, change) for change in plan.pools]
    if plan.changed_files and not (changed or plan.pools):
        lines.append(_files_without_effect(plan))
    if plan.not_analyzed:
        lines.append(Item((words(f"{count(len(plan.not_analyzed), 'file')} could not be analyzed.", "risk"),)))
    return tuple(lines)


def _environment_lines(plan: Plan, told: Mapping[str, tuple[Piece, ...]], in_head: Collection[str]) -> Iterator[Item]:
    """One line for each environment, or for several with the same text: what the headline does not say yet."""
    found: dict[tuple[Piece, ...], list[str]] = {}
    for environment in plan.environments:
        parts = () if environment in in_head else told[environment]
        more = facts(plan, environment)
        found.setdefault((*parts, *((words(". "),) if parts and more else ()), *more), []).append(environment)
    for pieces, environments in found.items():
        if pieces:
            yield Item((*names(tuple(environments), 20), words(": "), *pieces))


def _pool(plan: Plan, change: PoolChange) -> Item:
    head = (*names(in_order(plan, change.environments), 20), words(": the pool "), name(change.pool))
    if change.before is None:
        return Item((*head, words(f" is new, with {count(change.after or 0, 'slot')}")))
    if change.after is None:
        return Item((*head, words(" is removed", "removed")))
    return Item((*head, words(f" gets {count(change.after, 'slot')} instead of {change.before:,}")))


def _files_without_effect(plan: Plan) -> Item:
    number, total = len(plan.changed_files), plan.files
    verb = "differs" if number == 1 else "differ"
    files = words(f"{number:,} of {count(total, 'configuration file')} {verb}, without an effect on a DAG: ")
    return Item((files, *names(plan.changed_files, _FEW)))


def _summary_of_pair(plan: Plan) -> tuple[Item, ...]:
    if is_empty(plan):
        return (Item((words("Both environments have the same DAGs."),)),)
    by_dag: dict[str, set[str]] = {}
    for change in plan.changes:
        by_dag.setdefault(change.id, set()).add(change.kind)
    strongest = Counter(next(kind for kind in kinds(plan) if kind in found) for found in by_dag.values())
    total = count(len(by_dag), "DAG")
    if not strongest:
        head = Item((words("No DAG differs."),))
    else:
        listed = (words(": "), *names(tuple(by_dag), _FEW)) if len(by_dag) <= _FEW else ()
        only = (words(f"{total} "), *kinds(plan)[next(iter(strongest))].label, *listed)
        head = Item(only if len(strongest) == 1 else (words(f"{total}: "), *_counted(plan, strongest)))
    return (head,)


def _counted(plan: Plan, numbers: Counter[str]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for kind, (label, *_) in kinds(plan).items():
        if numbers[kind]:
            pieces += [words(", ")] if pieces else []
            pieces += [words(f"{numbers[kind]:,} ", label[0].tone), *label]
    return tuple(pieces)


def _risk(plan: Plan, risk: Risk, failing: Collection[str]) -> Item:
    children = []
    if risk.kind == _ALWAYS:
        children.append(Item(blast_radius(plan, risk.places)))
    elif risk.places:
        environments = where(plan, (place.environment for place in risk.places))
        children.append(Item((*place_names(risk.places), *environments)))
    if risk.cause:
        children.append(Item((words("changed in "), *cause_pieces(plan, risk.cause)), diff=_line(plan, risk.cause)))
    fails = (words(" (fails the check)"),) if risk.kind in failing else ()
    sentence = Piece(risk.sentence, "sentence")
    return Item((Piece(risk.kind, "strong", "risk"), *fails, words(": "), sentence), tuple(children))


def _note_about_risks(plan: Plan, failing: Collection[str]) -> tuple[Piece, ...]:
    if any(risk.kind in failing for risk in plan.risks):
        return ()
    return (words("None of these risks fails the check."),)


def _line(plan: Plan, cause: Cause) -> tuple[str, ...]:
    """The text of the changed line, before and after."""
    key = (cause.file, cause.line, cause.side)
    found = next((one for one in plan.lines if (one.cause.file, one.cause.line, one.cause.side) == key), None)
    if found is None or pair_of(plan):
        return ()
    sides = (("-", found.before), ("+", found.after))
    return tuple(f"{sign}{cut(text.strip(), _LONGEST_LINE)}" for sign, text in sides if text is not None)


def _is_long(coverage: Coverage) -> bool:
    """Return whether the shared changes do not name all of their DAGs."""
    return any(len({place.dag_id for place in change.places}) > _NAMES for change in coverage.shared)


def _shared_change(plan: Plan, change: SharedChange) -> Item:
    cause = change.cause
    layer = (words(" ("), name(cause.layer), words(")")) if cause and cause.layer else ()
    head = (*cause_pieces(plan, cause), *layer, words(": ")) if cause else ()
    diff = _line(plan, cause) if cause else ()
    if len(change.effects) == 1:
        return _effect(plan, change.effects[0], head, diff)
    number = sum(len(effect.fields) for effect in change.effects)
    radius = (words(f"{count(number, 'change')}, together in "), *blast_radius(plan, change.places))
    some = {place.environment for place in change.places}
    items = [_effect(plan, effect, (), is_below=_environments(effect) == some) for effect in change.effects[:_EFFECTS]]
    if len(change.effects) > len(items):
        rest = count(len(change.effects) - len(items), "more change")
        items.append(Item((words(f"… and {rest} of this line; --json has all"),)))
    return Item((*head, *radius), tuple(items), diff)


def _environments(effect: Effect) -> set[str]:
    return {place.environment for place in effect.places}


def _effect(
    plan: Plan, effect: Effect, head: tuple[Piece, ...], diff: tuple[str, ...] = (), is_below: bool = False
) -> Item:
    """One effect. ``is_below``: the line above names its environments."""
    radius = (words(" in "), *(what_changes(effect.places) if is_below else blast_radius(plan, effect.places)))
    dags = Item(place_names(effect.places, _NAMES))
    fields = field_items(effect.fields)
    if len(fields) == 1 and not fields[0].diff:
        return Item((*head, *field_pieces(effect.fields), *radius), (dags,), diff)
    return Item((*head, words(count(len(fields), "change")), *radius), (*fields, dags), diff)


def _documentation(plan: Plan) -> tuple[Item, ...]:
    dags: dict[DagId, list[str]] = {}
    for change in plan.changes:
        if change.kind == "documentation":
            dags.setdefault(change.id, []).append(change.environment)
    return lists_by_environments(plan, dags)


def _cost(cost: EnvironmentCost, today: str) -> Item:
    number = count(cost.jobs, "changed job")
    lines: list[tuple[Piece, ...]] = []
    if any(cost.hourly):
        lines.append((words(f"one hour of each of the {number}, added up: {hourly_text(cost)}"),))
    if cost.monthly and (any(cost.monthly) or not cost.not_estimable):
        before, after = (f"{amount:,.2f}" for amount in cost.monthly)
        amounts = f"{before} → {after}" if before != after else f"{after}, as before,"
        lines.append((words(f"about {amounts} in the 30 days from {today}"),))
    if cost.not_estimable:
        total = sum(cost.not_estimable.values())
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in sorted(cost.not_estimable.items()))
        period = "" if cost.monthly is None else " for 30 days"
        lines.append((words(f"not estimable{period}: {count(total, 'job')} ("), Piece(reasons, "sentence"), words(")")))
    return Item((name(cost.environment),), tuple(Item(line) for line in lines))


def _has_news(cost: EnvironmentCost) -> bool:
    """Return whether the prices change, or there is an estimate. The local machine costs nothing."""
    if cost.environment == image_folders.ENVIRONMENT:
        return False
    return cost.monthly is not None or f"{cost.hourly[0]:.4f}" != f"{cost.hourly[1]:.4f}"


def _note_about_costs(plan: Plan) -> tuple[Piece, ...]:
    unit = (words("Amounts are in the unit of "), name("cost_per_hour"), words(" in the table of flavors. "))
    if any(cost.monthly is not None for cost in plan.costs):
        return (*unit, words("Retries are not counted."))
    return (*unit, words("With "), name("--usage"), words(", the plan also estimates 30 days."))


def _other_problems(plan: Plan) -> tuple[Item, ...]:
    items = list(problem_items(one for one in plan.new_problems if one.severity != "error"))
    if plan.solved_problems:
        items.append(Item((words(f"{count(len(plan.solved_problems), 'problem')} solved by this change"),)))
    if plan.unchanged_problems:
        number = count(plan.unchanged_problems, "problem")
        text = f"{number} of the tables and the compared files as before; to see all, run: dagf check"
        items.append(Item((words(text),)))
    return tuple(items)
