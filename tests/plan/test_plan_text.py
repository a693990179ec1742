"""A plan as text: the order of a review, folded effects, the width, and what is cut."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace
from sample_plans import EMPTY, MEMORY, change, everything, flavor_edit, place, plan

from dag_factory.plan.formats.text import as_text
from dag_factory.plan.model import ABSENT, Cause, ChangedLine, Effect, FieldChange, JobChange, Place, PoolChange, Risk


def test_without_a_change_the_plan_says_so() -> None:
    assert as_text(EMPTY) == (
        "From main (1a2b3c4d5e6f) to working tree (9f8e7d6c5b4a) with uncommitted changes.\n"
        "2 environments: dev, prod. 144 of 144 configuration files analyzed. dagf 0.1.0.\n\n"
        "No DAG changes in dev, prod.\n"
    )


def test_equal_effects_are_one_line_with_their_cause_and_number_of_jobs() -> None:
    text = as_text(flavor_edit(87))
    line = "configs/platform/flavors.yaml:14 (cpu-small): memory limit 2Gi → 4Gi in 174 jobs of 87 DAGs (in"
    assert line in text
    assert text.count("2Gi → 4Gi") == 1
    assert "86 DAGs (dev, prod): team.flow-1," in text


def test_a_change_of_one_job_is_shown_below_its_dag_with_its_line() -> None:
    text = as_text(flavor_edit(2))
    assert "  team.flow-0 is changed in dev, prod\n" in text
    assert "      image registry.example.com/wine:1.0 → registry.example.com/wine:1.1\n" in text
    assert "          configs/pipelines/team/flow-0.yaml:5\n" in text


def test_a_folded_effect_that_differs_in_one_place_is_shown_there() -> None:
    small, large = FieldChange("spec.x", 1, 2), FieldChange("spec.x", 1, 3)
    both = tuple(place(job=job) for job in ("a", "b"))
    jobs = (JobChange("a", "changed", (small,)), JobChange("b", "changed", (large,)))
    text = as_text(plan(changes=(change(jobs=jobs),), effects=(Effect((small,), None, both),)))
    assert "job b\n      spec.x 1 → 3\n" in text and "job a\n" not in text


def test_all_effects_of_one_line_are_one_entry_and_too_many_are_counted() -> None:
    cause = Cause("configs/platform/environments/prod.yaml", 6, 3, "environment prod")
    images = [FieldChange("spec.containers[0].image", f"i{number}:1", f"i{number}:2") for number in range(30)]
    changes = [
        change(dag=f"team.flow-{number}", jobs=(JobChange("a", "changed", (image,)),))
        for number, image in enumerate(images)
    ]
    effects = [
        Effect((image,), cause, (place(dag=f"team.flow-{number}", job="a"),)) for number, image in enumerate(images)
    ]
    text = as_text(plan(changes=tuple(changes), effects=tuple(effects)))
    line = "configs/platform/environments/prod.yaml:6 (environment prod): 30 changes, together in 30 jobs of"
    assert text.count("prod.yaml:6") == 1 and line in text
    assert "image i19:1 → i19:2 in 1 job of 1 DAG\n" in text
    assert "i20:1" not in text and "… and 10 more changes of this line; --json has all" in text
    assert "30 DAGs (prod): team.flow-0," in text


def test_sections_are_in_the_order_of_a_review() -> None:
    text = as_text(everything())
    titles = [line for line in text.splitlines() if line and line[0] != " "][3:]
    assert titles == [
        "Risks (2)",
        "Errors (2)",
        "Shared changes",
        "DAGs (6)",
        "DAGs with only shared changes",
        "Documentation only",
        "Cost (2)",
        "Other problems (2)",
        "Not analyzed",
    ]


def test_the_summary_says_what_happens_in_each_environment() -> None:
    text = " ".join(as_text(everything()).split("\n\n")[1].split())
    dev = "dev: retail.orders cannot be built, so the last good version keeps running; 40 jobs of 20 DAGs get"
    assert text.startswith(f"{dev} another image and size; ml.late still cannot be built, as before; the documentation")
    assert " dev: Catchup starts no runs, price per hour 2.00 → 4.00 (see Cost) local: no DAG changes prod: " in text
    prod = text.partition(" prod: ")[2]
    assert "; ml.old is removed; ml.wine becomes ml.wines, a new DAG for Airflow, without history;" in prod
    assert "; ml.churn is new, started by hand only; retail.returns had errors and can be built now;" in prod
    assert (
        "; 41 jobs of 21 DAGs change (args[1], image, memory limit); 1 job of 1 DAG is new; 1 job of 1 DAG is" in prod
    )
    assert " removed; schedule is set to 0 4 * * 1 in ml.grapes; catchup false → true in ml.grapes; the" in prod
    assert ". Catchup starts up to 214 runs for the past (see Risks), price per hour 2.00 → 4.00, about" in prod
    assert " about 1,200.00 → 2,405.50 in 30 days (see Cost) prod: the pool" in prod
    assert prod.endswith(" prod: the pool gpu gets 4 slots instead of 8 1 file could not be analyzed.")


def one_field(path: str, before: object, after: object, job: str = "a") -> JobChange:
    return JobChange(job, "changed", (FieldChange(path, before, after),))


def test_the_summary_names_the_values_only_if_all_jobs_have_them() -> None:
    small, large = one_field(MEMORY, "2Gi", "4Gi"), one_field(MEMORY, "2Gi", "8Gi", "b")
    text = as_text(plan(changes=(change(jobs=(small,)), change(dag="ml.churn", jobs=(small,)))))
    assert "prod: 2 jobs of 2 DAGs get another size (memory limit 2Gi → 4Gi).\n" in text
    assert "2 jobs of 1 DAG get another size.\n" in as_text(plan(changes=(change(jobs=(small, large)),)))
    cpu = one_field(MEMORY.replace("memory", "cpu"), "1", "2", "b")
    assert "2 jobs of 1 DAG get another size.\n" in as_text(plan(changes=(change(jobs=(small, cpu)),)))


def test_the_summary_names_the_fields_of_other_changes() -> None:
    command = one_field("spec.containers[0].command", ["a"], ["b"])
    assert "prod: 1 job of 1 DAG changes (command).\n" in as_text(plan(changes=(change(jobs=(command,)),)))
    schedule = change(fields=(FieldChange("schedule", "@daily", "@hourly"),))
    assert "prod: schedule @daily → @hourly in ml.wine.\n" in as_text(plan(changes=(schedule,)))


def test_a_new_price_has_no_value_in_the_summary() -> None:
    price = one_field("resource_flavor.cost_per_hour", 0.05, 0.08)
    assert "prod: 1 job of 1 DAG gets another price.\n" in as_text(plan(changes=(change(jobs=(price,)),)))


def test_two_changes_with_one_name_are_each_shown_once() -> None:
    path = "resource_flavor.next"
    fields = FieldChange(path, "large", ABSENT), FieldChange(path, ["large"], ABSENT)
    jobs = tuple(JobChange(job, "changed", fields) for job in ("a", "b"))
    cause = Cause("configs/pipelines/ml/wine.yaml", 4, 3, "pipeline defaults")
    effect = Effect(fields, cause, tuple(place(job=job) for job in ("a", "b")))
    assert "job a" not in as_text(plan(changes=(change(jobs=jobs),), effects=(effect,)))


def test_changed_files_without_an_effect_are_named() -> None:
    text = as_text(plan(changed_files=("configs/pipelines/ml/wine.yaml",)))
    line = "1 of 144 configuration files differs, without an effect on a DAG: configs/pipelines/ml/wine.yaml"
    assert f"No DAG changes in dev, prod.\n  {line}\n" in text


def test_pools_are_told_although_no_dag_changes() -> None:
    both = ("dev", "prod")
    pools = (PoolChange("gpu", 8, 1, both), PoolChange("new", None, 2, ("prod",)), PoolChange("old", 3, None, both))
    text = as_text(plan(pools=pools, changed_files=("configs/platform/flavors.yaml",)))
    assert "  dev, prod: the pool gpu gets 1 slot instead of 8\n" in text
    assert "  prod: the pool new is new, with 2 slots\n" in text and "  dev, prod: the pool old is removed\n" in text
    assert "without an effect" not in text


def test_a_broken_dag_says_what_is_known_about_runs_and_prices() -> None:
    text = as_text(plan(changes=(change("broken"),)))
    assert "  prod: Runs and prices stay as they are until the errors are fixed\n" in text
    new = as_text(plan(changes=(change("broken", is_new=True),)))
    assert "  prod: Runs and prices after the fix are not known\n" in new
    changes = change("broken", is_new=True), change("added", environment="dev")
    risk = Risk("catchup", "Catchup starts up to 335 runs.", (place("dev"),), runs=335)
    elsewhere = " ".join(as_text(plan(changes=changes, risks=(risk,))).split())
    assert (
        "Runs and prices after the fix are not known; in dev, catchup starts up to 335 runs for the past" in elsewhere
    )


def test_the_first_environment_is_told_first_even_if_only_another_one_changes() -> None:
    text = as_text(plan(environments=("prod", "dev"), changes=(change("removed", environment="dev"),)))
    assert "\nprod: no DAG changes. dev: ml.wine is removed.\n" in text


def test_a_risk_says_whether_it_fails_the_check() -> None:
    risks = plan(changes=(change(),), risks=(Risk("moving-image", "It may change.", (place(),)),))
    assert "None of these risks fails the check." in as_text(risks)
    failing = as_text(risks, failing=("moving-image",))
    assert "None of these risks" not in failing and "moving-image (fails the check): It may change." in failing


def test_the_changed_line_is_shown_with_its_text_before() -> None:
    cause = Cause("configs/platform/flavors.yaml", 14, 30, "cpu-small")
    lines = (ChangedLine(cause, "  small: {memory: 2Gi}", "  small: {memory: 4Gi}"),)
    text = as_text(replace(flavor_edit(2), lines=lines))
    assert "\n    -small: {memory: 2Gi}\n    +small: {memory: 4Gi}\n" in text


def test_a_change_of_documentation_only_has_no_effect() -> None:
    text = as_text(plan(changes=(change("documentation"), change("documentation", environment="dev"))))
    assert "dev, prod: only the documentation of 1 DAG changes." in text


def test_lines_fit_into_100_columns() -> None:
    assert max(map(len, as_text(everything()).splitlines())) <= 100
    assert max(map(len, as_text(flavor_edit(300)).splitlines())) <= 100


def test_a_request_and_a_limit_with_equal_values_are_one_line() -> None:
    path = "spec.containers[0].resources.{}.memory"
    fields = (FieldChange(path.format("limits"), "1Gi", "2Gi"), FieldChange(path.format("requests"), "1Gi", "2Gi"))
    text = as_text(plan(changes=(change(jobs=(JobChange("a", "changed", fields),)),)))
    assert "      memory 1Gi → 2Gi\n" in text and "memory limit" not in text


def test_values_of_different_types_do_not_look_alike() -> None:
    fields = (FieldChange("spec.a", "1", 1), FieldChange("spec.b", ABSENT, ""), FieldChange("spec.c", {}, ABSENT))
    text = as_text(plan(changes=(change(fields=fields),)))
    assert 'spec.a "1" → 1\n' in text and 'spec.b is set to ""\n' in text and "spec.c {} is removed\n" in text


def test_a_long_value_and_a_long_script_are_cut_with_a_count() -> None:
    long = FieldChange("spec.a", "x", "y" * 500)
    script = FieldChange("spec.b", "a\n" * 100, "b\n" * 100)
    text = as_text(plan(changes=(change(fields=(long, script)),)))
    assert "y… (+380 characters)" in " ".join(text.split())
    assert "spec.b: 100 lines added, 100 lines removed" in text and "… and 176 more lines of the difference" in text


def test_the_places_of_an_effect_are_read_a_fixed_number_of_times() -> None:
    """A flavor that all jobs use has tens of thousands of places."""
    passes = [0, 0]
    for index, dags in enumerate((10, 100)):

        class Places(tuple[Place, ...]):
            def __iter__(self) -> Iterator[Place]:
                passes[index] += 1  # noqa: B023
                return super().__iter__()

        many = flavor_edit(dags)
        first, *others = many.effects
        as_text(replace(many, effects=(replace(first, places=Places(first.places)), *others)))
    assert passes[0] == passes[1] > 0


def test_colors_are_those_of_the_caller() -> None:
    text = as_text(everything(), lambda part, tone: f"<{tone}>{part}</>")
    assert "<risk>moving-image-tag</>" in text and "<added>2Gi</>" not in text and "<added>4Gi</>" in text
