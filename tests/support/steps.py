"""Names of tasks, or parts of names, at which tests kill a run or cause an accident; tests/project/test_steps.py checks that they exist."""

from __future__ import annotations

INSTALL_PACKAGES = "Install | Install the packages"
WRITE_FILES = "Attach the volumes and write the Compose files"
START_MASTERS = "Start the masters and wait until they are healthy"
START_COREAPPS = "Start the coreapps and wait until they are healthy"
READ_HEALTH = "Read the cluster's health"
WAIT_UNTIL_HEALTHY = "Wait until the cluster is healthy"
PROBE_AGAIN = "Probe again | Try to reach the hosts that refused this one"

DUMP_DATABASE = "Dump the database in one transaction"
CHECK_SCHEMA = "Ask the new image about the schema"
UPGRADE_SCHEMA = "Upgrade the schema once"
ROLL = "Replace the nodes, step by step"
WRITE_DEFINITION = "Write the new definition of"
REPLACE_NODES = "Drain, replace and wait for"
REPORT_REMOVED = "Report what was removed and what stays"

APPLY_MEMBER_STEP = "Step | Apply to the volume, the server or the guard"
START_MEMBER = "Step | Start the member and its guard"
WAIT_FOR_MEMBER = "Step | Wait until the member is Primary and Synced"

CAUSE_FAULT = "Carry out | Cause the fault and undo it"
