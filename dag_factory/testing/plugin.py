"""The pytest plugin (entry point ``pytest11``). Importing it is quick: the compiler is imported by the fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dag_factory.testing.local_run import LocalRuns
    from dag_factory.testing.pipelines import TestedPipelines, TestedProject
    from dag_factory.testing.snapshots import Snapshots


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    group = parser.getgroup("dagwright")
    group.addoption("--dagf-home", metavar="FOLDER", help="the folder that contains configs/")
    group.addoption(
        "--dagf-update-snapshots", action="store_true", help="write the snapshots of pipelines instead of comparing"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of the plugin."""
    config.addinivalue_line("markers", "dagf_env(*names): run a test with dagf_pipelines only in these environments")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses ``dagf_pipelines`` once for each environment."""
    if "dagf_pipelines" not in metafunc.fixturenames:
        return
    from dag_factory.config.source.layout import environments

    names: tuple[str, ...] = environments(_home(metafunc.config))
    marker = metafunc.definition.get_closest_marker("dagf_env")
    if marker is not None:
        unknown = [one for one in marker.args if one not in names]
        if unknown:
            known = ", ".join(names) or "none"
            raise pytest.UsageError(f"dagf_env: unknown environment `{unknown[0]}`; the project has: {known}")
        names = marker.args
    metafunc.parametrize("dagf_pipelines", names, indirect=True)


@pytest.fixture(scope="session")
def dagf_project(pytestconfig: pytest.Config) -> TestedProject:
    """The project, with the pipelines of each environment: ``dagf_project.pipelines("prod")``."""
    from dag_factory.testing.pipelines import TestedProject

    return TestedProject(_home(pytestconfig))


@pytest.fixture
def dagf_pipelines(request: pytest.FixtureRequest, dagf_project: TestedProject) -> TestedPipelines:
    """The pipelines of one environment by id. The test runs once for each environment."""
    return dagf_project.pipelines(request.param)


@pytest.fixture
def dagf_snapshot(request: pytest.FixtureRequest) -> Snapshots:
    """Compares a pipeline with its file in ``snapshots/``, in the folder of the test."""
    from dag_factory.testing.snapshots import Snapshots

    return Snapshots(request.path.parent / "snapshots", request.config.getoption("--dagf-update-snapshots"))


@pytest.fixture(scope="session")
def dagf_run(pytestconfig: pytest.Config) -> Iterator[LocalRuns]:
    """Runs a pipeline of the environment `local` on this machine. Everything that it started ends with the tests."""
    from dag_factory.testing.local_run import LocalRuns

    runs = LocalRuns(_home(pytestconfig))
    yield runs
    runs.stop()


def _home(config: pytest.Config) -> Path:
    """The project of the option, of DAG_FACTORY_HOME, or of the folder of pytest's settings."""
    from dag_factory import settings

    given = config.getoption("--dagf-home")
    home = Path(given).absolute() if given else settings.home()
    if home is None:
        folders = (config.rootpath, *config.rootpath.parents)
        home = next((one for one in folders if (one / "configs").is_dir()), None)
    if home is None or not (home / "configs").is_dir():
        raise pytest.UsageError(
            f"no configs/ folder in {home or config.rootpath} or above; name the project with --dagf-home"
        )
    return home
