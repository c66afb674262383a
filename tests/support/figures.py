"""The figures that a test measures, in the log of its stage."""

from __future__ import annotations


def figure(what: str, value: object) -> None:
    """Print a figure. what: the measurement, for instance "site.yml on 8 hosts"."""
    print(f"\nfigure: {what}: {value}", flush=True)
