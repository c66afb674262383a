"""The environment of a coreapp that a test creates without starting it."""

from __future__ import annotations

ENVIRONMENT = {
    "WA_APP_MULTICONNECT": "1",
    "WA_DB_HOSTNAME": "unused",
    "WA_DB_USERNAME": "unused",
    "WA_DB_PASSWORD": "unused",
    "COREAPP_HOSTNAME": "node",
}
