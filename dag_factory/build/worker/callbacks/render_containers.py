"""``{{ }}`` in the containers beside the job's own: init containers, sidecars, and those of a ``pod:`` overlay.

The operator renders its own arguments only. What it offers for the rest is a look at the pod before it is created.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.config.expressions.dollar_signs import escape_rendered, has_template
from dag_factory.config.model import Job
from dag_factory.config.pod.final_pod import BASE, XCOM


class RenderContainers(KubernetesPodOperatorCallback):
    """Renders the other containers as the operator has rendered the job's own, deferred runs included.

    It comes before every callback that checks the pod.
    """

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text; Python's own would name an address in memory.
        return "RenderContainers()"

    def on_pod_manifest_created(self, *, pod_request: Any, operator: Any, context: Any, **_: Any) -> None:  # type: ignore[override]
        """Render ``command``, ``args``, ``env`` and ``subPath``. Raises whatever a template raises."""
        environment = operator.get_template_env()

        def rendered(text: str | None, mark: bool = True) -> str | None:
            # A text without a template may come from a cluster policy; it stays as it is.
            if text is None or not has_template(text):
                return text
            return str(operator.render_template(escape_rendered(text) if mark else text, context, environment))

        spec = pod_request.spec
        for container in [*(spec.init_containers or ()), *spec.containers]:
            if container.name in (BASE, XCOM):  # rendered by the operator: what came out is data, not a template
                continue
            container.command = container.command and [rendered(text) for text in container.command]
            container.args = container.args and [rendered(text) for text in container.args]
            for variable in container.env or ():
                variable.value = rendered(variable.value)
            for mount in container.volume_mounts or ():
                mount.sub_path = rendered(mount.sub_path, mark=False)


def has_templates(job: Job) -> bool:
    """Whether something beside the job's own container may have to be rendered."""
    return any(map(_is_later, job.init_containers)) or (job.pod is not None and _is_later(job.pod))


def _is_later(value: Any) -> bool:
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, Mapping):
        return any(map(_is_later, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_is_later, value))
