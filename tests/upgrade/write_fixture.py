"""Write the cache, the last good versions and the facts of a release, with the code of that release.

Run as ``python tests/upgrade/write_fixture.py VERSION`` with the Python of a checkout of that release, after
``make setup`` there; see ``fixtures/README.md``.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from project import BROKEN_BEFORE, check_out, with_tag

import dag_factory

FIXTURES = Path(__file__).parent / "fixtures"


def main(version: str) -> None:
    """Replace ``cache`` and ``facts.json`` in the fixture of a release; its ``configs`` stay."""
    fixture = FIXTURES / version
    dags = Path(dag_factory.__file__).parents[1] / "dags"
    with tempfile.TemporaryDirectory() as folder:
        checkout = check_out(Path(folder), fixture / "configs", dags)
        good = checkout.load()
        assert not good["import_error"], good["import_error"]
        checkout.break_file(BROKEN_BEFORE)
        checkout.load()
        shutil.rmtree(fixture / "cache", ignore_errors=True)
        shutil.copytree(checkout.cache, fixture / "cache", ignore=shutil.ignore_patterns("probe.*"))
        checkout.break_all()
        broken = checkout.load()
    assert broken["dags"] == {dag_id: with_tag(dag) for dag_id, dag in good["dags"].items()}
    lines = (f'"{dag_id}": {json.dumps(dag, sort_keys=True)}' for dag_id, dag in sorted(good["dags"].items()))
    (fixture / "facts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{version}: {len(good['dags'])} DAGs")


if __name__ == "__main__":
    main(sys.argv[1])
