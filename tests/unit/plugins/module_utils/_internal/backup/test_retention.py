# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import retention
from hypothesis import given
from hypothesis import strategies as st


def name(day: int, cluster: str = "waba") -> str:
    return retention.archive_name(cluster, f"2026-01-{day:02} 02:30:00")


def test_an_archive_is_named_by_its_cluster_and_its_time() -> None:
    assert name(31) == "waba-20260131023000.tar.age"
    assert str(retention.archive_time("waba", name(31))) == "2026-01-31 02:30:00"


def test_files_of_others_are_never_expired() -> None:
    others = [
        "state.json",
        "incomplete",
        name(1, "waba-test"),
        "waba-20261399000000.tar.age",
        f".{name(1)}.new",
        f"{name(1)}.sha256",
    ]
    assert retention.expired("waba", [*others, name(30)], name(30), 1, 1) == []


def test_the_count_limits_the_archives() -> None:
    names = [name(day) for day in (1, 2, 3, 4, 5)]
    assert retention.expired("waba", names, name(5), 3, 0) == [name(1), name(2)]
    assert retention.expired("waba", names, name(5), 1, 0) == names[:4]
    assert retention.expired("waba", names, name(5), 5, 0) == []


def test_the_age_limits_the_archives_and_counts_from_the_newest() -> None:
    names = [name(day) for day in (1, 8, 15)]
    assert retention.expired("waba", names, name(15), 10, 7) == [name(1)]
    assert retention.expired("waba", names, name(15), 10, 14) == []


def test_a_checksum_without_its_archive_is_found() -> None:
    names = [f"{name(1)}.sha256", name(2), f"{name(2)}.sha256", "other.sha256", f"{name(3, 'blue')}.sha256"]
    assert retention.lost_archives("waba", names) == [name(1)]


def test_the_newest_stays_after_the_clock_of_the_database_went_back() -> None:
    names = [name(day) for day in (10, 11, 12)]
    assert name(9) not in retention.expired("waba", [*names, name(9)], name(9), 1, 1)


@given(st.sets(st.integers(1, 31), min_size=1), st.integers(1, 5), st.integers(0, 10))
def test_the_newest_stays_and_the_limits_hold(days: set[int], keep: int, keep_days: int) -> None:
    names, newest = {name(day) for day in days}, max(days)
    left = names - set(retention.expired("waba", names, name(newest), keep, keep_days))
    assert name(newest) in left
    assert len(left) <= keep
    assert not keep_days or all(newest - day <= keep_days for day in days if name(day) in left)
