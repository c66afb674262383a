"""How long a shard is not served, fault by fault: the bounds that the project promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from waba_node.control.ownership import Grant

from . import faults, mutations
from .invariants import Violation
from .process import Process
from .world import DEFAULT, FAST, World

SEEDS = range(5)
SOON = 2.5  # seconds


def calm_world(seed: int, settings: tuple[int, int] = FAST, pause: float = 0.5, **options: int) -> World:
    world = World(seed, settings=settings, pause=pause, **options)
    assert world.run_until(world.served, 10) is not None, "a fresh cluster serves within seconds"
    world.run_for(2 * settings[0])
    return world


def another(world: World, former: str) -> Callable[[], bool]:
    """Return the condition that another coreapp is connected."""
    return lambda: any(node.name != former for node in world.connected_for(0))


def cut_off_from_database(world: World, process: Process) -> None:
    world.separate(process.name, "db")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("settings", [FAST, DEFAULT], ids=["fast", "default"])
@pytest.mark.parametrize(
    ("fault", "beyond"), [(faults.crash, 5), (faults.freeze, 5), (faults.isolate, 8), (cut_off_from_database, 10)]
)
def test_a_lost_owner_is_replaced_within_the_bound(
    fault: Callable[[World, Process], None], beyond: int, settings: tuple[int, int], seed: int
) -> None:
    """beyond: seconds after unhealthy_interval. An owner that can still renew must first learn that it is demoted."""
    world = calm_world(seed, settings)
    (owner,) = world.connected_for(0)
    fault(world, owner)
    seconds = world.run_until(another(world, owner.name), settings[1] + beyond)
    assert seconds is not None, world.story()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_owner_that_stops_is_replaced_at_once(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    faults.stop(world, owner)
    assert world.run_until(another(world, owner.name), DEFAULT[0] + SOON) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_with_one_master_alone_the_reports_decide(seed: int) -> None:
    world = calm_world(seed, masters=1)
    (owner,) = world.connected_for(0)
    world.run_for(60)
    faults.crash(world, owner)
    seconds = world.run_until(another(world, owner.name), 130)
    assert seconds is not None
    assert seconds > 60, "its last report is younger than two minutes until then"


@pytest.mark.parametrize("seed", SEEDS)
def test_another_master_takes_over_and_no_shard_moves(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    (primary,) = [one for one in world.masters if one.lease.held(one.clock())]
    faults.crash(world, primary)
    others = [one for one in world.masters if one is not primary]
    held = world.run_until(lambda: any(one.lease.held(one.clock()) for one in others), 15 + 5 + SOON)
    assert held is not None
    world.run_for(60)
    assert world.connected_for(0) == [owner]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lowered_interval_counts_once_the_last_longer_right_has_ended(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    world.change_settings(FAST)
    world.run_for(DEFAULT[1])
    (owner,) = world.connected_for(0)
    faults.crash(world, owner)
    assert world.run_until(another(world, owner.name), FAST[1] + SOON) is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_an_owner_that_is_cut_off_from_everything_disconnects_before_another_takes_over(seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    faults.isolate(world, owner)
    cut_off_from_database(world, owner)
    assert world.run_until(lambda: owner.connected is None, 0.7 * DEFAULT[1] * 1.05 + 0.2) is not None
    assert not another(world, owner.name)()


@pytest.mark.parametrize("seed", SEEDS)
def test_without_a_standby_an_owner_that_the_masters_cannot_reach_stays_connected(seed: int) -> None:
    world = calm_world(seed, coreapps=1)
    (owner,) = world.connected_for(0)
    faults.isolate(world, owner)
    world.run_for(60)
    assert world.connected_for(0) == [owner]


# -- the database fails over ---------------------------------------------------------------------------------------------------


def fail_over(world: World, seconds: float) -> None:
    """Let another member of the database take over, with a clock that is ahead or behind."""
    world.database.fail_over(seconds, world.random.choice((-faults.CLOCK_JUMP, faults.CLOCK_JUMP)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("seconds", [0.5, 3.4])
def test_a_failover_of_the_database_refuses_no_message_and_moves_nothing(seconds: float, seed: int) -> None:
    world = calm_world(seed, DEFAULT, pause=0.05)
    (owner,) = world.connected_for(0)
    (primary,) = [one for one in world.masters if one.acts()]
    world.traffic.refused.clear()
    for _time in range(3):
        fail_over(world, seconds)
        world.run_for(40)
        assert world.connected_for(0) == [owner]
        assert primary.acts()
    assert world.traffic.refused == {}
    assert not world.traffic.missing or min(world.traffic.missing) > world.traffic.count - 100


def test_without_repeated_transactions_a_failover_refuses_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.refuses_messages_at_the_first_failure(monkeypatch)
    world = calm_world(0, DEFAULT, pause=0.05)
    world.traffic.refused.clear()
    fail_over(world, 3.4)
    world.run_for(10)
    assert len(world.traffic.refused) > 0


@pytest.mark.parametrize("offset", [-faults.CLOCK_JUMP, faults.CLOCK_JUMP])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_jump_of_the_databases_clock_moves_nothing(offset: float, seed: int) -> None:
    world = calm_world(seed, DEFAULT)
    (owner,) = world.connected_for(0)
    (primary,) = [one for one in world.masters if one.acts()]
    world.database.set_clock(offset)
    world.run_for(60)
    assert world.connected_for(0) == [owner]
    assert primary.acts()


def reshard_while_the_owner_is_cut_off(world: World, offset: float) -> None:
    """Let the primary master demote an owner that cannot learn of it yet, and let the database's clock jump at that moment."""
    (owner,) = world.connected_for(0)
    faults.isolate(world, owner)
    cut_off_from_database(world, owner)
    for master in world.masters:
        master.want(2)
    assert world.run_until(lambda: world.database.rows[0].owner is None, 5) is not None
    world.database.set_clock(offset)
    world.run_for(20)


