"""Airflow's UI takes a line with a mark of a log group for the head of that group, and hides what follows."""

from __future__ import annotations

from dag_factory.verdicts.evidence.json_values import one_line


def test_text_of_a_program_contains_no_marks_of_log_groups() -> None:
    assert one_line("exit code 3: ::group::Training ::endgroup::lost") == "exit code 3: Training lost"
