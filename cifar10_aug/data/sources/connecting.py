"""Whether there is a way to a server, without waiting for one that is not there."""

from __future__ import annotations

import socket
import urllib.parse
import urllib.request

_PORTS = {"http": 80, "https": 443, "ftp": 21}


def check(url: str, seconds: float) -> None:
    """Connects to the server of a URL once, or does nothing if a proxy is to be asked.

    Libraries that repeat what fails take minutes to notice that a laptop is offline.

    Raises:
        OSError: if there is no connection.
        ValueError: if the URL names no server.
    """
    parts = urllib.parse.urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url} names no server")
    proxied = {parts.scheme, "all"} & set(urllib.request.getproxies())
    if proxied and not urllib.request.proxy_bypass(parts.hostname):
        return
    port = parts.port or _PORTS[parts.scheme]
    try:
        socket.create_connection((parts.hostname, port), seconds).close()
    except OSError as error:
        raise ConnectionError(
            f"no connection to {parts.hostname}: {error.strerror or error}"
        ) from error
