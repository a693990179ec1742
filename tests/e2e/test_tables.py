"""The platform's tables in a real run."""

from __future__ import annotations

from real_stack import Running


def test_team_defaults_and_a_retry_rule_with_another_count(running: Running) -> None:
    run = running.runs["tables"]
    assert run.wait() == "success"
    [task] = running.api.tasks(run.dag_id, run.id)
    assert (task["try_number"], task["max_tries"]) == (2, 1)
    assert "Try 1 in guild, in glass." in run.log("fails_once")
    assert "Try 2 in guild, in glass." in run.log("fails_once", 2)
