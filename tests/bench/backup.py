"""`make bench-backup`: the seconds of a backup and of a restore, of an empty database and of a larger one.

Run it with the cluster of the scenario `default`. It inserts messages into the database of that cluster.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "molecule/default/tests"))

from conftest import NAME, play
from plays import backup_archive, changed

CONTAINER = f"{NAME}-db-1"
BATCH = 100_000
SIZE = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = 'waba'"
# Messages that were read, so that no node processes them. There are 32 buckets.
INSERT = """INSERT INTO message (message_id, bucket, recipient, status, payload, accepted_at)
    SELECT UUID(), seq %% 32, '15550000001', 'read', CONCAT('{"to": "15550000001", "type": "text", "text": {"body": "', HEX(RANDOM_BYTES(100)), '"}}'), NOW()
    FROM seq_1_to_%d"""


class Measurement(NamedTuple):
    """The size of the database and of its archive in MB, and the seconds of a backup and of a restore."""

    size: float
    archive: float
    backup: float
    restore: float


def sql(statement: str) -> str:
    command = ["docker", "exec", CONTAINER, "mariadb", "waba", "-Ne", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def fill(megabytes: int) -> None:
    """Insert messages until the database has this size."""
    while megabytes_of_database() < megabytes:
        sql(INSERT % BATCH)
        sql("ANALYZE TABLE message")
        print(f"{megabytes_of_database():.0f} of {megabytes} MB ...", flush=True)


def megabytes_of_database() -> float:
    return float(sql(SIZE)) / 10**6


def measure() -> Measurement:
    """Back up and restore the database. The messages of the archive must be those of the database before."""
    size, rows = megabytes_of_database(), sql("SELECT COUNT(*) FROM message")
    began = time.monotonic()
    archive = backup_archive(play("playbooks/backup.yml"))
    backup = time.monotonic() - began
    assert changed(play("playbooks/stop.yml")) > 0
    began = time.monotonic()
    restored = play(
        "playbooks/restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"
    )
    assert changed(restored) > 0
    restore = time.monotonic() - began
    assert sql("SELECT COUNT(*) FROM message") == rows
    changed(play("playbooks/start.yml"))
    megabytes = archive.stat().st_size / 10**6
    archive.unlink()
    return Measurement(size, megabytes, backup, restore)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the larger database")
    arguments = parser.parse_args()
    empty = measure()
    fill(arguments.megabytes)
    full = measure()
    gigabytes = (full.size - empty.size) / 1000
    backup, restore = (full.backup - empty.backup) / gigabytes, (full.restore - empty.restore) / gigabytes
    print("\n| database | archive | backup | restore |\n| --- | --- | --- | --- |")
    for one in (empty, full):
        print(f"| {one.size:.0f} MB | {one.archive:.1f} MB | {one.backup:.0f} s | {one.restore:.0f} s |")
    print(f"| each further GB | | {backup:.0f} s | {restore:.0f} s |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
