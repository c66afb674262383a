# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import recipients

KEYS = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",  # of the manual of age
    "age1e09es3xf9d7k8j80zlx4r4ehe6hekqemuzxz7ule5m7lnsyk958q38rhru",  # by age-keygen
]


def test_public_keys_of_age_are_accepted() -> None:
    assert recipients.problems(KEYS) == []


@pytest.mark.parametrize(
    "text",
    [
        KEYS[0][:-1],
        KEYS[0][:-1] + "q",
        KEYS[0].replace("3", "5", 1),
        KEYS[0].upper(),
        KEYS[0] + " ",
        "age1" + "b" * 58,
        "ssh-ed25519 AAAA",
        "-o/etc/passwd",
        "",
    ],
)
def test_another_text_is_refused(text: str) -> None:
    assert [problem.problem for problem in recipients.problems([KEYS[1], text])] == ["it is not a public key of age"]
    assert recipients.problems([KEYS[1], text])[0].variable == "waba_backup_recipients[1]"


@pytest.mark.parametrize("text", ["AGE-SECRET-KEY-1QQQQ", " age-secret-key-1qqqq"])
def test_a_private_key_is_refused_and_not_repeated(text: str) -> None:
    (problem,) = recipients.problems([text])
    assert problem.problem == "it is a private key, which must not be on a host"
    assert "qqqq" not in str(problem).lower()


def test_a_schedule_without_a_key_is_refused() -> None:
    assert "there is no public key" in recipients.problems([])[0].problem
