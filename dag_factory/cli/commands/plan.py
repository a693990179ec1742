"""``dagf plan``: what a change does, compared offline in every environment."""

from __future__ import annotations

import gc
import importlib.metadata
import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dag_factory.cli import terminal
from dag_factory.cli.code_hosts import repository_folder
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.cli.interrupts import raise_on_first_signal
from dag_factory.config import ProjectError
from dag_factory.config.problems import errors
from dag_factory.config.suggestions import did_you_mean
from dag_factory.plan.formats.error_items import is_consequence
from dag_factory.plan.formats.json_document import as_json
from dag_factory.plan.formats.markdown import LIMITS, as_markdown, failed_as_markdown
from dag_factory.plan.formats.outline import Tone, count
from dag_factory.plan.formats.text import as_text
from dag_factory.plan.make_plan import make_plan, plan_environments
from dag_factory.plan.model import Plan
from dag_factory.plan.plan_error import PlanError
from dag_factory.plan.revisions.errors import RevisionError
from dag_factory.plan.risks.kinds import RISKS
from dag_factory.scaffold.ci.marker import comment_marker

_COLORS: dict[Tone, str] = {"added": "green", "removed": "red", "changed": "yellow", "risk": "red", "faint": "cyan"}
_BOLD: tuple[Tone, ...] = ("strong", "risk")


class Gates(msgspec.Struct, frozen=True):
    """What makes the exit code 1, in addition to new errors: kinds of risks, and any change at all."""

    risks: tuple[str, ...] = ()
    any_change: bool = False


class Request(msgspec.Struct, frozen=True):
    """What to compare. ``environments`` are names, or one pair such as ``dev..prod``; empty means all."""

    base: str | None = None
    head: str | None = None
    environments: tuple[str, ...] = ()
    home: Path | None = None
    usage: Path | None = None


def plan(request: Request, gates: Gates, output_format: str, host: str) -> int:
    """Print the plan as ``text``, ``json`` or ``markdown``. A comment is printed for a plan that failed, too."""
    raise_on_first_signal()  # so that what was read to temporary folders is removed
    gc.disable()  # as in `dagf check`
    try:
        _check_risks(gates.risks)
        found = _make(request)
    except (CouldNotRun, PlanError, ProjectError, RevisionError) as failure:
        if output_format == "markdown":
            terminal.write(_failed(str(failure), request.home))
        raise CouldNotRun(str(failure)) from failure
    except Exception:
        if output_format != "markdown":
            raise
        terminal.write(_failed(_INTERNAL, request.home))
        terminal.note(traceback.format_exc())
        return 2
    reasons = failures(found, gates)
    terminal.write(_shown(found, request.home, output_format, host, reasons, gates.risks).rstrip("\n"))
    if reasons:
        terminal.note(f"Exit code 1: {', '.join(reasons)}.")
    return 1 if reasons else 0


_INTERNAL = "dagf failed with an internal error; its text is in the log of the CI job"


def failures(found: Plan, gates: Gates) -> list[str]:
    """Return what makes the exit code 1; nothing if it is 0."""
    all_errors = errors(found.new_problems)
    new_errors = [one for one in all_errors if not is_consequence(one)] or all_errors
    reasons = [count(len(new_errors), "new error")] if new_errors else []
    for kind in dict.fromkeys(gates.risks):
        number = sum(risk.kind == kind for risk in found.risks)
        reasons += [f"{count(number, 'risk')} {kind}"] if number else []
    dags = {change.id for change in found.changes}
    return reasons + ([f"{count(len(dags), 'DAG')} changed"] if gates.any_change and dags else [])


def _make(request: Request) -> Plan:
    home = find_home(request.home)
    pairs = [one for one in request.environments if ".." in one]
    if not pairs:
        return make_plan(home, request.base, request.head, request.environments, request.usage)
    before, _, after = pairs[0].partition("..")
    if len(request.environments) > 1 or not before or not after:
        raise CouldNotRun("to compare two environments, use --env once: `dagf plan --env dev..prod`")
    if request.base or request.head:
        raise CouldNotRun(f"`--env {pairs[0]}` compares the files on disk; leave out BASE and HEAD")
    return plan_environments(home, before, after, request.usage)


def _check_risks(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if kind not in RISKS:
            near = did_you_mean(kind, RISKS)
            listed = "" if near.startswith("use one of") else f"; all risks: {', '.join(sorted(RISKS))}"
            raise CouldNotRun(f"unknown risk `{kind}` in --fail-on: {near}{listed}")


def _failed(error: str, home: Path | None) -> str:
    return failed_as_markdown(error, importlib.metadata.version("dagwright"), _marker(home)).rstrip("\n")


def _marker(home: Path | None) -> str:
    try:
        return comment_marker(repository_folder(find_home(home)))
    except ProjectError:  # the comment that says so still needs one
        return comment_marker("")


def _shown(
    found: Plan, home: Path | None, output_format: str, host: str, reasons: Sequence[str], failing: Sequence[str]
) -> str:
    if output_format == "json":
        return as_json(found)
    if output_format == "markdown":
        return as_markdown(found, LIMITS[host], reasons, failing, _marker(home))
    return as_text(found, _paint, failing)


def _paint(text: str, tone: Tone) -> str:
    if not tone:
        return text
    return terminal.style(text, fg=_COLORS.get(tone), bold=tone in _BOLD)
