"""The soak: `python3 -m tests.simulation --schedules 100000`, from images/node with PYTHONPATH=src."""

from __future__ import annotations

import argparse
import time

from .schedule import live

parser = argparse.ArgumentParser(description="Let many simulated clusters live through random faults.")
parser.add_argument("--schedules", type=int, default=10_000)
parser.add_argument("--first", type=int, default=0, help="the first seed")
options = parser.parse_args()
began = said = time.monotonic()
for done in range(options.schedules):
    live(options.first + done)
    if time.monotonic() - said > 10:
        said = time.monotonic()
        print(f"{done + 1} of {options.schedules} schedules, no violation, {said - began:.0f} s", flush=True)
print(f"{options.schedules} schedules, no violation, {time.monotonic() - began:.0f} s")
