"""The wait for a second member of the database. molecule/database_ha has the test on a cluster."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError
from waba_node.store import second_member
from waba_node.store.engine import Database
from waba_node.store.second_member import NoSecondMember, SecondMember


class DriverError(Exception):
    """Of the database driver."""


class ScriptedMember(SecondMember):
    """A second member whose waits end as scripted: None is success. The last outcome repeats."""

    def __init__(self, database: Database, *outcomes: Exception | None) -> None:
        super().__init__(dataclasses.replace(database.config, second_port=database.config.port))
        self.outcomes, self.waits = list(outcomes), 0

    @staticmethod
    async def _committed(_writer: Database) -> str:
        return "position"

    async def _wait(self, position: str) -> None:
        assert position == "position"
        self.waits += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is not None:
            raise outcome


def driver_error(code: int) -> OperationalError:
    return OperationalError("SELECT", None, DriverError(code, "injected"))


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_member, "RETRY_PAUSE", 0.01)
    monkeypatch.setattr(second_member, "CONNECT_TIMEOUT", 0.1)


async def test_a_commit_that_a_second_member_applied_is_confirmed(database: Database) -> None:
    assert await ScriptedMember(database, None).confirm(database, time.monotonic() + 1)


async def test_another_reader_confirms_when_one_fails(database: Database) -> None:
    member = ScriptedMember(database, driver_error(2013), NoSecondMember(), None)
    assert await member.confirm(database, time.monotonic() + 1)
    assert (member.waits, member.present) == (3, True)


async def test_without_a_second_member_the_first_acknowledges_alone(database: Database) -> None:
    member = ScriptedMember(database, NoSecondMember())
    began = time.monotonic()
    assert not await member.confirm(database, began + 60)
    assert time.monotonic() - began < 30
    waits = member.waits
    assert not await member.confirm(database, time.monotonic() + 60)
    assert member.waits == waits, "nothing waits until a probe succeeds"


async def test_a_second_member_that_lags_refuses(database: Database) -> None:
    with pytest.raises(OperationalError):
        await ScriptedMember(database, driver_error(1205)).confirm(database, time.monotonic() + 0.1)


async def test_a_probe_finds_the_second_member_again(database: Database) -> None:
    member = ScriptedMember(database, None)
    member.present = False
    await member.probe()
    assert member.present
    await member.close()


async def test_a_port_without_a_server_has_no_second_member(
    database: Database, free_ports: Callable[[int], tuple[int, ...]]
) -> None:
    (unused,) = free_ports(1)
    member = SecondMember(dataclasses.replace(database.config, second_port=unused))
    await member.probe()
    assert not member.present
    with pytest.raises(NoSecondMember):
        await member._wait("position")
    await member.close()
