"""The network guard: what partners name as their address must not lead into our own network.

A name is resolved once, every address of it is checked, and the connection goes to an address that was
checked, under the original host name: a name server that answers differently the second time is never
asked a second time. Redirects are not followed.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

import httpcore

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host name and a port to its addresses, in the order of preference."""

# IANA's special-purpose registry (RFC 6890 and later), with multicast and what is reserved. Python's
# `is_global` lets multicast through, and addresses that embed another one.
_CLOSED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# Only 2000::/3 is given out as global unicast: all outside of it (loopback, link-local, unique local,
# multicast, NAT64, IPv4-mapped and -compatible) is closed, and of it what embeds or documents.
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))  # Teredo, 6to4
)
_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*"
)
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\Z")
_MAX_URL = 2_000
_CONNECT_SECONDS = 5.0


class Forbidden(Exception):
    """The address leads where no webhook goes; the message says why."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def is_loopback(address: Address) -> bool:
    return any(address in network for network in _LOOPBACK if network.version == address.version)


def check_addresses(host: str, addresses: Iterable[str], *, loopback: bool, public: bool) -> None:
    """Raise `Forbidden` if one of the addresses is closed. One bad one among many is enough."""
    for text in addresses:
        address = ip_address(text.partition("%")[0])
        if (loopback and is_loopback(address)) or (public and is_public(address)):
            continue
        raise Forbidden(f"{host} leads to an address that no webhook is sent to")


def check_url(url: str, *, allow_loopback: bool) -> SplitResult:
    """What can be said of a URL without asking a name server. Raises `Forbidden`.

    Spellings of IPv4 addresses that only some resolvers read (decimal, octal, hexadecimal, fewer than
    four parts) are refused, whatever they spell.
    """
    if len(url) > _MAX_URL or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Forbidden("the URL holds characters that none may hold, or is too long")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Forbidden("the URL cannot be read") from None
    if parts.scheme not in (("https", "http") if allow_loopback else ("https",)):
        raise Forbidden("only https is sent to")
    if "@" in parts.netloc or parts.fragment:
        raise Forbidden("user names and fragments have no place in the URL")
    if port == 0:
        raise Forbidden("port 0 is none")
    _check_host(host, loopback=allow_loopback, public=parts.scheme == "https")
    return parts


def _check_host(host: str, *, loopback: bool, public: bool) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if not _HOST_NAME.fullmatch(host.rstrip(".")) or _ENDS_IN_A_NUMBER.search(host.rstrip(".")):
            raise Forbidden("the host is neither a name nor an address in its usual form") from None
        return
    check_addresses(host, [str(address)], loopback=loopback, public=public)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise Forbidden("an address with a zone is none of the public internet")


async def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver knows. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connections that httpcore opens: only to addresses that were checked."""

    def __init__(self, *, loopback: bool, public: bool, resolve: Resolve = system_resolver) -> None:
        self._loopback, self._public = loopback, public
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the method is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check all, connect to the first that answers. TLS then asks for the original name."""
        del timeout  # the whole attempt has one
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"the name cannot be resolved: {error}") from None
        check_addresses(host, addresses, loopback=self._loopback, public=self._public)
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, _CONNECT_SECONDS, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the method is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del path, timeout, socket_options
        raise Forbidden("no webhook goes to a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)
