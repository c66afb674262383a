"""The soak: `make soak-simulation`, or `python3 -m tests.simulation --schedules 100000` from images/node with PYTHONPATH=src."""

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

from waba_node import control

from .invariants import Violation
from .schedule import live, schedule, shrunk

CHUNK = 100  # schedules
REPORT = 10.0  # seconds between two lines of progress, after each of which the state is saved
SOURCES = (Path(__file__).parent, Path(control.__file__).parent)


@dataclass
class Progress:
    """What a soak has done. code: the digest of the code that it ran with. chunks: the numbers of those that are complete."""

    first: int
    code: str
    chunks: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    failed: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, chunk: int, counts: Counter[str], slowest: float, failed: list[int]) -> None:
        """Add the results of a chunk."""
        self.chunks.append(chunk)
        self.counts = dict(Counter(self.counts) + counts)
        self.slowest = max(self.slowest, slowest)
        self.failed += failed

    def line(self, schedules: int) -> str:
        """Return the progress as text."""
        counts = Counter(self.counts)
        return (
            f"{counts['schedules']} of {schedules} schedules, {len(self.failed)} violations, {self.seconds:.0f} s; "
            f"messages: {counts['accepted']} accepted and arrived, {counts['lost']} lost with the last commits, {counts['refused']} refused, "
            f"{counts['duplicates']} arrived twice; slowest recovery {self.slowest:.1f} s"
        )


def run_chunk(first: int, end: int) -> tuple[Counter[str], float, list[int]]:
    """Run schedules. Return what was counted, the slowest recovery in seconds, and the seeds that fail."""
    counts: Counter[str] = Counter()
    slowest, failed = 0.0, []
    for seed in range(first, end):
        counts["schedules"] += 1
        try:
            world = live(seed)
        except Violation:
            failed.append(seed)
            continue
        lost = world.traffic.accepted.keys() & world.database.lost - world.upstream.received.keys()
        counts["accepted"] += len(world.traffic.accepted) - len(lost)
        counts["lost"] += len(lost)
        counts["refused"] += len(world.traffic.refused)
        counts["duplicates"] += world.traffic.duplicates()
        slowest = max(slowest, world.recovered_after)
    return counts, slowest, failed


def digest_of_code() -> str:
    """Return a digest of the simulation and of the control logic that it runs."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load(path: Path | None, first: int) -> Progress:
    """Return the progress to continue from: that of the state file, if it is of the same code and the same first seed."""
    code = digest_of_code()
    if path is not None and path.exists():
        stored = Progress(**json.loads(path.read_text()))
        if (stored.code, stored.first) == (code, first):
            return stored
        print(f"{path} is of other code or of another first seed: the soak starts again", flush=True)
    return Progress(first, code)


def save(path: Path | None, progress: Progress) -> None:
    """Write the state file, at once or not at all."""
    if path is not None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(progress)))
        part.replace(path)


def soak(first: int, schedules: int, processes: int, state: Path | None = None) -> list[int]:
    """Run schedules in several processes, reporting progress. Return the seeds that fail.

    state: the file from which an interrupted soak continues.
    """
    progress = load(state, first)
    earlier, began, reported = progress.seconds, time.monotonic(), time.monotonic()
    done = set(progress.chunks)
    waiting = (chunk for chunk in range(-(-schedules // CHUNK)) if chunk not in done)
    running: dict[Future[tuple[Counter[str], float, list[int]]], int] = {}
    with ProcessPoolExecutor(processes) as pool:

        def submit(chunks: Iterator[int]) -> None:
            while len(running) < 2 * processes and (chunk := next(chunks, None)) is not None:
                at = first + chunk * CHUNK
                running[pool.submit(run_chunk, at, min(at + CHUNK, first + schedules))] = chunk

        submit(waiting)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                counts, slowest, failed = future.result()
                progress.add(running.pop(future), counts, slowest, failed)
                if failed:  # at once: a soak is often interrupted
                    print(f"seeds that fail: {', '.join(map(str, failed))}", flush=True)
            progress.seconds = earlier + time.monotonic() - began
            if time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                print(progress.line(schedules), flush=True)
                save(state, progress)
            submit(waiting)
    save(state, progress)
    print(progress.line(schedules))
    return sorted(progress.failed)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Run many simulated clusters under random faults.")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--state", type=Path, help="the file in which progress is stored, and from which a soak continues"
    )
    options = parser.parse_args()
    try:
        failed = soak(options.first, options.schedules, options.processes, options.state)
    except KeyboardInterrupt:
        print(f"Interrupted. The same command continues from {options.state}." if options.state else "Interrupted.")
        return 130
    if failed:
        print(f"Seeds that fail: {', '.join(map(str, failed[:20]))}. The first, with as few faults as necessary:")
        smaller, violation = shrunk(schedule(failed[0]))
        print(violation, *smaller.faults, sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
