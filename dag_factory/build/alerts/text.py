"""Text from outside, made safe for an alert: masked, bounded, and without control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dag_factory.config.model import Job

MOST_LINES = 20
LONGEST_LINE = 400
LONGEST_TEXT = 1500
LONGEST_NAME = 250

_ESCAPE_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_NOT_PRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def one_line(text: object, longest: int = LONGEST_TEXT) -> str:
    """The text in one line, with Airflow's secrets masked."""
    words = " ".join(_NOT_PRINTABLE.sub(" ", _ESCAPE_SEQUENCES.sub("", mask(str(text)[: 4 * longest]))).split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def log_lines(lines: Iterable[str], job: Job | None = None) -> tuple[str, ...]:
    """The last lines of a log. Airflow's secrets are masked, and values of the job's variables with secret names."""
    mask_variables(job)
    tail = list(lines)[-MOST_LINES:]
    return tuple(_log_line(line) for line in tail)


def _log_line(line: str) -> str:
    text = mask(line[: 4 * LONGEST_LINE])
    text = _NOT_PRINTABLE.sub(" ", _ESCAPE_SEQUENCES.sub("", text)).expandtabs(4).rstrip()
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + "…"


def mask(text: str) -> str:
    """The text as Airflow's log shows it: the secrets that this process knows are masked."""
    from airflow.sdk._shared.secrets_masker import redact  # what Airflow masks its logs with

    return str(redact(text))


def mask_variables(job: Job | None) -> None:
    """Mask the values of environment variables whose names say that they are secret, such as ``DB_PASSWORD``."""
    from airflow.sdk.log import mask_secret

    for variable in job.env if job else ():
        if variable.value and "{{" not in variable.value:
            mask_secret(variable.value, variable.name)


def without_urls(text: str) -> str:
    """The text without URLs: those of webhooks contain secrets."""
    return _URL.sub("<url>", text)


def names(items: Sequence[str], most: int = 5) -> str:
    """The items in a row: ``a, b and 3 more``."""
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