@pytest.mark.parametrize("offset", [-faults.CLOCK_JUMP, faults.CLOCK_JUMP])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_demoted_owner_is_waited_for_although_the_databases_clock_jumps(offset: float, seed: int) -> None:
    world = calm_world(seed, DEFAULT, coreapps=4)
    reshard_while_the_owner_is_cut_off(world, offset)
    assert world.run_until(world.served, 40) is not None


def test_a_fence_by_times_of_the_database_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.fences_by_times_of_the_database(monkeypatch)
    with pytest.raises(Violation, match="two coreapps are connected"):
        reshard_while_the_owner_is_cut_off(calm_world(0, DEFAULT, coreapps=4), faults.CLOCK_JUMP)


# -- settings -------------------------------------------------------------------------------------------------------------------


def lower_the_interval_and_lose_the_first_answer(world: World) -> None:
    """Let the owner lower its interval; the renewal that brings the shorter delay is stored, and then the owner reaches nothing any more."""
    (owner,) = world.connected_for(0)
    original = world.database.renew

    def renew(grant: Grant, name: str, life: str, renewal: int, delay: float) -> bool:
        holds = original(grant, name, life, renewal, delay)
        faults.cut_off(world, owner)
        return holds

    for process in world.processes.values():
        process.heartbeat, process.unhealthy = FAST
    world.database.renew = renew  # type: ignore[method-assign]
    world.run_until(lambda: bool(world.cut), 10)
    world.database.renew = original  # type: ignore[method-assign]
    world.run_for(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lowered_interval_is_safe_when_the_answer_to_its_first_renewal_is_lost(seed: int) -> None:
    lower_the_interval_and_lose_the_first_answer(calm_world(seed, DEFAULT))


def test_a_delay_that_is_lowered_at_once_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.stores_the_delay_of_lowered_settings_at_once(monkeypatch)
    with pytest.raises(Violation, match="two coreapps are connected"):
        lower_the_interval_and_lose_the_first_answer(calm_world(0, DEFAULT))


# -- the number of shards -------------------------------------------------------------------------------------------------------


def remove_a_shard_and_return_to_it(world: World) -> float | None:
    """Let shard 1 move once, disappear and return. Return after how many seconds every shard is served, or None."""
    (owner,) = world.connected_for(1)
    faults.crash(world, owner)
    world.run_until(world.served, 20)
    faults.start(world, owner)
    world.run_for(5)
    for shards in (1, 2):
        for master in world.masters:
            master.want(shards)
        world.run_until(lambda shards=shards: len(world.database.rows) == shards, 20)  # type: ignore[misc]
    return world.run_until(world.served, 20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shard_that_returns_is_served(seed: int) -> None:
    assert remove_a_shard_and_return_to_it(calm_world(seed, shards=2, coreapps=4)) is not None


def test_a_map_that_is_redrawn_with_the_old_epochs_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.redraws_the_map_with_the_old_epochs(monkeypatch)
    assert remove_a_shard_and_return_to_it(calm_world(0, shards=2, coreapps=4)) is None
