"""The parts of GET /v1/support that depend on role, shards and environment."""

from __future__ import annotations

import pytest
from waba_node.runtime.support import owned_shards, reported_environment


@pytest.mark.parametrize(
    ("role", "shard", "shard_count", "expected"),
    [
        ("coreapp", 0, 1, [[-1, -1], [0, 0]]),
        ("coreapp", None, 1, []),
        ("primary_master", None, 1, []),
        ("secondary_master", None, 1, []),
        ("coreapp", 3, 4, [[3, 3]]),
        ("primary_master", None, 4, [[-1, -1]]),
        ("secondary_master", None, 4, []),
        ("webapp", None, 4, []),
    ],
)
def test_shards_are_reported_as_documented(role: str, shard: int | None, shard_count: int, expected: list) -> None:
    assert owned_shards(role, shard, shard_count) == expected


def test_environment_is_reported_without_secrets() -> None:
    environment = {
        "WA_DB_PASSWORD": "database-secret",
        "WA_API_KEY": "api-secret",
        "WA_WEB_JWT_CRYPTO_KEY": "jwt-secret",
        "WA_SECRET": "",
        "WA_DB_HOSTNAME": "db",
        "WABA_UPSTREAM": "loopback",
        "WABA_CLOUD_TOKEN": "cloud-secret",
        "WABA_CLOUD_APP_SECRETS": "app-secret,former-app-secret",
        "WABA_CLOUD_VERIFY_TOKEN": "verify-secret",
        "WABA_CLOUD_PIN": "123456",
        "WABA_CLOUD_PROXY": "http://user:proxy-secret@proxy:3128",
        "WABA_CLOUD_GRACE": "60",
        "COREAPP_HOSTNAME": "core1",
        "PATH": "/bin",
    }
    assert reported_environment(environment) == [
        "COREAPP_HOSTNAME=core1",
        "WABA_CLOUD_APP_SECRETS=*******",
        "WABA_CLOUD_GRACE=60",
        "WABA_CLOUD_PIN=*******",
        "WABA_CLOUD_PROXY=*******",
        "WABA_CLOUD_TOKEN=*******",
        "WABA_CLOUD_VERIFY_TOKEN=*******",
        "WABA_UPSTREAM=loopback",
        "WA_API_KEY=*******",
        "WA_DB_HOSTNAME=db",
        "WA_DB_PASSWORD=*******",
        "WA_SECRET=",
        "WA_WEB_JWT_CRYPTO_KEY=*******",
    ]
