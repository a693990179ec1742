"""A short soak of both kinds; ``make soak`` runs a long one."""

from __future__ import annotations

import pytest
from soak import soak


@pytest.mark.parametrize("bundle", ["local", "git"])
def test_random_commits_leave_airflow_as_the_files_say(bundle: str) -> None:
    soak(seconds=20, count=12, bundle=bundle)
