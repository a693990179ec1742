"""A short soak; ``make soak`` runs a long one."""

from __future__ import annotations

import pytest
from soak import soak


@pytest.mark.timeout(300)
def test_random_commits_leave_airflow_as_the_files_say() -> None:
    soak(seconds=25, count=12)
