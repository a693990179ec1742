"""The ``matrix`` of a job: its cells, their names and values, and references to them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import Written, built, problems, said

from dag_factory.config import Compiled, open_project


def cells(matrix: str, rest: str = "") -> dict[str, dict[str, object]]:
    """The values of each cell of the job `train` by its name."""
    pipeline = built(f"jobs: {{train: {{matrix: {matrix}{rest}}}}}")
    assert pipeline.cells == {"train": tuple(job.name for job in pipeline.jobs)}
    return {job.name: job.matrix for job in pipeline.jobs}


def test_a_cell_for_each_combination_named_by_its_values() -> None:
    assert cells("{country: [DE, FR], depth: [5, 10]}") == {
        "train-de-5": {"country": "DE", "depth": 5},
        "train-de-10": {"country": "DE", "depth": 10},
        "train-fr-5": {"country": "FR", "depth": 5},
        "train-fr-10": {"country": "FR", "depth": 10},
    }


def test_exclude_removes_cells() -> None:
    matrix = "{country: [DE, FR], depth: [5, 10], exclude: [{country: DE, depth: 10}, {country: FR}]}"
    assert list(cells(matrix)) == ["train-de-5"]


def test_include_adds_values_or_a_cell() -> None:
    matrix = "{c: [DE, FR], d: [5, 10], include: [{c: DE, gpu: true}, {c: IT, d: 3, seed: 1}, {all: x}]}"
    found = cells(matrix)
    assert list(found) == ["train-de-5", "train-de-10", "train-fr-5", "train-fr-10", "train-it-3"]
    assert found["train-de-10"] == {"c": "DE", "d": 10, "gpu": True, "all": "x"}
    assert found["train-fr-10"] == {"c": "FR", "d": 10, "all": "x"}
    assert found["train-it-3"] == {"c": "IT", "d": 3, "seed": 1}


def test_a_matrix_with_only_include() -> None:
    found = cells("{include: [{country: DE, depth: 5}, {country: FR}]}")
    assert found == {"train-de-5": {"country": "DE", "depth": 5}, "train-fr": {"country": "FR"}}


def test_the_job_sets_the_names_of_its_cells() -> None:
    found = cells("{country: [DE, FR], name: '${{ job.name }}_${{ matrix.country | lower }}'}")
    assert list(found) == ["train_de", "train_fr"]


def test_values_keep_their_types() -> None:
    values = cells("{python: [3.9, 3.10, 3.0], name: \"p${{ matrix.python | string | replace('.', '-') }}\"}")
    assert [value["python"] for value in values.values()] == [3.9, "3.10", 3.0]
    assert list(cells("{a: [true, 1.5, -2, Köln/Süd]}")) == ["train-true", "train-1-5", "train-2", "train-k-ln-s-d"]


def test_the_environment_can_set_an_axis() -> None:
    environments = {"dev": "version: 1\nvars: {countries: [DE, FR]}\n"}
    text = "jobs: {train: {matrix: {country: '${{ vars.countries }}'}}}"
    assert [job.name for job in Written(text, environments=environments).built().jobs] == ["train-de", "train-fr"]


def test_an_overlay_is_merged_before_the_cells_are_made() -> None:
    text = """
        jobs: {train: {matrix: {country: [DE, FR], depth: [5, 10]}}}
        environments: {dev: {jobs: {train: {matrix: {country: [DE], depth: null}}}}}
    """
    assert [job.name for job in built(text).jobs] == ["train-de"]
    alone = built(text.replace("matrix: {country: [DE], depth: null}", "matrix: null"))
    assert [(job.name, job.matrix) for job in alone.jobs] == [("train", {})]
    assert alone.cells == {}


def test_expressions_read_the_cell() -> None:
    text = """
        jobs:
          train:
            matrix: {country: [DE, FR], large: [false, true]}
            env: {COUNTRY: "${{ matrix.country }}", JOB: "${{ job.name }}"}
            resource_flavor: "${{ 'large' if matrix.large else 'small' }}"
    """
    jobs = built(text).jobs
    assert [(job.env[0].value, job.env[1].value, job.flavor.name) for job in jobs[1:3]] == [
        ("DE", "train-de-true", "large"),
        ("FR", "train-fr-false", "small"),
    ]


def test_a_dependency_on_a_matrix_or_on_one_cell() -> None:
    text = """
        jobs:
          train: {matrix: {country: [DE, FR]}, output: json}
          one: {depends_on: [train-de], script: "echo {{ output('train-de') }}"}
          all: {depends_on: [train], script: "echo {{ output('train') }} {{ output('train-fr') }}"}
    """
    jobs = {job.name: job for job in built(text).jobs}
    assert jobs["one"].depends_on == ("train-de",)
    assert jobs["all"].depends_on == ("train-de", "train-fr")


def test_the_resolved_configuration_has_the_cells() -> None:
    text = "jobs: {train: {matrix: {c: [DE, FR]}, env: {C: '${{ matrix.c }}'}}, all: {depends_on: [train]}}"
    resolved = built(text).resolved
    assert "  train-fr:" in resolved
    assert "depends_on: [train-de, train-fr]" in resolved
    assert "matrix" not in resolved


@pytest.mark.parametrize(
    ("matrix", "problem", "words"),
    [
        ("{a: [x], exclude: [{b: x}]}", "unknown-axis 1:44 jobs.train.matrix.exclude[0].b", "use one of: a"),
        ("{a: [x, y], exclude: [{a: z}]}", "excludes-nothing 1:46 jobs.train.matrix.exclude[0]", "no cell"),
        ("{a: [x], exclude: [{a: x}]}", "empty-matrix 1:24 jobs.train.matrix", "has no cell"),
        ("{}", "empty-matrix 1:24 jobs.train.matrix", "has no cell"),
        ("{a: [x y, x-y]}", "cell-name-taken 1:24 jobs.train.matrix", "`a=x-y` and `a=x y`"),
        ("{a: [x, y], name: t}", "cell-name-taken 1:42 jobs.train.matrix.name", "${{ matrix.a }}"),
        ("{a: [x], name: 'a b'}", "bad-name 1:39 jobs.train.matrix.name", "is not a job's name"),
        ("{a: [x], name: '${{ matrix.b }}'}", "undefined-name 1:39 jobs.train.matrix.name", "`b` is not defined"),
        ("{a: [x], name: other}", "cell-name-taken 1:16 jobs.train.matrix", "which another job also has"),
        ("{a: ['!', x]}", "cell-name-taken 1:24 jobs.train.matrix", "the name of the whole job"),
        ("{a: '${{ vars.release }}'}", "bad-matrix 1:28 jobs.train.matrix.a", "a list of values"),
    ],
)
def test_a_matrix_with_errors(matrix: str, problem: str, words: str) -> None:
    text = f"jobs: {{train: {{matrix: {matrix}, script: '${{{{ matrix.a }}}}'}}, other: {{depends_on: [train]}}}}"
    assert problems(text) == [problem]
    assert words in said(text)


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ("{a: x}", "bad-matrix 1:24 jobs.t.matrix.a"),
        ("{a: []}", "bad-matrix 1:24 jobs.t.matrix.a"),
        ("{a: [x, [y]]}", "bad-matrix 1:28 jobs.t.matrix.a[1]"),
        ("{a-b: [1]}", "bad-name 1:21 jobs.t.matrix.a-b"),
        ("{include: 5}", "bad-matrix 1:30 jobs.t.matrix.include"),
        ("{a: 5, b: [1]}", "bad-matrix 1:24 jobs.t.matrix.a"),
    ],
)
def test_a_wrong_axis_is_the_only_error(matrix: str, problem: str) -> None:
    """Neither the matrix nor an expression that reads the axis is reported in addition."""
    text = f"jobs: {{t: {{matrix: {matrix}, script: '${{{{ matrix.a }}}}'}}, last: {{depends_on: [t]}}}}"
    assert problems(text) == [problem]


def test_a_wrong_axis_of_an_environment_is_the_only_error() -> None:
    text = "jobs: {t: {script: '${{ matrix.a }}'}}\nenvironments: {dev: {jobs: {t: {matrix: {a: 5}}}}}\n"
    assert problems(text) == ["bad-matrix 2:45 environments.dev.jobs.t.matrix.a"]


def test_too_many_cells() -> None:
    axis = [*range(17)]
    text = f"jobs: {{train: {{matrix: {{a: {axis}, b: {axis}}}}}}}"
    assert problems(text) == ["too-many-cells 1:24 jobs.train.matrix"]
    huge = ", ".join(f"a{n}: {[*range(30)]}" for n in range(40))
    assert problems(f"jobs: {{train: {{matrix: {{{huge}}}}}}}") == ["too-many-cells 1:24 jobs.train.matrix"]


def test_the_cells_count_as_jobs() -> None:
    jobs = ", ".join(f"j{n}: {{matrix: {{a: {[*range(200)]}}}}}" for n in range(6))
    assert [line.split()[0] for line in problems(f"jobs: {{{jobs}}}")] == ["too-many-jobs"]


def test_an_error_in_all_cells_is_reported_once() -> None:
    text = """
        jobs:
          train: {matrix: {a: [x, y, z]}, timeout: "${{ 5 }}", script: "{{ output('other') }} {{ nothing }}"}
          other: {}
          last: {depends_on: [trian], script: "{{ output('train') }}"}
    """
    assert problems(text) == [
        "bad-duration 2:44 jobs.train.timeout",
        "not-upstream 2:64 jobs.train.script",
        "undefined-name 2:64 jobs.train.script",
        "unknown-job 4:23 jobs.last.depends_on[0]",
        "not-upstream 4:39 jobs.last.script",
    ]
    assert "did you mean `train`?" in said(text)


def test_a_cycle_through_cells_is_reported_once() -> None:
    text = "jobs: {train: {matrix: {a: [x, y]}, depends_on: [all]}, all: {depends_on: [train]}}"
    assert problems(text) == ["dependency-cycle 1:50 jobs.train.depends_on[0]"]
    assert "train -> all -> train" in said(text)
    assert problems("jobs: {t: {matrix: {a: [x, y]}, depends_on: [t]}}") == [
        "depends-on-itself 1:46 jobs.t.depends_on[0]"
    ]


def test_cells_can_depend_on_each_other() -> None:
    text = """
        jobs:
          train:
            matrix: {n: [1, 2, 3]}
            depends_on: "${{ ['train-' ~ (matrix.n - 1)] if matrix.n > 1 else [] }}"
    """
    assert [job.depends_on for job in built(text).jobs] == [(), ("train-1",), ("train-2",)]


def test_a_group_cannot_have_the_name_of_a_matrix() -> None:
    text = "jobs: {train: {matrix: {a: [x]}, group: train}, b: {group: train-x}}"
    assert [line.split()[0] for line in problems(text)] == ["group-name-taken"] * 2


_VALUES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)
_AXES = st.dictionaries(st.sampled_from(["x", "y", "z"]), _VALUES, min_size=1)


@settings(max_examples=60, deadline=None)
@given(_AXES)
def test_the_cells_are_the_product_in_the_order_of_the_file(axes: dict[str, list[str]]) -> None:
    wanted = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    text = "{" + ", ".join(f"{name}: [{', '.join(values)}]" for name, values in axes.items()) + "}"
    found = cells(text)
    assert list(found.values()) == wanted
    assert list(found) == ["-".join(["train", *cell.values()]) for cell in wanted]


@settings(max_examples=60, deadline=None)
@given(_AXES, st.data())
def test_exclude_and_include_are_opposites(axes: dict[str, list[str]], data: st.DataObject) -> None:
    every = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    gone = data.draw(st.lists(st.sampled_from(every), max_size=len(every) - 1, unique_by=str))
    axes_text = ", ".join(f"{name}: [{', '.join(values)}]" for name, values in axes.items())
    entries = ", ".join("{" + ", ".join(f"{name}: {value}" for name, value in cell.items()) + "}" for cell in gone)
    left = cells(f"{{{axes_text}, exclude: [{entries}]}}")
    assert list(left.values()) == [cell for cell in every if cell not in gone]
    back = cells(f"{{{axes_text}, exclude: [{entries}], include: [{entries}]}}")
    assert sorted(map(str, back.values())) == sorted(map(str, every))


_ENTRIES = st.lists(
    st.dictionaries(st.sampled_from(["x", "y", "z", "extra", "more"]), st.sampled_from("abcdefg"), min_size=1),
    max_size=3,
)


def written_flow(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in values.items()) + "}"


@settings(max_examples=60, deadline=None)
@given(_AXES, _ENTRIES)
def test_include_follows_its_definition(axes: dict[str, list[str]], added: list[dict[str, str]]) -> None:
    """An entry is added to every cell of the product with its axis values, or else becomes a cell."""
    product = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    extra: list[dict[str, str]] = []
    for entry in added:
        fitting = [cell for cell in product if all(cell[axis] == entry[axis] for axis in axes if axis in entry)]
        for cell in fitting:
            cell |= entry
        if not fitting:
            extra.append(entry)
    wanted = [*product, *extra]
    lists = "".join(f"{name}: [{', '.join(values)}], " for name, values in axes.items())
    entries = ", ".join(map(written_flow, added))
    # Names that cannot meet, whatever is in the cells.
    naming = "".join(f"${{{{ matrix.{key} | default('-') }}}}_" for key in ("x", "y", "z", "extra", "more"))
    text = f'{{{lists}include: [{entries}], name: "train_{naming}"}}'
    if len({tuple(cell.get(key, "-") for key in ("x", "y", "z", "extra", "more")) for cell in wanted}) < len(wanted):
        assert "cell-name-taken" in " ".join(problems(f"jobs: {{train: {{matrix: {text}}}}}"))
    else:
        assert list(cells(text).values()) == wanted


@settings(max_examples=40, deadline=None)
@given(_AXES)
def test_every_cell_is_the_job_with_its_values(axes: dict[str, list[str]]) -> None:
    lists = ", ".join(f"{name}: [{', '.join(values)}]" for name, values in axes.items())
    reads = ", ".join(f'{name.upper()}: "${{{{ matrix.{name} }}}}"' for name in axes)
    made = built(
        f"jobs: {{train: {{matrix: {{{lists}}}, retries: 2, env: {{{reads}}}}}, last: {{depends_on: [train]}}}}"
    )
    *cells_made, last = made.jobs
    for job in cells_made:
        assert {variable.name: variable.value for variable in job.env} == {
            name.upper(): value for name, value in job.matrix.items()
        }
        assert job.retries.count == 2
    assert last.depends_on == tuple(job.name for job in cells_made)


def in_template(tmp_path: Path, kind: str, body: str, pipeline: str) -> Compiled:
    """A pipeline that uses the template `t@v1`, whose text is `body`."""
    file = Written(pipeline).into(tmp_path) / f"configs/platform/templates/{kind}/t/v1.yaml.j2"
    file.parent.mkdir(parents=True)
    file.write_text(f"version: 1\ndescription: x\ninputs: {{}}\n---\n{body}")
    return open_project(tmp_path, "dev").compile_all()


def test_a_pipeline_template_can_contain_a_matrix(tmp_path: Path) -> None:
    body = "jobs: {train: {matrix: {c: [DE, FR]}, script: '${% raw %}echo ${{ matrix.c }}${% endraw %}'}}"
    found = in_template(tmp_path, "pipelines", body, "template: t@v1")
    assert found.problems == ()
    scripts = [job.command[-1] for job in found.pipelines[0].jobs if job.command]
    assert scripts == ["echo DE", "echo FR"]


def test_a_job_template_has_no_matrix(tmp_path: Path) -> None:
    found = in_template(tmp_path, "jobs", "matrix: {c: [DE]}", "jobs: {a: {uses: t@v1}}")
    assert [problem.code for problem in found.problems] == ["bad-template-file"]
