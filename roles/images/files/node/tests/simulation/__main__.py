"""The soak: `make soak-simulation`, or `python3 -m tests.simulation --schedules 100000` from images/node with PYTHONPATH=src.

Each tenth seed runs with the Cloud API as its upstream too, unless --upstream names one upstream.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

from waba_node import control, coreapp, store
from waba_node.upstream import cloud
from waba_node.webapp import cloud_updates

from .invariants import Violation
from .schedule import CLOUD, UPSTREAMS, WEBSOCKET, live, schedule, shrunk

ALL = "all"
CLOUD_SHARE = 10  # one seed of so many runs with the Cloud API too: it takes about ten times as long
CHUNK = 100  # schedules
REPORT = 10.0  # seconds between two lines of progress, after each of which the state is saved
SOURCES = (
    *(Path(module.__file__ or "").parent for module in (control, coreapp, store, cloud)),
    Path(cloud_updates.__file__),
    Path(__file__).parent,
)


@dataclass
class Progress:
    """The progress of a soak. code: the digest of the code that it ran with. chunks: the numbers of those that are complete.

    failed: (seed, upstream) of the schedules that fail.
    """

    first: int
    code: str
    upstream: str = ALL
    chunks: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    failed: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, chunk: int, counts: Counter[str], slowest: float, failed: list[tuple[int, str]]) -> None:
        """Add the results of a chunk."""
        self.chunks.append(chunk)
        self.counts = dict(Counter(self.counts) + counts)
        self.slowest = max(self.slowest, slowest)
        self.failed += failed

    def line(self, schedules: int) -> str:
        """Return the progress as text."""
        counts = Counter(self.counts)
        return (
            f"{counts['schedules']} of {schedules} schedules, {counts[CLOUD]} with the Cloud API, {len(self.failed)} violations, {self.seconds:.0f} s; "
            f"messages: {counts['accepted']} accepted and arrived, {counts['lost']} lost with the last commits, {counts['refused']} refused, "
            f"{counts['duplicates']} arrived twice, {counts['uncertain']} uncertain; slowest recovery {self.slowest:.1f} s"
        )


def upstreams_of(seed: int, upstream: str) -> tuple[str, ...]:
    """Return the upstreams with which a seed runs. upstream: one of UPSTREAMS, or ALL."""
    if upstream != ALL:
        return (upstream,)
    return UPSTREAMS if seed % CLOUD_SHARE == 0 else (WEBSOCKET,)


def run_chunk(first: int, end: int, upstream: str) -> tuple[Counter[str], float, list[tuple[int, str]]]:
    """Run schedules. Return what was counted, the slowest recovery in seconds, and the (seed, upstream) that fail."""
    counts: Counter[str] = Counter()
    slowest, failed = 0.0, []
    schedules = [(number, kind) for number in range(first, end) for kind in upstreams_of(number, upstream)]
    for seed, kind in schedules:
        counts["schedules"] += 1
        counts[kind] += 1
        try:
            world = live(seed, kind)
        except Violation:
            failed.append((seed, kind))
            continue
        lost = world.traffic.accepted.keys() & world.database.lost - world.upstream.received.keys()
        counts["accepted"] += len(world.traffic.accepted) - len(lost)
        counts["lost"] += len(lost)
        counts["refused"] += len(world.traffic.refused)
        counts["duplicates"] += world.traffic.duplicates()
        counts["uncertain"] += world.uncertain
        slowest = max(slowest, world.recovered_after)
    return counts, slowest, failed


def digest_of_code() -> str:
    """Return a digest of the simulation and of the node's code that it runs."""
    digest = hashlib.sha256()
    files = (path for source in SOURCES for path in ([source] if source.is_file() else source.rglob("*.py")))
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load(path: Path | None, first: int, upstream: str) -> Progress:
    """Return the progress to continue from: that of the state file, if it is of the same code, first seed and upstream."""
    code = digest_of_code()
    if path is not None and path.exists():
        stored = Progress(**json.loads(path.read_text()))
        if (stored.code, stored.first, stored.upstream) == (code, first, upstream):
            stored.failed = [(failed[0], failed[1]) for failed in stored.failed]
            return stored
        print(f"{path} is of other code, first seed or upstream: the soak starts again", flush=True)
    return Progress(first, code, upstream)


def save(path: Path | None, progress: Progress) -> None:
    """Write the state file, at once or not at all."""
    if path is not None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(progress)))
        part.replace(path)


def soak(
    first: int, schedules: int, processes: int, state: Path | None = None, upstream: str = ALL
) -> list[tuple[int, str]]:
    """Run the schedules of so many seeds in several processes, reporting progress. Return the (seed, upstream) that fail.

    state: the file from which an interrupted soak continues. upstream: one of UPSTREAMS, or ALL.
    """
    progress = load(state, first, upstream)
    earlier, began, reported = progress.seconds, time.monotonic(), time.monotonic()
    done = set(progress.chunks)
    waiting = (chunk for chunk in range(-(-schedules // CHUNK)) if chunk not in done)
    running: dict[Future[tuple[Counter[str], float, list[tuple[int, str]]]], int] = {}
    with ProcessPoolExecutor(processes) as pool:

        def submit(chunks: Iterator[int]) -> None:
            while len(running) < 2 * processes and (chunk := next(chunks, None)) is not None:
                at = first + chunk * CHUNK
                running[pool.submit(run_chunk, at, min(at + CHUNK, first + schedules), upstream)] = chunk

        submit(waiting)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                counts, slowest, failed = future.result()
                progress.add(running.pop(future), counts, slowest, failed)
                if failed:  # at once: a soak is often interrupted
                    print(f"seeds that fail: {as_text(failed)}", flush=True)
            progress.seconds = earlier + time.monotonic() - began
            if time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                print(progress.line(schedules), flush=True)
                save(state, progress)
            submit(waiting)
    save(state, progress)
    print(progress.line(schedules))
    return sorted(progress.failed)


def as_text(failed: list[tuple[int, str]]) -> str:
    """Return schedules as text."""
    return ", ".join(f"{seed} ({upstream})" for seed, upstream in failed)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Run many simulated clusters under random faults.")
    parser.add_argument("--schedules", type=int, default=10_000, help="the number of seeds")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--upstream",
        choices=(ALL, *UPSTREAMS),
        default=ALL,
        help=f"the upstream of every schedule; by default websocket, and one seed in {CLOUD_SHARE} runs with cloud too",
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--state", type=Path, help="the file in which progress is stored, and from which a soak continues"
    )
    options = parser.parse_args()
    try:
        failed = soak(options.first, options.schedules, options.processes, options.state, options.upstream)
    except KeyboardInterrupt:
        print(f"Interrupted. The same command continues from {options.state}." if options.state else "Interrupted.")
        return 130
    if failed:
        print(f"Seeds that fail: {as_text(failed[:20])}. The first, with as few faults as necessary:")
        smaller, violation = shrunk(schedule(*failed[0]))
        print(violation, *smaller.faults, sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
