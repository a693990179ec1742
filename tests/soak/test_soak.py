"""A short soak test with both kinds of bundle; ``make soak`` runs a long one."""

from __future__ import annotations

import pytest
from soak import soak


@pytest.mark.parametrize("bundle", ["local", "git"])
def test_after_random_commits_airflow_matches_the_files(bundle: str) -> None:
    soak(seconds=20, count=12, bundle=bundle)
