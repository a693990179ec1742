"""The same pipeline gives byte-equal serialized DAGs: anything else is a new DAG version at every parse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from building import CARD, a_job, a_pipeline

from dag_factory.config import model

PROGRAM = """
import json, sys
import msgspec
from dag_factory.config import model
from dag_factory.build.dag import build_dag
from airflow.serialization.serialized_objects import DagSerialization
pipeline = msgspec.json.decode(sys.stdin.buffer.read(), type=model.Pipeline)
print(json.dumps(DagSerialization.to_dict(build_dag(pipeline)), sort_keys=True))
"""


OVER_LIST = model.ForEach(variable="ITEM", items=("a", "b"))


def rich_pipeline() -> model.Pipeline:
    jobs = tuple(
        a_job(
            f"job-{number}",
            flavor=CARD,
            depends_on=tuple(f"job-{n}" for n in range(number)),
            env=(
                model.EnvVar(name="A", value="{{ run_date }}"),
                model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),
            ),
            labels={f"label{n}": "x" for n in range(9)},
            annotations={f"note{n}": "x" for n in range(9)},
            node_selector={f"node{n}": "x" for n in range(9)},
            volumes=(model.Volume(name="v", mount_path="/v", kind="pvc", source="v"),),
            tolerations=({"key": "t", "operator": "Exists"},),
            output=True,
        )
        for number in range(4)
    )
    orders = model.Asset(name="orders")
    mapped = tuple(
        a_job(
            f"each-{number}",
            flavor=CARD,
            for_each=model.ForEach(variable="ITEM", output="job-0") if number else OVER_LIST,
            depends_on=("job-0",),
            when="{{ params.p0 }}",
            group=f"load.part{number}",
            env=(model.EnvVar(name="B", secret=model.KeyRef(name="s", key="k")),),
            tolerations=({"key": "t", "operator": "Exists"},),
            outlets=(orders, model.Asset(name="prices")),
            output=True,
        )
        for number in range(2)
    )
    return a_pipeline(
        *jobs,
        *mapped,
        a_job("delete", depends_on=("job-0", "job-3"), teardown_of=("job-0",)),
        tags=tuple(f"tag{n}" for n in range(9)),
        owner=("b", "a"),
        params=tuple(model.Param(name=f"p{n}", schema={"type": "string"}, default="x") for n in range(9)),
        cluster=model.Cluster(xcom_sidecar=model.XcomSidecar(image="x")),
        schedule=model.Assets(
            rule=model.AnyOf(of=(orders, model.AllOf(of=(model.Asset(name="prices"), model.Asset(name="rates"))))),
            cron=("0 3 * * *", "0 4 * * *"),
        ),
        resolved="x: 1\n",
    )


def serialized(seed: str, folder: Path) -> bytes:
    import msgspec

    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=msgspec.json.encode(rich_pipeline()),
        capture_output=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed},
        timeout=60,
    ).stdout.splitlines()[-1]


def test_no_process_no_seed_and_no_folder_makes_a_difference(tmp_path: Path) -> None:
    first = serialized("1", tmp_path)
    assert first == serialized("4242", Path("/"))
    assert b"job-3" in first
    # in the fields that we set; the file that makes a DAG is Airflow's own to store
    import json

    text = json.dumps({**json.loads(first)["dag"], "fileloc": "", "relative_fileloc": ""})
    assert os.fspath(tmp_path) not in text
    assert " object at 0x" not in text
    assert "<function" not in text


WHOLE = """
import hashlib, json, os, sys
if sys.argv[1] == "backwards":  # as another file system lists a folder
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


def test_neither_the_cache_nor_the_order_of_a_folder_makes_a_difference(tmp_path: Path) -> None:
    repository = Path(__file__).parents[2]

    def dags(seed: str, cache: str, order: str = "forwards") -> list[str]:
        settings = {"DAG_FACTORY_HOME": str(repository), "DAG_FACTORY_ENV": "prod", "DAG_FACTORY_CACHE": cache}
        told = subprocess.run(
            [sys.executable, "-c", WHOLE, order],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **settings, "PYTHONHASHSEED": seed},
            timeout=120,
        ).stdout
        return [line for line in told.splitlines() if line.startswith("DAG ")]

    cache = str(tmp_path / "cache")
    cold = dags("1", cache)
    assert len(cold) >= 4
    assert cold == dags("2", cache) == dags("3", "off", "backwards")
