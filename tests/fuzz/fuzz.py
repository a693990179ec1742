"""Mutants of valid files, by the thousand: each ends in models or in problems with places, and soon.

``make fuzz``, or ``python tests/fuzz/fuzz.py --count 20000 --seed 1``; a failure names its number, and
``--only NUMBER`` with the same seed shows that mutant again. ``mutate.py`` says what is done to a file.
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
from dag_factory.config.project.project import Project, chosen, platform_of
from dag_factory.config.project.read_file import read
from dag_factory.config.source.layout import path_of

ROOT = Path(__file__).parents[2]
HOMES = {"examples": ROOT, "real": ROOT / "tests/real", "every": Path(__file__).parent}
"""The projects whose files are changed; each is without a problem."""

CPU_SECONDS = 15.0  # of one mutant in one environment; the compiler's own bound for expressions is 5
STUCK_SECONDS = 120.0  # after which a process that answers nobody is ended
BUILT = 20  # one model of so many is built
WITHOUT_PLACE = {"broken-table", "broken-team", "not-a-file", "missing-file"}
"""Codes that are about a file as a whole, or about another file."""
UNREAD = {"not-utf-8", "not-utf8", "bad-encoding", "too-large", "unreadable"}


class TooLong(BaseException):
    """A mutant used up its processor time."""


@dataclass(frozen=True)
class Failure:
    """What a mutant did that none may do."""

    number: int
    file: str
    what: str
    text: bytes


@dataclass
class Home:
    """A project in a folder of its own, with one of its files changed at a time."""

    path: Path
    projects: dict[str, Project]
    files: dict[Path, str]

    @property
    def others(self) -> list[str]:
        return list(self.files.values())


@dataclass
class Count:
    """What came of the mutants."""

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


def opened(folder: Path) -> dict[str, Home]:
    """Copies of the projects below ``folder``."""
    homes = {}
    for name, source in HOMES.items():
        home = folder / name
        shutil.copytree(source / "configs", home / "configs")
        platform = platform_of(home)
        projects = {one: chosen(platform, one, str(home)) for one in platform.environments}
        paths = sorted(path for path in (home / "configs").rglob("*") if path.suffix in (".yaml", ".j2"))
        homes[name] = Home(home, projects, {path: path.read_text("utf-8") for path in paths})
    return homes


def chance_of(seed: int, number: int) -> random.Random:
    """The random source of one mutant."""
    return random.Random(f"{seed}/{number}")


def one(number: int, seed: int, homes: dict[str, Home], count: Count, build: bool) -> Failure | None:
    """Make the mutant of that number, compile it, and judge what came out."""
    chance = chance_of(seed, number)
    # The project of every key is taken most often; a pipeline more often than a table, which costs more.
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
            what = next(iter(_wrong(compiled, name, data)), "")
            if not what and build and chance.randrange(BUILT) == 0:
                what = _built([model for models, _ in compiled for model in models], count)
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
    """The models and the problems of each environment that the mutant was tried in."""
    if "pipelines" in path.parts and path.suffix == ".yaml":
        file_id = ".".join(path.relative_to(home.path / "configs/pipelines").with_suffix("").parts)
        assert path_of(home.path, file_id) == path
        for project in home.projects.values():
            outcome, _ = project.outcome(read(home.path, file_id), project.kept())
            models = [result.pipeline for result in outcome.results if result.pipeline]
            problems = [problem for result in outcome.results for problem in result.problems]
            for result in outcome.results:
                assert not (result.pipeline and errors(result.problems)), "a model of what is wrong"
            yield models, problems
    else:  # a table: every pipeline stands on it
        environment = chance.choice(list(home.projects))
        compiled = chosen(platform_of(home.path), environment, str(home.path)).compile_all()
        yield list(compiled.pipelines), list(compiled.problems)


def _wrong(compiled: Iterable[tuple[list[Any], list[Problem]]], file: str, data: bytes) -> Iterator[str]:
    """What is wrong with what came out."""
    lines = len(data.decode("utf-8", "replace").splitlines()) + 1
    for _, problems in compiled:
        for problem in problems:
            words = (problem.message, problem.hint, problem.path, problem.place, problem.code)
            if not all(word.isprintable() for word in words):
                yield f"not printable: {problem!r}"
            if not problem.message or not problem.hint:
                yield f"says nothing: {problem!r}"
            if problem.line < 1 and problem.code not in WITHOUT_PLACE | UNREAD:
                yield f"without a place: {problem!r}"
            if problem.file == file and problem.line > lines:
                yield f"a place behind the file's end: {problem!r}"
            if len(problem.message) > 5_000:
                yield f"too long: {problem!r}"


def _built(models: list[Any], count: Count) -> str:
    """What Airflow says against a model, if anything."""
    from dag_factory.build.loader import build

    _, problems = build(models)
    count.built += len(models)
    return "\n".join(f"{problem.file}: {problem.message}" for problem in problems)


@contextmanager
def bounded() -> Iterator[None]:
    """Raises ``TooLong`` in what takes more processor time than a mutant may."""

    def stop(*_: Any) -> None:
        raise TooLong(f"longer than {CPU_SECONDS:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def work(numbers: Iterable[int], seed: int, build: bool, at: Any, tell: Any) -> None:
    """One process: its mutants one after the other, the number in ``at``, what came of them told to ``tell``."""
    count = Count()
    with tempfile.TemporaryDirectory(prefix="dagwright-fuzz-") as folder:
        homes = opened(Path(folder))
        for number in numbers:
            at.value = number
            failure = one(number, seed, homes, count, build)
            if failure:
                tell(failure)
    tell(count)


@dataclass
class Worker:
    """A process and what is known of it."""

    process: Any
    told: Any
    numbers: list[int]
    at: Any
    seen: int = -1
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def started(cls, numbers: list[int], seed: int, build: bool) -> Worker:
        context = multiprocessing.get_context("fork")
        told, at = context.Queue(), context.Value("l", numbers[0])
        process = context.Process(target=work, args=(numbers, seed, build, at, told.put), daemon=True)
        process.start()
        return cls(process, told, numbers, at)

    def heard(self) -> Iterator[Any]:
        with suppress(queue.Empty):
            while True:
                yield self.told.get_nowait()

    def trouble(self) -> str:
        """What is wrong with the process itself."""
        now = time.monotonic()
        if self.at.value != self.seen:
            self.seen, self.since = self.at.value, now
        if not self.process.is_alive() and self.told.empty():
            return f"the process died ({self.process.exitcode})"
        return "the process hangs" if now - self.since > STUCK_SECONDS else ""


def run(count: int, seed: int, processes: int, build: bool) -> tuple[Count, list[Failure]]:
    """All mutants, in some processes. A process that dies or hangs is a failure, and another goes on."""
    total, failures = Count(), []
    if build:
        _built([], total)  # import Airflow once, before the processes divide
    shares = [list(range(start, count, processes)) for start in range(processes)]
    workers = [Worker.started(share, seed, build) for share in shares if share]
    shown = time.monotonic()
    while workers:
        time.sleep(0.05)
        for worker in list(workers):
            ended = False
            for what in worker.heard():
                if isinstance(what, Failure):
                    failures.append(what)
                else:
                    total.add(what)
                    ended = True
            trouble = "" if ended else worker.trouble()
            if trouble:
                failures.append(Failure(worker.at.value, "", trouble, b""))
                worker.process.kill()
                left = [number for number in worker.numbers if number > worker.at.value]
                workers += [Worker.started(left, seed, build)] if left else []
            if trouble or ended:
                worker.process.join()
                workers.remove(worker)
        if time.monotonic() - shown > 30 and workers:
            shown = time.monotonic()
            print(f"at {max(worker.at.value for worker in workers):,} of {count:,}", flush=True)
    return total, failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="this mutant alone, with its text")
    parser.add_argument("--no-build", action="store_true", help="build no DAGs: do not import Airflow")
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
        print(f"again: python tests/fuzz/fuzz.py --seed {options.seed} --only {failure.number}")
    print(
        f"{total.mutants:,} mutants in {seconds:.0f} s, {total.mutants / seconds:.0f} a second: {total.models:,} models"
    )
    print(f"({total.built:,} built), {total.problems:,} problems of {len(total.codes)} codes, {len(failures)} failures")
    return 1 if failures else 0


def _show(number: int, seed: int, build: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="dagwright-fuzz-") as folder:
        count = Count()
        started = time.process_time()
        failure = one(number, seed, opened(Path(folder)), count, build)
        spent = time.process_time() - started
    if failure:
        sys.stdout.write(failure.text.decode("utf-8", "backslashreplace") + "\n")
        print(f"--- {failure.file}, {spent:.1f} s\n{failure.what}")
        return 1
    print(f"nothing wrong, {spent:.1f} s: {count.models} models, {count.problems} problems: {sorted(count.codes)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
