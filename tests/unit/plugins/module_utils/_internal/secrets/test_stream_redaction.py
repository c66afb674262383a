# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote_plus

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.stream_redaction import Redactor, encodings
from hypothesis import given
from hypothesis import strategies as st

SECRETS = st.sets(st.text("ab$\"'\\ ü", min_size=1, max_size=6), max_size=5)
TEXTS = st.lists(st.text("ab$\"'\\ ücd\n", max_size=12), max_size=8)


def streamed(secrets: Iterable[str], pieces: Iterable[bytes]) -> bytes:
    redactor = Redactor(secrets)
    return b"".join([*map(redactor.feed, pieces), redactor.end()])


@given(SECRETS, TEXTS, st.lists(st.integers(0, 90), max_size=12))
def test_a_stream_is_redacted_wherever_it_is_split(secrets: set[str], texts: list[str], cuts: list[int]) -> None:
    whole = "".join(text + secret for text, secret in zip(texts, [*secrets, *[""] * len(texts)])).encode()
    ends = sorted(cut for cut in cuts if cut < len(whole))
    pieces = [whole[begin:end] for begin, end in zip([0, *ends], [*ends, len(whole)])]
    result = streamed(secrets, pieces)
    assert result == Redactor(secrets).whole(whole.decode()).encode()
    assert not any(word in result for secret in secrets for word in encodings(secret))
    if not any(word in whole for secret in secrets for word in encodings(secret)):
        assert result == whole


@given(SECRETS, st.lists(st.binary(max_size=40), max_size=20))
def test_pending_bytes_are_shorter_than_a_secret(secrets: set[str], pieces: list[bytes]) -> None:
    redactor, longest = Redactor(secrets), max((len(w) for s in secrets for w in encodings(s)), default=1)
    for piece in pieces:
        redactor.feed(piece)
        assert len(redactor._pending) < longest or not secrets


@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda secret: json.dumps({"password": secret}),
        lambda secret: f"mysql://waba:{quote_plus(secret)}@db",
        lambda secret: re.sub(r'[\\"$]', r"\\\g<0>", secret),
        lambda secret: secret.replace("$", "$$"),
        lambda secret: "Basic " + base64.b64encode(f"admin:{secret}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", ["plain-Pass.1", 'p"a$s \\w/ö@d', "it's"])
def test_a_secret_is_redacted_in_every_encoding(secret: str, written: Callable[[str], str]) -> None:
    text = f"before {written(secret)} after"
    result = Redactor([secret]).whole(text)
    assert redaction.REDACTED in result
    assert written(secret)[6:].strip('"={}') not in result or not written(secret)[6:].strip('"={}')
    assert result.startswith("before ")
    assert result.endswith(" after")


@given(
    st.text(min_size=1, max_size=12).filter(lambda secret: secret.strip("*"))
)  # the replacement consists of asterisks
def test_every_encoding_is_redacted_byte_by_byte(secret: str) -> None:
    for word in encodings(secret):
        result = streamed({secret}, [bytes([byte]) for byte in word])
        assert word not in result
        assert redaction.REDACTED.encode() in result


def test_the_longest_secret_has_priority() -> None:
    assert streamed({"abc", "abcdef"}, [b"xabc", b"def", b"abcx"]) == b"x****************x"
