"""Dependencies between jobs, and their errors."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from written import built, problems, said

from dag_factory.config.jobs import graph
from dag_factory.config.positions import Position

EDGE = graph.Edge(Position("f", 1, 1), ("jobs",))


def as_graph(edges: graph.Edges) -> graph.JobGraph:
    """A graph of tasks that have the names of their jobs."""
    return graph.JobGraph((), {name: (name,) for name in edges}, {name: name for name in edges}, edges)


def test_dependencies_keep_their_order() -> None:
    assert built("jobs: {a: {}, b: {}, c: {depends_on: [b, a]}}").jobs[2].depends_on == ("b", "a")


def test_an_unknown_job_has_a_suggestion() -> None:
    text = "jobs: {extract: {}, train: {depends_on: [extrct]}}"
    assert problems(text) == ["unknown-job 1:42 jobs.train.depends_on[0]"]
    assert said(text) == "unknown job `extrct` -- did you mean `extract`?"


def test_a_job_cannot_depend_on_itself() -> None:
    assert problems("jobs: {a: {depends_on: [a]}}") == ["depends-on-itself 1:25 jobs.a.depends_on[0]"]


def test_a_cycle_is_reported_once_with_its_path() -> None:
    text = "jobs:\n  a: {depends_on: [c]}\n  b: {depends_on: [a]}\n  c: {depends_on: [b]}\n  d: {depends_on: [a]}\n"
    assert problems(text) == ["dependency-cycle 2:20 jobs.a.depends_on[0]"]
    assert "a -> c -> b -> a" in said(text)


def test_two_cycles_are_two_problems() -> None:
    text = "jobs: {a: {depends_on: [b]}, b: {depends_on: [a]}, c: {depends_on: [d]}, d: {depends_on: [c]}}"
    assert [line.split()[0] for line in problems(text)] == ["dependency-cycle"] * 2


def test_a_long_chain_is_allowed() -> None:
    chain = "".join(f"  j{n}: {{depends_on: [j{n - 1}]}}\n" for n in range(1, 300))
    assert len(built(f"jobs:\n  j0: {{}}\n{chain}").jobs) == 300
    edges = {f"j{n}": {f"j{n - 1}": EDGE} for n in range(1, 50_000)} | {"j0": {}}
    assert list(graph.check(as_graph(edges))) == []
    assert len(graph.upstream(edges, "j49999")) == 49_999


def test_too_many_jobs() -> None:
    jobs = "".join(f"  j{n}: {{}}\n" for n in range(1_001))
    assert problems(f"jobs:\n{jobs}") == ["too-many-jobs 2:3 jobs"]


_NAMES = st.sampled_from("abcdef")
_GRAPHS = st.dictionaries(_NAMES, st.frozensets(_NAMES, max_size=3), min_size=1)


@settings(max_examples=200, deadline=None)
@given(_GRAPHS)
def test_a_cycle_is_reported_if_and_only_if_there_is_one(drawn: dict[str, frozenset[str]]) -> None:
    edges = {job: {other: EDGE for other in sorted(others) if other in drawn} for job, others in drawn.items()}
    reported = {problem.code for problem in graph.check(as_graph(edges))}
    real = any(job in graph.upstream(edges, job) for job in edges)
    assert bool(reported & {"dependency-cycle", "depends-on-itself"}) == real
    for problem in graph.check(as_graph(edges)):
        if problem.code == "dependency-cycle":
            names = problem.message.split(": ")[1].split(" -> ")
            assert names[0] == names[-1]
            assert all(after in edges[before] for before, after in zip(names, names[1:]))  # noqa: B905, RUF007
