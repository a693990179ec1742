"""The platform's tables, as a job of a real run meets them."""

from __future__ import annotations

from real_stack import Running


def test_a_team_a_rule_and_a_number_over_it(running: Running) -> None:
    run = running.begun["tables"]
    assert run.end() == "success"
    [task] = running.api.tasks(run.dag_id, run.id)
    assert (task["try_number"], task["max_tries"]) == (2, 1)
    assert "Try 1 in guild, in glass." in run.log("fails_once")
    assert "Try 2 in guild, in glass." in run.log("fails_once", 2)
