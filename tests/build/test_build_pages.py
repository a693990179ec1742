"""The pages of DAGs and tasks, and user text that must not break them."""

from __future__ import annotations

import msgspec
import pytest
from building import CARD, a_job, a_pipeline, built, rich_pipeline

from dag_factory.build.pages.dag_page import dag_page
from dag_factory.build.pages.markdown import code, contained, escape, fenced
from dag_factory.build.pages.task_page import task_page
from dag_factory.config import model


def test_the_page_of_a_dag() -> None:
    jobs = (a_job("extract"), a_job("train", flavor=CARD, depends_on=("extract",)))
    page = built(a_pipeline(*jobs, description="Nightly churn", doc="See *wiki*.", resolved="jobs: {}\n")).doc_md
    assert "Nightly churn" in page
    assert "See *wiki*." in page
    assert "The image of all jobs is `registry.example.com/churn:1`." in page
    assert "\n- **extract**: `cpu-small` (1 CPU, 2Gi), 0.05 per hour\n" in page
    assert "- **train**: `gpu-t4` (6 CPU, 24Gi, 2 × nvidia.com/gpu, 10Gi disk, 8Gi shared memory)\n" in page
    assert "`configs/pipelines/growth/churn.yaml`" in page
    assert "```yaml\njobs: {}\n```" in page


def test_the_page_explains_a_missing_schedule_and_lists_environments() -> None:
    page = built(a_pipeline(schedule_off="configs/platform/environments/dev.yaml", only=("dev", "prod"))).doc_md
    assert "`configs/platform/environments/dev.yaml` has `schedules: manual`" in page
    assert "only in these environments: `dev`, `prod` (`only` in `configs/pipelines/growth/churn.yaml`)" in page
    assert "schedule is off" not in built(a_pipeline()).doc_md and "only" not in built(a_pipeline()).doc_md


def test_the_next_flavor_is_shown_only_with_a_rule_that_uses_it() -> None:
    grows = msgspec.structs.replace(CARD, next="larger")
    rule = model.Outcome(reasons=("OOMKilled",), then="next_flavor")
    assert "after `OOMKilled`" not in task_page(a_job(flavor=grows, retries=model.Retries(count=3)))
    retries = model.Retries(count=3, on=(rule,))
    larger = (model.LargerFlavor(flavor=model.Flavor(name="larger")),)
    assert "a larger flavor: `larger`" in task_page(a_job(flavor=grows, retries=retries, larger_flavors=larger))


def test_the_page_of_a_task() -> None:
    task = built(a_pipeline(a_job("train", doc="Trains."))).task_dict["train"]
    assert task.doc_md == (
        "Trains.\n\n`cpu-small`: 1 CPU, 2Gi, 0.05 per hour\n\n"
        "Where each value comes from: `dagf explain growth.churn train --env prod`\n"
    )


def test_a_doc_that_looks_like_a_file_name_is_text() -> None:
    page = built(a_pipeline(a_job(doc="README.md"), doc="/etc/passwd.md"))
    assert "/etc/passwd.md" in page.doc_md
    assert page.task_dict["main"].doc_md.startswith("README.md")


def test_a_fence_in_the_configuration_does_not_end_the_block() -> None:
    block = fenced("a: |\n  ```\n  ````\n", "yaml")
    assert block.startswith("`````yaml\n")
    assert block.endswith("\n`````")


@pytest.mark.parametrize("text", ["```python\nx", "~~~~\nx\n~~~", "````\n```\n", "<!-- x", "<script>\nx", "  <pre>"])
def test_user_markdown_cannot_affect_what_follows(text: str) -> None:
    lines = contained(text).splitlines()
    assert not any(line.lstrip().startswith("<") for line in lines)
    fences = [line.strip() for line in lines if line.strip()[:3] in ("```", "~~~")]
    assert not fences or (len(fences) > 1 and fences[-1][:3] == fences[0][:3] and len(fences[-1]) >= 3)


def test_user_text_stays_literal() -> None:
    assert code("a|b") == "`a|b`"
    assert code("a`b") == "`` a`b ``"
    assert escape("a | b\n# c *d* <e>") == "a \\| b \\# c \\*d\\* \\<e\\>"


def test_each_job_has_its_features_and_its_own_image() -> None:
    job = a_job(when="{{ a | b }}", group="load.sales", outlets=(model.Asset(name="orders"),))
    page = dag_page(a_pipeline(job, a_job("other", image="busybox:1")))
    assert "\n  - image `registry.example.com/churn:1`\n  - when `{{ a | b }}`\n  - in the group `load.sales`\n" in page
    assert "\n  - image `busybox:1`\n" in page
    assert "when `{{ a | b }}`; in the group" in task_page(job)


def test_no_page_has_a_table() -> None:  # Airflow shows pages about 450 pixels wide
    pipeline = rich_pipeline()
    pages = [dag_page(pipeline), *map(task_page, pipeline.jobs)]
    assert not [line for page in pages for line in page.splitlines() if line.startswith("|")]


def test_the_page_of_a_task_has_the_size_of_the_whole_pod() -> None:
    sidecar = {
        "name": "proxy",
        "image": "envoy:1",
        "restartPolicy": "Always",
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}},
    }
    page = task_page(a_job(init_containers=(sidecar,)))
    assert "The whole pod uses at most 1.5 CPU, 2304Mi. Its other containers:\n\n- `proxy` (sidecar, `envoy:1`)" in page
    assert "whole pod" not in task_page(a_job())
