from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from waba_node.passwords import SPECIALS, hashed, matches, weakness

KINDS = {string.ascii_uppercase, string.ascii_lowercase, string.digits, "".join(SPECIALS)}


@given(st.permutations([*KINDS]), st.text(string.printable.strip(), min_size=4, max_size=60), st.data())
def test_a_password_needs_every_kind_of_character(kinds: list[str], rest: str, data: st.DataObject) -> None:
    picked = [data.draw(st.sampled_from(kind)) for kind in kinds]
    assert weakness("".join(picked) + rest) is None
    missing = "".join(character for character in "".join(picked[1:]) + rest if character not in kinds[0])
    assert weakness(missing) is not None


@given(st.sampled_from([0, 7, 65, 200]))
def test_a_password_has_8_to_64_characters(length: int) -> None:
    assert weakness(("Aa1!" * 50)[:length]) is not None
    assert weakness(("Aa1!" * 50)[:8]) is None
    assert weakness(("Aa1!" * 50)[:64]) is None


async def test_a_hash_matches_its_password_only_and_is_salted() -> None:
    first, second = await hashed("Aa1!äöü€"), await hashed("Aa1!äöü€")
    assert first != second
    assert "Aa1!" not in first
    assert await matches("Aa1!äöü€", first)
    assert not await matches("Aa1!äöü", first)
