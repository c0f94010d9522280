"""In every Python process of the journey: a name or an address outside of this machine is written down and refused."""

import os
import sys
from ipaddress import ip_address
from typing import Any

LOG = os.environ.get("EGRESS_LOG", "")
LOCAL = {"", "localhost", "ip6-localhost"}


def outside(host: object) -> bool:
    if host is None or isinstance(host, bytes) or str(host) in LOCAL:
        return False
    try:
        address = ip_address(str(host).split("%")[0])
    except ValueError:
        # A name: asking for it already tells somebody.
        return True
    return not (address.is_loopback or address.is_unspecified)


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if outside(host):
        with open(LOG, "a", encoding="utf-8") as log:  # noqa: PTH123 - before anything else is imported
            log.write(f"{event} {host} by {sys.argv[:3]}\n")
        raise PermissionError(f"{event} to {host}: outside is closed")


if LOG:
    sys.addaudithook(watch)
