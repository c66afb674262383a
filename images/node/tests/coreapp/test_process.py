"""What a coreapp does when it cannot do what the account's safety asks for."""

from __future__ import annotations

import os

import pytest
from waba_node.control.ownership import Grant
from waba_node.coreapp.process import or_end_the_process


def test_a_connection_that_cannot_be_cut_ends_with_its_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ended = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with or_end_the_process(Grant(3, 7, 4)):
        raise TypeError("a socket of another kind")
    assert ended == [1]
    assert "shard 3: the connection could not be cut" in caplog.text
    with or_end_the_process(Grant(3, 8, 4)):
        pass
    assert ended == [1]
