"""A stand-in for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from standin_support import Client, running


@pytest.fixture
async def cloud() -> AsyncIterator[Client]:
    async with running() as client:
        yield client
