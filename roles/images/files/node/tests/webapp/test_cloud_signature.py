from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waba_node.webapp.cloud_signature import Signature, claimed_digest, sign

# Computed by `openssl dgst -sha256 -hmac app-secret`.
BODY = b'{"text":"\\u00e4 \\ud83d\\ude00 \\/ \\u0040"}'
DIGEST = "51f53e4715703332a9679612e108a32743663e251010a84663260d00ca73788f"


def is_authentic(body: bytes, header: str, *secrets: str) -> bool:
    claimed = claimed_digest(header)
    if claimed is None:
        return False
    signature = Signature(claimed, secrets)
    for start in range(0, len(body), 7):
        signature.update(body[start : start + 7])
    return signature.matches()


def test_signature_covers_the_escaped_bytes_as_they_were_sent() -> None:
    assert sign(BODY, "app-secret") == f"sha256={DIGEST}"
    assert is_authentic(BODY, f"sha256={DIGEST}", "app-secret")
    assert not is_authentic(json.dumps(json.loads(BODY)).encode(), f"sha256={DIGEST}", "app-secret")


def test_two_secrets_are_valid_during_an_exchange() -> None:
    for secret in ("new", "former"):
        assert is_authentic(BODY, sign(BODY, secret), "new", "former")
    assert not is_authentic(BODY, sign(BODY, "another"), "new", "former")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        f"sha1={DIGEST}",
        DIGEST,
        f"sha256={DIGEST[:-1]}",
        f"sha256={DIGEST} ",
        f"sha256={DIGEST}\n",
        "sha256=" + "é" * 64,
    ],
)
def test_malformed_header_is_no_signature(header: str) -> None:
    assert claimed_digest(header) is None


@given(st.binary(), st.binary(min_size=1), st.integers(min_value=0))
def test_any_change_of_the_body_is_detected(body: bytes, inserted: bytes, place: int) -> None:
    header = sign(body, "app-secret")
    at = place % (len(body) + 1)
    assert is_authentic(body, header, "app-secret")
    assert not is_authentic(body[:at] + inserted + body[at:], header, "app-secret")
