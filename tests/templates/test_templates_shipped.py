"""Rules for every built-in template."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest
from written import Written

from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.templates.catalog import SHIPPED, Catalog
from dag_factory.config.templates.template import Template

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOG = Catalog(PlatformFiles(REPOSITORY / "no" / "project"))
JOBS = CATALOG.names("jobs")
ALL = [
    template for kind in ("jobs", "pipelines") for name in CATALOG.names(kind) if (template := CATALOG.find(kind, name))
]


def test_the_built_in_job_templates() -> None:
    assert JOBS == ["http@v1", "notebook@v1", "python@v1", "sql@v1"]
    for name in JOBS:
        template = CATALOG.find("jobs", name)
        assert template and not template.problems


def test_every_template_file_is_in_the_package() -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    (pattern,) = setup["options.package_data"]["dag_factory.templates"].split()
    assert {path for path in SHIPPED.rglob("*") if path.is_file()} == set(SHIPPED.glob(pattern))


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name)
def test_every_input_has_a_description_and_a_default_or_an_example(template: Template) -> None:
    for name, schema in template.inputs.items():
        assert schema.get("description", "").endswith("."), name
        assert "default" in schema or schema.get("examples"), name


@pytest.mark.parametrize("name", JOBS)
def test_a_runner_contains_no_syntax_of_airflow_or_kubernetes(name: str) -> None:
    template = CATALOG.find("jobs", name)
    assert template
    runner = template.text.partition("command:")[2].partition("  - |\n")[2]
    assert not re.search(r"\{\{|\{%|\$\(|\$\$|\$\{", runner)


@pytest.mark.parametrize("name", JOBS)
def test_the_keys_of_a_job_override_those_of_its_template(name: str) -> None:
    inputs = {
        "http@v1": "{url: 'https://a'}",
        "notebook@v1": "{notebook: a.ipynb, output_notebook: b.ipynb}",
        "python@v1": "{callable: 'a:b'}",
        "sql@v1": "{query: select 1, secret: a/b}",
    }[name]
    text = f"jobs: {{it: {{uses: {name}, with: {inputs}, env: {{OWN: 1}}, output: null}}}}\n"
    pipeline = Written(text).built()
    (job,) = pipeline.jobs
    assert not job.output
    assert "OWN" in [variable.name for variable in job.env]
    assert "    - |\n      import " in pipeline.resolved or "  - |\n" in pipeline.resolved


def test_the_reference_is_current() -> None:
    sys.path.append(str(REPOSITORY / "scripts"))
    import template_reference

    current = template_reference.TARGET.read_text("utf-8")
    assert current == template_reference.reference(), "run `make docs`"
