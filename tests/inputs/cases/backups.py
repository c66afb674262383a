"""Settings of scheduled backups."""

from __future__ import annotations

from typing import Any

from .common import HIDDEN, Case

PUBLIC_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
INVALID: dict[str, Any] = {
    "waba_backup_schedule": "0 25 * * *",
    "waba_backup_host": "elsewhere",
    "waba_backup_path": "backups",
    "waba_backup_recipients": ["AGE-SECRET-KEY-1QQQQ", PUBLIC_KEY, "age1short"],
    "waba_backup_keep": 0,
    "waba_backup_keep_days": -1,
    "waba_backup_max_age": 0,
    "waba_backup_copy_command": ["rclone", "copy"],
}
ON_ANOTHER_HOST: dict[str, Any] = {
    "waba_backup_schedule": "0 2 * * *",
    "waba_backup_recipients": [PUBLIC_KEY],
    "waba_backup_path": "/nowhere/backups",
    "waba_backup_copy_command": ["no-such-program", "{archive}"],
}


def invalid(host: str) -> list[Case]:
    """Return the rows of a host with the settings INVALID."""
    key = "Make a key pair with age-keygen, and set the public key, which begins with age1"
    return [
        (host, "waba_backup_schedule", "0 25 * * *", "the hour is '25', not a number from 0 to 23",
         "Write minute, hour, day, month and day of the week as for cron, for example '30 2 * * *'"),
        (host, "waba_backup_host", "elsewhere", "it runs neither the database nor a master", f"Name one of {host}"),
        (host, "waba_backup_path", "backups", "it is not an absolute path without blanks and %", "Let it begin with /"),
        (host, "waba_backup_recipients[0]", HIDDEN, "it is a private key, which must not be on a host",
         "Set the public key that age-keygen -y prints; make a new pair if the private key was published"),
        (host, "waba_backup_recipients[2]", "age1short", "it is not a public key of age", key),
        (host, "waba_backup_keep", 0, "it is below 1", "Use 1 or more"),
        (host, "waba_backup_keep_days", -1, "it is below 0", "Use 0 or more"),
        (host, "waba_backup_max_age", 0, "it is below 1", "Use 1 or more"),
        (host, "waba_backup_copy_command", "rclone copy", "it does not name the archive",
         "Add {archive} where the command takes the file, or let it read WABA_BACKUP_ARCHIVE"),
    ]  # fmt: skip


def on_another_host(host: str) -> list[Case]:
    """Return the rows of a host with the settings ON_ANOTHER_HOST."""
    return [
        (host, "waba_backup_path", "/nowhere/backups", "there is no folder /nowhere",
         "Mount its file system, create it, or set another path"),
        (host, "waba_backup_copy_command", "no-such-program", "there is no such program on this host",
         "Install it, or give its path"),
    ]  # fmt: skip
