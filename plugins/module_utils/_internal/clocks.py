# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The differences between the clocks of hosts, each of which was read at an unknown moment of a call. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def offsets(readings: Mapping[str, Sequence[float]]) -> tuple[str, dict[str, float]]:
    """Return (host with the median clock, {host: seconds by which its clock is certainly ahead of that one}).

    readings: {host: (earliest, latest)}, between which the host's clock is ahead of the caller's, in seconds. An offset is negative for a clock that is behind,
    and 0 where the duration of the calls explains the difference.
    """
    if not readings:
        return "", {}
    ordered = sorted((tuple(reading), host) for host, reading in readings.items())
    (low, high), middle = ordered[(len(ordered) - 1) // 2]
    return middle, {host: max(early - high, 0) or min(late - low, 0) for host, (early, late) in readings.items()}
