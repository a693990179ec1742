"""The words that verdicts share: containers, nodes, durations, exit codes, causes from long messages."""

from __future__ import annotations

import re

from dag_factory.config.units import duration_text
from dag_factory.verdicts.evidence.json_values import LONGEST, one_line
from dag_factory.verdicts.evidence.model import Container, End, Evidence

_EXIT_CODES = {  # the signal, what it means by convention, what to do
    126: ("", "the command cannot be executed", "make the file executable, or call it with its interpreter"),
    127: ("", "the command was not found in the image", "correct the command, or use an image that has it"),
    130: ("SIGINT", "the program was interrupted", ""),
    132: ("SIGILL", "the program used an illegal instruction", "use an image that is built for the CPU of the node"),
    134: ("SIGABRT", "the program aborted itself", ""),
    135: ("SIGBUS", "the program accessed memory that does not exist", "check that `/dev/shm` is large enough"),
    137: (
        "SIGKILL",
        "the program was killed, and Kubernetes does not report that memory was the reason",
        "look for what sent SIGKILL: the program itself, or somebody on its node",
    ),
    139: ("SIGSEGV", "the program crashed with a segmentation fault", "check native libraries and their versions"),
    143: ("SIGTERM", "the program was told to end", "look for what sent SIGTERM: the program itself, or its node"),
}
_OUT_OF_MEMORY = re.compile(r"\bMemoryError\b|CUDA out of memory|OutOfMemoryError|Cannot allocate memory|bad_alloc")
_RUNTIME = re.compile(
    r"^.*?(?:(?:unable to start container process|OCI runtime create failed|failed to start container"
    r"|failed to create containerd task)[^:]*: |rpc error: code = \w+ desc = )"
)


def seconds_text(seconds: float | int | None) -> str:
    """Seconds as ``2m10s``."""
    return duration_text(max(0, int(seconds or 0)))


def name_of(container: Container) -> str:
    """The container as a subject: ``the container`` is the one that runs the job."""
    if container.role == "base":
        return "the container"
    role = "sidecar" if container.role == "sidecar" or container.restarts_always else "init container"
    return f"the {role} `{container.name}`"


def details(*parts: str) -> str:
    """The parts that are not empty, in parentheses behind a space."""
    found = ", ".join(part for part in parts if part)
    return f" ({found})" if found else ""


def on_node(evidence: Evidence) -> str:
    """``node n3``, or an empty string."""
    return f"node {evidence.pod.node}" if evidence.pod and evidence.pod.node else ""


def the_node(evidence: Evidence) -> str:
    """The node as a subject."""
    return f"node {evidence.pod.node}" if evidence.pod and evidence.pod.node else "its node"


def flavor_of(evidence: Evidence, container: Container) -> str:
    """``flavor cpu-small`` for the container whose resources the flavor sets."""
    return f"flavor {evidence.flavor}" if evidence.flavor and container.role == "base" else ""


def run_time(end: End) -> str:
    """How long a container ran, or an empty string. The runtime writes 1970 for a container that never started."""
    if not end.started or end.finished is None or end.finished < end.started:
        return ""
    return seconds_text(end.finished - end.started) if end.finished > end.started else "less than 1s"


def exit_code_meaning(code: int | None) -> tuple[str, str, str]:
    """The signal behind an exit code, what the code means by convention, and what to do; empty if unknown."""
    return _EXIT_CODES.get(code or 0, ("", "", ""))


def memory_hint(log: tuple[str, ...]) -> str:
    """Advice if the program's last lines say that it had no memory left."""
    return "use a larger flavor: the log says that memory ran out" if _OUT_OF_MEMORY.search("\n".join(log)) else ""


def clause(text: str, most: int = 300) -> str:
    """A message of Kubernetes as part of a sentence: one line, without a final period."""
    return one_line(one_line(text).rstrip(". "), most)


def end_of(text: str, most: int) -> str:
    """A message of several lines as part of a sentence: all of it if it is short, or its last line.

    The output of a program that failed ends with its error, and the stack trace comes before it.
    """
    if len(one_line(text)) > most:
        text = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return clause(text, most)


def cause(text: str, most: int = 300) -> str:
    """The end of a container runtime's message, which says what is wrong."""
    text = clause(text, LONGEST).removeprefix("Error: ")
    while (shorter := _RUNTIME.sub("", text, count=1)) != text:
        text = shorter
    return clause(text.removesuffix(": unknown"), most)
