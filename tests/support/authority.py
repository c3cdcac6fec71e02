"""A private certificate authority, and contexts for both ends of TLS."""

from __future__ import annotations

import ssl

import trustme

NAME = "server.test"


class Authority:
    """Issues a certificate for an address and for `server.test`; nobody else trusts it."""

    def __init__(self, host: str) -> None:
        self.ca = trustme.CA()
        self.certificate = self.ca.issue_cert(host, NAME)

    def server(self, *protocols: str) -> ssl.SSLContext:
        """The server's context; `protocols` are offered by ALPN."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.certificate.configure_cert(context)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context

    def client(self) -> ssl.SSLContext:
        """The context of a client that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context
