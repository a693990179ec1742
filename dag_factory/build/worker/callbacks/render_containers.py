"""Render ``{{ }}`` in the other containers: init containers, sidecars and those of a ``pod:`` overlay.

The operator renders only its own arguments. For the rest it offers a callback that receives the pod before it is
created.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback

from dag_factory.config.expressions.dollar_signs import escape_rendered, has_template
from dag_factory.config.model import Job
from dag_factory.config.pod.final_pod import BASE, XCOM


class RenderContainers(KubernetesPodOperatorCallback):
    """Renders the other containers as the operator renders the job's own, also in deferred runs.

    It must come before all callbacks that check the pod.
    """

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. Python's default text contains a memory address.
        return "RenderContainers()"

    def on_pod_manifest_created(self, *, pod_request: Any, operator: Any, context: Any, **_: Any) -> None:  # type: ignore[override]
        """Render ``command``, ``args``, ``env`` and ``subPath``. Raises the exceptions of templates."""
        environment = operator.get_template_env()

        def rendered(text: str | None, mark: bool = True) -> str | None:
            # Text without a template may come from a cluster policy, so it is not changed.
            if text is None or not has_template(text):
                return text
            return str(operator.render_template(escape_rendered(text) if mark else text, context, environment))

        spec = pod_request.spec
        for container in [*(spec.init_containers or ()), *spec.containers]:
            if container.name in (BASE, XCOM):  # rendered by the operator already: the result is data, not a template
                continue
            container.command = container.command and [rendered(text) for text in container.command]
            container.args = container.args and [rendered(text) for text in container.args]
            for variable in container.env or ():
                variable.value = rendered(variable.value)
            for mount in container.volume_mounts or ():
                mount.sub_path = rendered(mount.sub_path, mark=False)


def has_templates(job: Job) -> bool:
    """Return whether another container than the job's own may contain a template."""
    return any(map(_is_later, job.init_containers)) or (job.pod is not None and _is_later(job.pod))


def _is_later(value: Any) -> bool:
    if isinstance(value, str):
        return has_template(value)
    if isinstance(value, Mapping):
        return any(map(_is_later, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_is_later, value))
