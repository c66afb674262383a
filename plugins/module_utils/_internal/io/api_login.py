# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With which password a user of the /v1 API can log in."""

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils._internal.io.api_client import Api, ApiRefused, retry

UNAUTHORIZED = 401
PASSWORD_CHANGE_REQUIRED = 1024
# Of the admin of a new cluster, and public; docs/reference/vendor-contract.md#users-and-login.
INITIAL_PASSWORD = "secret"  # noqa: S105
# Outcomes of one login.
ACCEPTED = "accepted"
MUST_CHANGE = "must change"
REFUSED = "refused"

INITIAL = "initial"  # the outcome of two logins, beside ACCEPTED and REFUSED


def try_login(api: Api, username: str, password: str, new_password: str | None = None) -> str:
    """Return the outcome of a login, and log out. Raises HostError for any other error."""
    try:
        api.login(username, password, new_password)
    except ApiRefused as error:
        if PASSWORD_CHANGE_REQUIRED in error.codes:  # with any HTTP status
            return MUST_CHANGE
        if error.status == UNAUTHORIZED:
            return REFUSED
        raise
    api.logout()
    return ACCEPTED


def accepted_password(api: Api, username: str, password: str, initial: str, timeout: float = 0) -> str:
    """Return ACCEPTED if the user can log in with password, INITIAL with the initial password, REFUSED with neither.

    timeout: seconds to retry each login while the API is unreachable or fails over. Raises HostError.
    """
    if retry(lambda: try_login(api, username, password), timeout) == ACCEPTED:
        return ACCEPTED
    return REFUSED if retry(lambda: try_login(api, username, initial), timeout) == REFUSED else INITIAL
