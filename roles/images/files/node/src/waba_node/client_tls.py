"""TLS of connections to servers with certificates of an operator's own authority: the database, and receivers of webhooks."""

from __future__ import annotations

import ssl


def client_context(*, cafile: str | None = None, cadata: str | None = None) -> ssl.SSLContext:
    """Return a context that trusts an authority, given as a file or as text in PEM, and verifies the name of the server.

    Since Python 3.13, the default also requires extensions, such as the identifier of the authority's key, that the certificates of an own authority
    often lack. Other clients do not require them.

    Raises FileNotFoundError without the file, ssl.SSLError if it contains no certificate.
    """
    context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
