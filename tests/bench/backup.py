"""`make bench-backup`: the seconds of a backup and of a restore, of an empty database and of one of a size.

Run it with the cluster of the scenario `default`, whose data it replaces.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "molecule/default/tests"))

from conftest import NAME, play
from plays import backup_archive, changed

CONTAINER = f"{NAME}-db-1"
BATCH = 100_000
SIZE = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = 'waba'"
# Messages that were read long ago, so that no node processes them.
INSERT = """INSERT INTO message (message_id, bucket, recipient, status, payload, accepted_at)
    SELECT UUID(), seq %% 256, '15550000001', 'read', CONCAT('{"to": "15550000001", "type": "text", "text": {"body": "', HEX(RANDOM_BYTES(100)), '"}}'), NOW()
    FROM seq_1_to_%d"""


def sql(statement: str) -> str:
    command = ["docker", "exec", CONTAINER, "mariadb", "waba", "-Ne", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def fill(megabytes: int) -> None:
    """Insert messages until the database has a size."""
    while megabytes_of_database() < megabytes:
        sql(INSERT % BATCH)
        sql("ANALYZE TABLE message")
        print(f"{megabytes_of_database():.0f} of {megabytes} MB ...", flush=True)


def megabytes_of_database() -> float:
    return float(sql(SIZE)) / 10**6


def measure() -> tuple[float, float, float, float]:
    """Return the size of the database and of its archive in MB, and the seconds of a backup and of a restore."""
    size, rows = megabytes_of_database(), sql("SELECT COUNT(*) FROM message")
    began = time.monotonic()
    archive = backup_archive(play("playbooks/backup.yml"))
    backed_up = time.monotonic() - began
    assert changed(play("playbooks/stop.yml")) > 0
    began = time.monotonic()
    restored = play(
        "playbooks/restore.yml", "-e", f"waba_restore_archive={archive}", "-e", "waba_restore_overwrite=true"
    )
    assert changed(restored) > 0
    seconds = time.monotonic() - began
    assert sql("SELECT COUNT(*) FROM message") == rows
    changed(play("playbooks/start.yml"))
    compressed = archive.stat().st_size / 10**6
    archive.unlink()
    return size, compressed, backed_up, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the larger database")
    arguments = parser.parse_args()
    empty = measure()
    fill(arguments.megabytes)
    full = measure()
    gigabytes = (full[0] - empty[0]) / 1000
    print("\n| database | archive | backup | restore |\n| --- | --- | --- | --- |")
    for size, compressed, backup, restore in (empty, full):
        print(f"| {size:.0f} MB | {compressed:.1f} MB | {backup:.0f} s | {restore:.0f} s |")
    print(
        f"| each further GB | | {(full[2] - empty[2]) / gigabytes:.0f} s | {(full[3] - empty[3]) / gigabytes:.0f} s |"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
