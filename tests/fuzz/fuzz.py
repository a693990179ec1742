"""Compile thousands of mutants of valid files. Each gives models, or problems with positions, in bounded time.

Run ``make fuzz``, or ``python tests/fuzz/fuzz.py --count 20000 --seed 1``. A failure is reported with its number;
``--only NUMBER`` with the same seed repeats that mutant. ``mutate.py`` makes the mutants.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("DAG_FACTORY_CACHE", "off")

from mutate import mutant

from dag_factory.config.problems import Problem, errors
from dag_factory.config.project.open_project import find_platform, select_environment
from dag_factory.config.project.project import Project
from dag_factory.config.source.layout import path_of
from dag_factory.config.storage.read_file import read

ROOT = Path(__file__).parents[2]
HOMES = {"examples": ROOT, "real": ROOT / "tests/real", "every": Path(__file__).parent}
"""The projects whose files are mutated. They have no problems."""

CPU_SECONDS = 15.0  # for one mutant in one environment; the compiler limits expressions to 5
STUCK_SECONDS = 120.0  # after which a process without progress is killed
BUILT = 20  # one model in this many is built
WITHOUT_POSITION = {"broken-table", "broken-team", "not-a-file", "missing-file"}
"""Codes about a whole file, or about another file: their problems have no position."""
UNREADABLE = {"not-utf-8", "not-utf8", "bad-encoding", "too-large", "unreadable"}


class TooLong(BaseException):
    """A mutant used up its processor time."""


@dataclass(frozen=True)
class Failure:
    """A mutant with a wrong result."""

    number: int
    file: str
    what: str
    text: bytes


@dataclass
class Home:
    """A copy of a project, with at most one mutated file at a time."""

    path: Path
    projects: dict[str, Project]
    files: dict[Path, str]

    @property
    def others(self) -> list[str]:
        return list(self.files.values())


@dataclass
class Count:
    """Totals of all mutants."""

    mutants: int = 0
    models: int = 0
    problems: int = 0
    built: int = 0
    codes: set[str] = field(default_factory=set)

    def add(self, other: Count) -> None:
        self.mutants += other.mutants
        self.models += other.models
        self.problems += other.problems
        self.built += other.built
        self.codes |= other.codes


def copy_projects(folder: Path) -> dict[str, Home]:
    """Return copies of the projects in ``folder``."""
    homes = {}
    for name, source in HOMES.items():
        home = folder / name
        shutil.copytree(source / "configs", home / "configs")
        platform = find_platform(home)
        projects = {one: select_environment(platform, one, str(home)) for one in platform.environments}
        paths = sorted(path for path in (home / "configs").rglob("*") if path.suffix in (".yaml", ".j2"))
        homes[name] = Home(home, projects, {path: path.read_text("utf-8") for path in paths})
    return homes


def random_source(seed: int, number: int) -> random.Random:
    """Return the random source of one mutant."""
    return random.Random(f"{seed}/{number}")


def run_mutant(number: int, seed: int, homes: dict[str, Home], count: Count, build: bool) -> Failure | None:
    """Make the mutant with this number, compile it, and check the result. Returns a failure, or None."""
    chance = random_source(seed, number)
    # The project with every key is used most often; pipelines more often than tables, which take longer.
    home = homes[chance.choice(("examples", "real", "every", "every"))]
    pipelines = [path for path in home.files if "pipelines" in path.parts and path.suffix == ".yaml"]
    tables = [path for path in home.files if path not in pipelines]
    path = chance.choice(pipelines if chance.random() < 0.75 else tables)
    data = mutant(home.files[path], home.others, chance)
    name = path.relative_to(home.path).as_posix()
    path.write_bytes(data)
    try:
        with bounded():
            compiled = list(_compiled(home, path, chance))
            what = next(iter(_defects(compiled, name, data)), "")
            if not what and build and chance.randrange(BUILT) == 0:
                what = _build([model for models, _ in compiled for model in models], count)
    except (Exception, TooLong):
        what = traceback.format_exc()
    finally:
        path.write_text(home.files[path], "utf-8")
    count.mutants += 1
    if not what:
        count.models += sum(len(models) for models, _ in compiled)
        problems = [problem for _, found in compiled for problem in found]
        count.problems += len(problems)
        count.codes |= {problem.code for problem in problems}
    return Failure(number, name, what, data) if what else None


def _compiled(home: Home, path: Path, chance: random.Random) -> Iterator[tuple[list[Any], list[Problem]]]:
    """Yield the models and the problems for each environment."""
    if "pipelines" in path.parts and path.suffix == ".yaml":
        file_id = ".".join(path.relative_to(home.path / "configs/pipelines").with_suffix("").parts)
        assert path_of(home.path, file_id) == path
        for project in home.projects.values():
            outcome, _ = project.file_result(read(home.path, file_id), project.cache())
            models = [result.pipeline for result in outcome.results if result.pipeline]
            problems = [problem for result in outcome.results for problem in result.problems]
            for result in outcome.results:
                assert not (result.pipeline and errors(result.problems)), "a pipeline with errors has a model"
            yield models, problems
    else:  # a table: every pipeline depends on it
        environment = chance.choice(list(home.projects))
        compiled = select_environment(find_platform(home.path), environment, str(home.path)).compile_all()
        yield list(compiled.pipelines), list(compiled.problems)


def _defects(compiled: Iterable[tuple[list[Any], list[Problem]]], file: str, data: bytes) -> Iterator[str]:
    """Yield what is wrong with the problems that were reported."""
    lines = len(data.decode("utf-8", "replace").splitlines()) + 1
    for _, problems in compiled:
        for problem in problems:
            texts = (problem.message, problem.hint, problem.path, problem.location, problem.code)
            if not all(text.isprintable() for text in texts):
                yield f"not printable: {problem!r}"
            if not problem.message or not problem.hint:
                yield f"no message or hint: {problem!r}"
            if problem.line < 1 and problem.code not in WITHOUT_POSITION | UNREADABLE:
                yield f"no position: {problem!r}"
            if problem.file == file and problem.line > lines:
                yield f"a position after the end of the file: {problem!r}"
            if len(problem.message) > 5_000:
                yield f"too long: {problem!r}"


def _build(models: list[Any], count: Count) -> str:
    """Build DAGs from the models. Returns the problems as text."""
    from dag_factory.build.loader import build

    _, problems = build(models)
    count.built += len(models)
    return "\n".join(f"{problem.file}: {problem.message}" for problem in problems)


@contextmanager
def bounded() -> Iterator[None]:
    """Raise ``TooLong`` if the block takes more processor time than allowed."""

    def stop(*_: Any) -> None:
        raise TooLong(f"longer than {CPU_SECONDS:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def work(numbers: Iterable[int], seed: int, build: bool, at: Any, report: Any) -> None:
    """Run the mutants of one process. ``at`` holds the current number; ``report`` receives failures and the totals."""
    count = Count()
    with tempfile.TemporaryDirectory(prefix="dagwright-fuzz-") as folder:
        homes = copy_projects(Path(folder))
        for number in numbers:
            at.value = number
            failure = run_mutant(number, seed, homes, count, build)
            if failure:
                report(failure)
    report(count)


@dataclass
class Worker:
    """A process and its state."""

    process: Any
    results: Any
    numbers: list[int]
    at: Any
    last_number: int = -1
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def started(cls, numbers: list[int], seed: int, build: bool) -> Worker:
        context = multiprocessing.get_context("fork")
        results, at = context.Queue(), context.Value("l", numbers[0])
        process = context.Process(target=work, args=(numbers, seed, build, at, results.put), daemon=True)
        process.start()
        return cls(process, results, numbers, at)

    def received(self) -> Iterator[Any]:
        with suppress(queue.Empty):
            while True:
                yield self.results.get_nowait()

    def failure(self) -> str:
        """Return why the process itself failed; an empty text if it works."""
        now = time.monotonic()
        if self.at.value != self.last_number:
            self.last_number, self.since = self.at.value, now
        if not self.process.is_alive() and self.results.empty():
            return f"the process died ({self.process.exitcode})"
        return "the process hangs" if now - self.since > STUCK_SECONDS else ""


def run(count: int, seed: int, processes: int, build: bool) -> tuple[Count, list[Failure]]:
    """Run all mutants in several processes. A process that dies or hangs is a failure; another one continues."""
    total, failures = Count(), []
    if build:
        _build([], total)  # import Airflow once, before the processes fork
    parts = [list(range(start, count, processes)) for start in range(processes)]
    workers = [Worker.started(part, seed, build) for part in parts if part]
    printed = time.monotonic()
    while workers:
        time.sleep(0.05)
        for worker in list(workers):
            ended = False
            for what in worker.received():
                if isinstance(what, Failure):
                    failures.append(what)
                else:
                    total.add(what)
                    ended = True
            reason = "" if ended else worker.failure()
            if reason:
                failures.append(Failure(worker.at.value, "", reason, b""))
                worker.process.kill()
                left = [number for number in worker.numbers if number > worker.at.value]
                workers += [Worker.started(left, seed, build)] if left else []
            if reason or ended:
                worker.process.join()
                workers.remove(worker)
        if time.monotonic() - printed > 30 and workers:
            printed = time.monotonic()
            print(f"at {max(worker.at.value for worker in workers):,} of {count:,}", flush=True)
    return total, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="run this mutant only, and print its text")
    parser.add_argument("--no-build", action="store_true", help="build no DAGs, so that Airflow is not imported")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dagwright-airflow-") as airflow:
        os.environ.setdefault("AIRFLOW_HOME", airflow)
        if options.only is not None:
            return _show(options.only, options.seed, not options.no_build)
        start = time.monotonic()
        total, failures = run(options.count, options.seed, options.processes, not options.no_build)
    seconds = time.monotonic() - start
    for failure in failures:
        print(f"\n--- mutant {failure.number} of seed {options.seed}: {failure.file}\n{failure.what.rstrip()}")
        print(f"repeat: python tests/fuzz/fuzz.py --seed {options.seed} --only {failure.number}")
    print(
        f"{total.mutants:,} mutants in {seconds:.0f} s, {total.mutants / seconds:.0f} a second: {total.models:,} models"
    )
    print(f"({total.built:,} built), {total.problems:,} problems of {len(total.codes)} codes, {len(failures)} failures")
    return 1 if failures else 0


def _show(number: int, seed: int, build: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="dagwright-fuzz-") as folder:
        count = Count()
        started = time.process_time()
        failure = run_mutant(number, seed, copy_projects(Path(folder)), count, build)
        spent = time.process_time() - started
    if failure:
        sys.stdout.write(failure.text.decode("utf-8", "backslashreplace") + "\n")
        print(f"--- {failure.file}, {spent:.1f} s\n{failure.what}")
        return 1
    print(f"no failure, {spent:.1f} s: {count.models} models, {count.problems} problems: {sorted(count.codes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
