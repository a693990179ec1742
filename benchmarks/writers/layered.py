"""This project with all that can lie between a file and a pod: a template, a matrix and an overlay."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.work import SECRET, SECURITY, TOLERATION, Pipeline
from benchmarks.writers.this import write_platform

_TEMPLATE = f"""\
version: 1
description: One step of a pipeline.
inputs:
  step: {{type: integer}}
  module: {{type: string}}
  batch: {{type: integer}}
---
docker_image: "${{{{ vars.registry }}}}/${{{{ inputs.module | replace('_', '-') }}}}:1.${{{{ inputs.step }}}}"
command: [python, -m, "${{{{ inputs.module }}}}", "step-${{{{ inputs.step }}}}"]
tolerations: [{json.dumps(TOLERATION)}]
security_context: {json.dumps(SECURITY)}
env:
  BATCH: "${{{{ inputs.batch }}}}"
  LOG_LEVEL: info
  REGION: eu-central
  TABLE: "t_${{{{ inputs.batch - 1000 }}}}_${{{{ inputs.step }}}}"
  {SECRET[0]}: {{secret: {SECRET[1]}/{SECRET[2]}}}
"""


def write(pipelines: Iterable[Pipeline], folder: Path) -> None:
    """Write ten jobs: three call the template, six are the cells of a matrix that calls it, one is written out."""
    write_platform(folder)
    template = folder / "configs" / "platform" / "templates" / "jobs" / "step" / "v1.yaml.j2"
    template.parent.mkdir(parents=True)
    template.write_text(_TEMPLATE)
    for number, pipeline in enumerate(pipelines):
        path = folder / "configs" / "pipelines" / pipeline.team / f"{pipeline.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(pipeline, number))


def _text(pipeline: Pipeline, number: int) -> str:
    claim = pipeline.jobs[0].volume
    assert claim
    call = f"uses: step@v1, with: {{module: pipeline_{number}, batch: {1000 + number}, step: "
    lines = [
        f"version: 1\nowner: {pipeline.team}\nschedule: null",
        "defaults:",
        "  resource_flavor: small",
        '  env: {PIPELINE: "${{ pipeline.name }}", STEP: "${{ job.name }}"}',
        f"  volumes: [{{name: data, mount_path: {claim[1]}, pvc: {claim[0]}}}]",
        "jobs:",
        f"  first: {{{call}0}}}}",
        "  middle:",
        "    matrix: {step: [1, 2, 3, 4, 5, 6]}",
        f"    {call.replace(', with: ', '|').split('|')[0]}",
        f'    with: {{module: pipeline_{number}, batch: {1000 + number}, step: "${{{{ matrix.step }}}}"}}',
        "    depends_on: [first]",
        f"  join: {{{call}7}}, depends_on: [middle]}}",
        f"  check: {{{call}8}}, depends_on: [join]}}",
        "  last:",
        '    docker_image: "${{ vars.registry }}/report:1"',
        "    command: [python, -m, report]",
        "    depends_on: [check]",
        "environments:",
        "  prod:",
        "    jobs:",
        "      join: {resource_flavor: large}",
        "      last: {labels: {cost-center: cc-1}, env: {REGION: eu-central}}",
    ]
    return "\n".join(lines) + "\n"
