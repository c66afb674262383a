"""`make bench-node`: the throughput of the node beside its upper bounds, and the duration of failovers.

`node.py messages` prints a table of throughput, `node.py members` compares the throughput of three database members with that of one server.
`node.py failover` prints the distribution of pauses after kills, `node.py moves` of planned moves.
The load generator is wrk (Debian package).
"""

from __future__ import annotations

import argparse
import shutil
import sys

from database_members import compare_databases
from pauses import failover, moves
from throughput import messages


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="1.0.0", help="of the images")
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("messages", "members"):
        speed = what.add_parser(name)
        speed.add_argument("--seconds", type=int, default=20)
        speed.add_argument("--clients", type=int, default=64)
    kills = what.add_parser("failover")
    kills.add_argument("--kills", type=int, default=30)
    kills.add_argument("--monitor", choices=("heartbeat", "database"), default="heartbeat")
    planned = what.add_parser("moves")
    planned.add_argument("--moves", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.what in ("messages", "members") and shutil.which("wrk") is None:
        print("wrk is missing: apt-get install wrk")
        return 2
    {"messages": messages, "members": compare_databases, "failover": failover, "moves": moves}[arguments.what](
        arguments
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
