# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS of connections to servers with certificates of an operator's own authority: the API and the database."""

from __future__ import annotations

import ssl


def client_context(cafile: str | None) -> ssl.SSLContext:
    """Return a context that trusts the authorities in a file, or those of the system, and verifies the name of the server.

    Since Python 3.13, the default also requires extensions that the certificates of an own authority often lack. The nodes do not require them with
    any version of Python, so the modules do not either.

    Raises OSError if the file cannot be used.
    """
    context = ssl.create_default_context(cafile=cafile)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
