# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with secrets that a user gives. Their values never appear in a problem."""

from __future__ import annotations

import string

from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem

HIDDEN = "(not shown)"
VENDOR_FORBIDS = "?{}&~!()^="  # in the database password (vendor fact: section 1.6)
VENDOR_NAMES = ("coreapp", "web")  # how the vendor's repositories end, in its own registry and in copies of it
API_KEY_LENGTHS = (12, 128)  # vendor fact


def is_strong(password):
    """Return whether a password satisfies the API's rule for its users (vendor fact)."""
    kinds = (str.isupper, str.islower, str.isdigit, lambda character: character in string.punctuation)
    return 8 <= len(password) <= 64 and all(any(map(kind, password)) for kind in kinds)


def is_vendors(image):
    """Return whether an image (str, its name with or without a tag) is one of the vendor's own clients."""
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0] in VENDOR_NAMES


def given_problems(secrets, images):
    """Return what is wrong (list of Problem) with given secrets: {variable: value}; images: names of those that the nodes run from."""
    problems, texts = [], {}
    for name, value in secrets.items():
        if not isinstance(value, str) or not value:
            problem = "it is empty" if value == "" else f"it is not text but {type(value).__name__}"
            problems.append(Problem(name, HIDDEN, problem, "Put a text in quotes, or leave it out: one is then made"))
        elif any(character in value for character in "\n\0"):
            problems.append(Problem(name, HIDDEN, "it holds a newline or a NUL", "Use a text of one line"))
        else:
            texts[name] = value
    password = texts.get("waba_database_password", "")
    found = [character for character in VENDOR_FORBIDS if character in password]
    if found and any(map(is_vendors, images)):
        problem = f"the vendor's client cannot take {' '.join(found)} in it"
        fix = f"Use a password without any of {' '.join(VENDOR_FORBIDS)}"
        problems.append(Problem("waba_database_password", HIDDEN, problem, fix))
    if not is_strong(texts.get("waba_admin_password", "Unset-00")):
        fix = "Use 8 to 64 characters with an upper-case and a lower-case letter, a digit and a special character"
        problems.append(Problem("waba_admin_password", HIDDEN, "the API refuses so weak a password", fix))
    shortest, longest = API_KEY_LENGTHS
    length = len(texts.get("waba_api_key", "x" * shortest))
    if not shortest <= length <= longest:
        problem = f"it has {length} characters"
        problems.append(Problem("waba_api_key", HIDDEN, problem, f"Use {shortest} to {longest} characters"))
    return problems
