"""Containers that ended: out of memory, not started, ended by a probe, or with an exit code of their own."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.verdicts.evidence.model import Container, End, Evidence
from dag_factory.verdicts.rules import configuration
from dag_factory.verdicts.rules.phrases import (
    cause,
    clause,
    details,
    end_of,
    exit_code_meaning,
    flavor_of,
    memory_hint,
    name_of,
    on_node,
    run_time,
)
from dag_factory.verdicts.verdict import Fact, Verdict, make_verdict

_START_REASONS = {
    "StartError",
    "ContainerCannotRun",
    "RunContainerError",
    "CreateContainerError",
    "CreateContainerConfigError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
}
_SIGNALS = (137, 143)
_KILLING_PROBES = ("Liveness", "Startup")


def find_out_of_memory(evidence: Evidence) -> Verdict | None:
    """The verdict if the container that decided was killed for its memory."""
    container, end = next(_failed(evidence), (None, None))
    if container is None or end is None or end.reason != "OOMKilled":
        return None
    return _out_of_memory(evidence, container, end)


def find_failed_container(evidence: Evidence) -> Verdict | None:
    """The verdict on the container that decided: the first that failed of init containers, the job's, its sidecars."""
    container, end = next(_failed(evidence), (None, None))
    if container is None or end is None:
        return None
    if end.reason in _START_REASONS:
        return _start_failed(evidence, container, end)
    return _failed_probe(evidence, container, end) or _exit_code(evidence, container, end)


def _failed(evidence: Evidence) -> Iterator[tuple[Container, End]]:
    """The containers that failed. What ends after the job's container is ended by the kubelet, and decides nothing."""
    base = evidence.pod.base if evidence.pod else None
    job_ended = base is not None and base.end is not None
    for container in evidence.containers:
        end = container.end
        if end is None and container.reason == "CrashLoopBackOff":
            end = container.previous
        if end is None or end.exit_code == 0 or (end.exit_code is None and not end.reason):
            continue
        was_stopped = container.restarts_always or (end.exit_code in _SIGNALS and end.reason != "OOMKilled")
        if container.role == "base" or not (job_ended and was_stopped):
            yield container, end


def _out_of_memory(evidence: Evidence, container: Container, end: End) -> Verdict:
    limit = container.limits.get("memory", "")
    facts = [_fact(container, end)]
    if limit:
        facts.append(Fact(f"memory limit {limit}", f"pod.spec container `{container.name}`"))
    elif container.role == "base" and (limit := evidence.limits.get("memory", "")):
        facts.append(Fact(f"memory limit {limit}", "flavor"))
    where = details(flavor_of(evidence, container), on_node(evidence), _code(end))
    if not limit:
        sentence = f"{name_of(container)} has no memory limit, and was killed when memory on its node ran out"
    elif end.exit_code == 137:
        sentence = f"{name_of(container)} was killed at its limit of {limit}"
    else:
        sentence = f"a process in {name_of(container)} was killed at the limit of {limit}"
    return make_verdict(
        "out-of-memory",
        f"out of memory: {sentence}{where}",
        facts,
        advice="" if container.role == "base" else f"raise the memory limit of the container `{container.name}`",
        reasons=[end.reason],
        exit_code=end.exit_code,
        container=container.name,
    )


def _start_failed(evidence: Evidence, container: Container, end: End) -> Verdict:
    why = configuration.describe(end.message) or cause(end.message) or f"the runtime reports {end.reason}"
    missing = any(text in end.message for text in ("no such file or directory", "executable file not found"))
    return make_verdict(
        "start-failed",
        f"start failed: {name_of(container)} could not start: {why}{details(on_node(evidence))}",
        [_fact(container, end)],
        advice="correct the command, or use an image that has it" if missing else "",
        reasons=[end.reason],
        exit_code=end.exit_code,
        container=container.name,
        is_final=missing,
    )


def _failed_probe(evidence: Evidence, container: Container, end: End) -> Verdict | None:
    """A container that Kubernetes ended after a probe: an event says so, the status does not."""
    probe, facts = "", []
    for event in evidence.events_of("Killing", container=container.name):
        words = event.message.split()  # Container base failed liveness probe, will be restarted
        if "failed" in words and "probe," in words:
            probe = words[words.index("failed") + 1].capitalize()
            facts.append(Fact(clause(event.message), event.source))
    detail = ""
    for event in evidence.events_of("Unhealthy", container=container.name):
        kind, _, rest = event.message.partition(" probe ")
        if kind in _KILLING_PROBES and (kind == probe or (not probe and end.exit_code in _SIGNALS)):
            probe, detail = kind, clause(rest.partition(":")[2])
            facts.append(Fact(clause(event.message), event.source))
            break
    if not probe:
        return None
    sentence = f"probe failed: the {probe.lower()} probe of {name_of(container)} failed, so Kubernetes ended it"
    return make_verdict(
        "probe-failed",
        sentence + (f": {detail}" if detail else "") + details(on_node(evidence), _code(end)),
        [_fact(container, end), *facts],
        reasons=[end.reason],
        exit_code=end.exit_code,
        container=container.name,
    )


def _exit_code(evidence: Evidence, container: Container, end: End) -> Verdict:
    signal, meaning, advice = exit_code_meaning(end.exit_code)
    time = run_time(end)
    after = f"after {time}" if time else ""
    code = f"exit code {end.exit_code}" if end.exit_code is not None else end.reason
    sentence = f"{code}{details(signal)}: {meaning or f'{name_of(container)} failed'}"
    if meaning and container.role != "base":
        sentence += f" in {name_of(container)}"
    if not meaning and after:
        sentence, after = f"{sentence} {after}", ""
    if note := end_of(end.message, 160):  # the termination message, or what the runtime says
        sentence += f": {note}"
    facts = [_fact(one, how) for one, how in _failed(evidence)]
    if evidence.log and container.role == "base":
        facts.append(Fact(clause(evidence.log[-1]), "log"))
    return make_verdict(
        "exit-code",
        sentence + details(after, on_node(evidence)),
        facts,
        advice=(memory_hint(evidence.log) if container.role == "base" else "") or advice,
        reasons=[end.reason],
        exit_code=end.exit_code,
        container=container.name,
    )


def _code(end: End) -> str:
    return f"exit code {end.exit_code}" if end.exit_code is not None else ""


def _fact(container: Container, end: End) -> Fact:
    where = "lastState" if container.end is None else "state"
    text = ", ".join(filter(None, (f"container `{container.name}`: {end.reason}", _code(end))))
    return Fact(text, f"{container.source}.{where}.terminated")
