# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The timeline of a drill as geometry, for a template that draws it as SVG. Pure.

Moments are seconds since the beginning of the test traffic, lengths are pixels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal.drill.evaluation import ACCEPTED, MESSAGE, Fault

WIDTH, MARGIN, LABELS = 960, 16, 150  # LABELS: width of the names of the rows, at the left
BARS, ROW, GAP, AXIS = 120, 26, 12, 28  # heights
MOST_BARS = 240
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300)  # seconds between two marks of the axis
MOST_MARKS = 14
NONE = "none"

Box = dict[str, Any]


class Scale:
    """The horizontal axis: from a moment to a pixel."""

    def __init__(self, seconds: float) -> None:
        self.left, self.right = MARGIN + LABELS, WIDTH - MARGIN
        self.seconds = max(seconds, 1.0)

    def x(self, moment: float) -> float:
        """Return the pixel of a moment; that of the nearest end for a moment outside of the axis."""
        share = min(max(moment / self.seconds, 0.0), 1.0)
        return round(self.left + share * (self.right - self.left), 1)

    def box(self, begin: float, end: float, y: float, height: float) -> Box:
        """Return the rectangle of a period."""
        x = self.x(begin)
        return {"x": x, "y": round(y, 1), "width": round(self.x(end) - x, 1), "height": round(height, 1)}


def figure(
    calls: Sequence[Mapping[str, Any]],
    states: Sequence[Mapping[str, Any]],
    fault: Fault,
    pauses: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """Return the geometry of the timeline.

    calls, states, fault: as for `evaluation.evaluate`. pauses: its result. names: {container id: name}.

    `width`, `height`; `fault`, `pauses`: rectangles; `bars`: rectangles with `kind`, accepted or refused, and `text`; `rows`: {"name", "y", "bands":
    rectangles with `kind` and `text`}; `marks`: {"x", "text"} of the axis, in seconds since the beginning of the fault; `axis`: its y.
    """
    seconds = max([fault.end, *(call["at"] + call["seconds"] for call in calls), *(state["at"] for state in states)])
    scale = Scale(seconds)
    rows = [
        ("primary master", [(state["at"], names.get(state["primary"], state["primary"])) for state in states]),
        ("connected coreapp", [(state["at"], _listed(state["connected"], names)) for state in states]),
        ("health", [(state["at"], "healthy" if state["healthy"] else "unhealthy") for state in states]),
    ]
    top = MARGIN + BARS + GAP
    lanes = [
        {"name": name, "y": top + number * (ROW + GAP), "bands": _bands(values, scale, top + number * (ROW + GAP))}
        for number, (name, values) in enumerate(rows)
    ]
    axis = top + len(rows) * (ROW + GAP)
    return {
        "width": WIDTH,
        "height": axis + AXIS,
        "left": scale.left,
        "right": scale.right,
        "bars_name_y": MARGIN + BARS / 2,
        "fault": scale.box(fault.begin, fault.end, MARGIN, axis - MARGIN),
        "pauses": [
            scale.box(one["begin"], scale.seconds if one["end"] is None else one["end"], MARGIN, BARS) for one in pauses
        ],
        "bars": _bars(calls, scale, fault),
        "rows": lanes,
        "marks": _marks(scale, fault.begin),
        "axis": axis,
    }


def _listed(containers: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(sorted(names.get(one, one) for one in containers))


def _bars(calls: Sequence[Mapping[str, Any]], scale: Scale, fault: Fault) -> list[Box]:
    """Return a bar of accepted and one of refused messages for each slice of time, by the moment at which they were sent."""
    size = max(1, math.ceil(scale.seconds / MOST_BARS))
    counts: dict[int, dict[str, int]] = {}
    for call in calls:
        if call["kind"] == MESSAGE:
            kind = "accepted" if call["outcome"] == ACCEPTED else "refused"
            slot = counts.setdefault(int(call["at"] // size), {"accepted": 0, "refused": 0})
            slot[kind] += 1
    most = max((sum(slot.values()) for slot in counts.values()), default=1)
    bars = []
    for number, slot in sorted(counts.items()):
        base = float(MARGIN + BARS)
        begin = number * size
        for kind in ("accepted", "refused"):
            height = slot[kind] / most * BARS
            base_y = base - height
            if slot[kind]:
                text = f"{begin - fault.begin:+.0f} s: {slot[kind]} {kind}"
                bars.append({**scale.box(begin, begin + size, base_y, height), "kind": kind, "text": text})
            base = base_y
    return bars


def _bands(values: Sequence[tuple[float, str]], scale: Scale, y: float) -> list[Box]:
    """Return a rectangle for each period with the same value, which begins with its first reading and lasts until the next value."""
    firsts = [next(group) for _value, group in itertools.groupby(values, key=lambda one: one[1])]
    ends = [*(moment for moment, _value in firsts[1:]), scale.seconds]
    kinds = {"": "none", "unhealthy": "bad", "healthy": "good"}
    return [
        {**scale.box(moment, end, y, ROW), "kind": kinds.get(value, "some"), "text": value or NONE}
        for (moment, value), end in zip(firsts, ends)
    ]


def _marks(scale: Scale, origin: float) -> list[Box]:
    """Return the marks of the axis, at multiples of a step before and after the beginning of the fault."""
    step = next((one for one in STEPS if scale.seconds / one <= MOST_MARKS), STEPS[-1])
    first, last = math.ceil(-origin / step), math.floor((scale.seconds - origin) / step)
    return [
        {"x": scale.x(origin + number * step), "text": f"{number * step:+d} s" if number else "fault"}
        for number in range(first, last + 1)
    ]
