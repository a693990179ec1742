"""The same pipeline gives the same serialized DAG, byte for byte; otherwise each parse would create a DAG version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from building import rich_pipeline

PROGRAM = """
import json, sys
import msgspec
from dag_factory.config import model
from dag_factory.build.dag.build_dag import build_dag
from airflow.serialization.serialized_objects import DagSerialization
pipeline = msgspec.json.decode(sys.stdin.buffer.read(), type=model.Pipeline)
print(json.dumps(DagSerialization.to_dict(build_dag(pipeline)), sort_keys=True))
"""


def serialized(seed: str, folder: Path) -> bytes:
    import msgspec

    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=msgspec.json.encode(rich_pipeline()),
        capture_output=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed},
        timeout=600,
    ).stdout.splitlines()[-1]


def test_process_hash_seed_and_folder_do_not_matter(tmp_path: Path) -> None:
    first = serialized("1", tmp_path)
    assert first == serialized("4242", Path("/"))
    assert b"job-3" in first
    # only in the fields that we set; Airflow stores the file that creates the DAG
    import json

    text = json.dumps({**json.loads(first)["dag"], "fileloc": "", "relative_fileloc": ""})
    assert os.fspath(tmp_path) not in text
    assert " object at 0x" not in text
    assert "<function" not in text


WHOLE = """
import hashlib, json, os, sys
if sys.argv[1] == "backwards":  # like a file system that lists folders in another order
    listdir, walk = os.listdir, os.walk
    os.listdir = lambda path: listdir(path)[::-1]
    os.walk = lambda path: ((parent, folders[::-1], names[::-1]) for parent, folders, names in walk(path))
from pathlib import Path
from dag_factory.build.loader import load
from airflow.serialization.serialized_objects import DagSerialization
for name, dag in load(Path(os.environ["DAG_FACTORY_HOME"], "dags")).items():
    stored = json.dumps(DagSerialization.to_dict(dag), sort_keys=True)
    print("DAG", name, hashlib.sha256(stored.encode()).hexdigest())
"""


def test_the_cache_and_the_order_of_a_folder_do_not_matter(tmp_path: Path) -> None:
    repository = Path(__file__).parents[2]

    def dags(seed: str, cache: str, order: str = "forwards") -> list[str]:
        settings = {"DAG_FACTORY_HOME": str(repository), "DAG_FACTORY_ENV": "prod", "DAG_FACTORY_CACHE": cache}
        output = subprocess.run(
            [sys.executable, "-c", WHOLE, order],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **settings, "PYTHONHASHSEED": seed},
            timeout=120,
        ).stdout
        return [line for line in output.splitlines() if line.startswith("DAG ")]

    cache = str(tmp_path / "cache")
    cold = dags("1", cache)
    assert len(cold) >= 4
    assert cold == dags("2", cache) == dags("3", "off", "backwards")
