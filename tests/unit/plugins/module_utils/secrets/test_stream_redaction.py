# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy
from ansible_collections.waba.cluster.plugins.module_utils.secrets.stream_redaction import Redactor, spellings
from hypothesis import given
from hypothesis import strategies as st

SECRETS = st.sets(st.text("ab$\"'\\ ü", min_size=1, max_size=6), max_size=5)
TEXTS = st.lists(st.text("ab$\"'\\ ücd\n", max_size=12), max_size=8)


def streamed(secrets, pieces):
    redactor = Redactor(secrets)
    return b"".join([*map(redactor.feed, pieces), redactor.end()])


@given(SECRETS, TEXTS, st.lists(st.integers(0, 90), max_size=12))
def test_however_a_text_is_cut_no_secret_survives_and_all_else_does(secrets, texts, cuts):
    whole = "".join(text + secret for text, secret in zip(texts, [*secrets, *[""] * len(texts)])).encode()
    ends = sorted(cut for cut in cuts if cut < len(whole))
    pieces = [whole[begin:end] for begin, end in zip([0, *ends], [*ends, len(whole)])]
    shown = streamed(secrets, pieces)
    assert shown == Redactor(secrets).whole(whole.decode()).encode()
    assert not any(word in shown for secret in secrets for word in spellings(secret))
    if not any(word in whole for secret in secrets for word in spellings(secret)):
        assert shown == whole


@given(SECRETS, st.lists(st.binary(max_size=40), max_size=20))
def test_what_waits_is_never_longer_than_a_secret(secrets, pieces):
    redactor, longest = Redactor(secrets), max((len(w) for s in secrets for w in spellings(s)), default=1)
    for piece in pieces:
        redactor.feed(piece)
        assert len(redactor._rest) < longest or not secrets


@pytest.mark.parametrize(
    "written",
    [
        str,
        lambda secret: json.dumps({"password": secret}),
        lambda secret: f"mysql://waba:{quote_plus(secret)}@db",
        dotenv.quoted,
        lambda secret: secret.replace("$", "$$"),
        lambda secret: "Basic " + base64.b64encode(f"admin:{secret}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("secret", ["plain-Pass.1", 'p"a$s \\w/ö@d', "it's"])
def test_a_secret_is_known_however_it_is_written(secret, written):
    text = f"before {written(secret)} after"
    shown = Redactor([secret]).whole(text)
    assert secrecy.HIDDEN in shown
    assert written(secret)[6:].strip('"={}') not in shown or not written(secret)[6:].strip('"={}')
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@given(st.text(min_size=1, max_size=12).filter(lambda secret: secret.strip("*")))  # what stands for it is asterisks
def test_every_spelling_is_known_when_it_comes_byte_by_byte(secret):
    for word in spellings(secret):
        shown = streamed({secret}, [bytes([byte]) for byte in word])
        assert word not in shown
        assert secrecy.HIDDEN.encode() in shown


def test_the_longest_that_fits_is_taken():
    assert streamed({"abc", "abcdef"}, [b"xabc", b"def", b"abcx"]) == b"x****************x"
