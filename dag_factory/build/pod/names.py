"""Names that Kubernetes accepts, for what people named with other rules in mind.

The operator passes labels on as they are, and the API refuses a whole pod for one bad label value. So
every value is made safe here, and two different values never become the same one.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from dag_factory.config.expressions.dollar_signs import has_template

LABEL_LENGTH = 63
POD_NAME_LENGTH = 54  # 63, less the random suffix that the operator adds

_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_HASH = 8


def label_value(text: str) -> str:
    """``text`` where it is a legal label value, else its legal part and a hash of the whole."""
    if _LABEL.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[: LABEL_LENGTH - _HASH - 1].strip("._-")
    return f"{kept}-{digest}" if kept else digest


@lru_cache(4096)  # the same team, owner, environment and flavors, again and again
def safe_label(text: str) -> str:
    """A label's value, made safe now, or when it is rendered if a template is in it."""
    if has_template(text):
        apart = " " if text.endswith("{") else ""  # or the brackets of both would be read as others
        return "{% filter label %}" + text + apart + "{% endfilter %}"
    return label_value(text)


def pod_name(pipeline: str, job: str) -> str:
    """``pipeline-job`` as a DNS label; where it is too long the pipeline gives way, not the job."""
    tail = _dns(job)[: POD_NAME_LENGTH // 2]
    head = _dns(pipeline)[: POD_NAME_LENGTH - 1 - len(tail)]
    return f"{head.strip('-')}-{tail.strip('-')}"


def _dns(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
