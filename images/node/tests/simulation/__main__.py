"""The soak: `make soak-simulation`, or `python3 -m tests.simulation --schedules 100000` from images/node with PYTHONPATH=src."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed

from .schedule import live, schedule, shrunk
from .world import Violation

CHUNK = 100  # schedules
SAY = 10.0  # seconds


def lives(first: int, end: int) -> tuple[Counter[str], float, list[int]]:
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
        counts["accepted"] += len(world.traffic.accepted)
        counts["refused"] += len(world.traffic.refused)
        counts["duplicates"] += world.traffic.duplicates()
        slowest = max(slowest, world.recovered_after)
    return counts, slowest, failed


def line(counts: Counter[str], slowest: float, failed: list[int], seconds: float) -> str:
    """Return how far it is."""
    return (
        f"{counts['schedules']} schedules, {len(failed)} violations, {seconds:.0f} s; messages: {counts['accepted']} accepted and arrived, "
        f"{counts['refused']} refused, {counts['duplicates']} came twice; slowest recovery {slowest:.1f} s"
    )


def soak(first: int, schedules: int, processes: int) -> list[int]:
    """Run schedules in several processes, saying how far it is. Return the seeds that fail."""
    counts: Counter[str] = Counter()
    slowest, failed = 0.0, []
    began = said = time.monotonic()
    end = first + schedules
    with ProcessPoolExecutor(processes) as pool:
        chunks = [pool.submit(lives, at, min(at + CHUNK, end)) for at in range(first, end, CHUNK)]
        for chunk in as_completed(chunks):
            more, recovery, seeds = chunk.result()
            counts, slowest, failed = counts + more, max(slowest, recovery), failed + seeds
            if seeds:  # at once: a soak is often ended before its end
                print(f"seeds that fail: {', '.join(map(str, seeds))}", flush=True)
            if time.monotonic() - said > SAY:
                said = time.monotonic()
                print(line(counts, slowest, failed, said - began), flush=True)
    print(line(counts, slowest, failed, time.monotonic() - began))
    return sorted(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description="Let many simulated clusters live through random faults.")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    failed = soak(options.first, options.schedules, options.processes)
    if failed:
        print(f"Seeds that fail: {', '.join(map(str, failed[:20]))}. The first, with as few faults as it takes:")
        smaller, violation = shrunk(schedule(failed[0]))
        print(violation, *smaller.faults, sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
