"""Turn names and label values into ones that Kubernetes accepts.

The operator passes labels on unchanged, and the API server rejects a whole pod because of one invalid label value. So
every value is made valid here. Two different values never become the same value.
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
    """Return ``text`` if it is a valid label value, else its valid characters and a hash of the whole."""
    if _LABEL.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    valid = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[: LABEL_LENGTH - _HASH - 1].strip("._-")
    return f"{valid}-{digest}" if valid else digest


@lru_cache(4096)  # the same teams, owners, environments and flavors occur in many jobs
def safe_label(text: str) -> str:
    """Return a valid label value. If ``text`` contains a template, the value is made valid when it is rendered."""
    if has_template(text):
        separator = " " if text.endswith("{") else ""  # or Jinja would read `{{%`
        return "{% filter label %}" + text + separator + "{% endfilter %}"
    return label_value(text)


def pod_name(pipeline: str, job: str) -> str:
    """Return ``pipeline-job`` as a DNS label. If it is too long, the pipeline is shortened before the job."""
    tail = _dns(job)[: POD_NAME_LENGTH // 2]
    head = _dns(pipeline)[: POD_NAME_LENGTH - 1 - len(tail)]
    return f"{head.strip('-')}-{tail.strip('-')}"


def _dns(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
