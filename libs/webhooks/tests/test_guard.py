"""Where webhooks must not go, in every spelling; name servers that change their mind; redirects."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import dnslib
import httpcore
import pytest
from dnslib.server import DNSServer

from perennial_webhooks import Forbidden, GuardedNetwork, Sender, check_url
from perennial_webhooks.guard import check_addresses, is_public, system_resolver

METADATA = "169.254.169.254"

CLOSED = {
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": [METADATA, "169.254.0.1", "fe80::1", "fe80::1%lo"],
    "CGNAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "232.1.2.3", "ff02::1", "ff0e::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104 - refused, not listened on
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1", "192.0.0.8", "198.18.0.1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::1", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:7f00:1"],
    "IPv4-compatible": ["::127.0.0.1", "::8.8.8.8", "::808:808"],
    "translated and discard": [
        "::ffff:0:127.0.0.1",
        "100::1",
        "5f00::1",
        "2001:2::1",
        "2001:10::1",
    ],
}
OPEN = [
    "8.8.8.8",
    "1.1.1.1",
    "93.184.215.14",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00::1",
]

SPELLINGS = [
    "2130706433",  # decimal
    "0x7f000001",
    "0X7F.1",
    "0177.0.0.1",  # octal
    "017700000001",
    "127.1",
    "127.0.1",
    "0",
    "1.2.3",
    "8.8.8.010",
    "127.0.0.1.",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]",
    "[::1]",
    "[fe80::1%25eth0]",
    "[2606:4700::1%25eth0]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[::]",
    "",
    "a..b",
    "-a.example",
    "a b.example",
]


@pytest.mark.parametrize("kind", CLOSED)
def test_closed_addresses_are_refused_wherever_they_come_from(kind: str) -> None:
    for address in CLOSED[kind]:
        with pytest.raises(Forbidden):
            check_addresses("partner.example", ["8.8.8.8", address], loopback=False, public=True)
        host = f"[{address}]" if ":" in address else address
        with pytest.raises(Forbidden):
            check_url(f"https://{host}/hook", allow_loopback=False)


def test_public_addresses_are_not() -> None:
    check_addresses("partner.example", OPEN, loopback=False, public=True)
    assert all(is_public(ip_address(each)) for each in OPEN)
    for url in ("https://8.8.8.8/x", "https://[2606:4700::1111]:8443/x?y=1", "https://a-b.example"):
        check_url(url, allow_loopback=False)


@pytest.mark.parametrize("host", SPELLINGS)
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_odd_spellings_are_refused_whatever_they_spell(host: str, *, allow_loopback: bool) -> None:
    if allow_loopback and host in ("[::1]",):
        return
    with pytest.raises(Forbidden):
        check_url(f"https://{host}/hook", allow_loopback=allow_loopback)


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/",
        "ftp://partner.example/",
        "file:///etc/passwd",
        "gopher://partner.example/",
        "https:partner.example",
        "//partner.example",
        "https://user@partner.example/",
        "https://partner.example@127.0.0.1/",
        "https://partner.example\\@127.0.0.1/",
        "https://partner.example/\r\nX: y",
        "https://partner.example/\x00",
        "https://partner.example:0/",
        "https://partner.example:99999/",
        "https://partner.example/#fragment",
        "https://[::1",
        "https://partner.example/" + "a" * 2_000,
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url, allow_loopback=False)


def test_loopback_may_be_allowed_and_nothing_else_with_it() -> None:
    for url in ("http://127.0.0.1:8000/x", "https://[::1]/x", "http://localhost/x"):
        check_url(url, allow_loopback=True)
    for url in (
        "http://8.8.8.8/",
        f"http://{METADATA}/",
        "http://10.0.0.1/",
        "http://[::ffff:7f00:1]/",
    ):
        with pytest.raises(Forbidden):
            check_url(url, allow_loopback=True)


# Names


class Rebinding:
    """Answers with the first address at first, and with the second from then on."""

    def __init__(self, *addresses: Sequence[str]) -> None:
        self.answers = list(addresses)
        self.asked = 0

    def resolve(self, request: dnslib.DNSRecord, _handler: object) -> dnslib.DNSRecord:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        reply = request.reply()
        for address in answer:
            reply.add_answer(dnslib.RR(str(request.q.qname), rdata=dnslib.A(address), ttl=0))
        return reply


@asynccontextmanager
async def name_server(resolver: Rebinding) -> AsyncIterator["Lookup"]:
    """A real name server on loopback, over UDP, and a client that asks it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = DNSServer(resolver, address="127.0.0.1", port=port)
    server.start_thread()
    try:
        yield Lookup(port)
    finally:
        server.stop()
        server.server.server_close()


class Lookup:
    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, host: str, _port: int) -> list[str]:
        def ask() -> bytes:
            question = dnslib.DNSRecord.question(host)
            return bytes(question.send("127.0.0.1", self._port, timeout=5))

        answer = dnslib.DNSRecord.parse(await asyncio.to_thread(ask))
        return [str(each.rdata) for each in answer.rr]


@asynccontextmanager
async def receiver(status: str = "204 No Content", *headers: str) -> AsyncIterator["Receiver"]:
    """A server on loopback that counts who came, and answers the same to all."""
    found = Receiver()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.connections += 1
        head = await reader.readuntil(b"\r\n\r\n")
        found.heads.append(head)
        lines = [f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "Connection: close"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


class Receiver:
    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self.heads: list[bytes] = []


async def test_a_name_that_leads_inside_is_refused_before_anything_connects() -> None:
    async with receiver() as inside, name_server(Rebinding(["127.0.0.1"])) as lookup:
        sender = Sender(resolve=lookup)
        attempt = await sender.post(f"https://evil.example:{inside.port}/", {}, b"{}")
        await sender.close()
    assert (attempt.status, attempt.failure) == (None, "forbidden_address")
    assert inside.connections == 0


async def test_one_closed_address_among_public_ones_is_enough() -> None:
    async with name_server(Rebinding(["93.184.215.14", METADATA])) as lookup:
        attempt = await Sender(resolve=lookup).post("https://evil.example/", {}, b"{}")
    assert attempt.failure == "forbidden_address"


class Recorded(httpcore.AnyIOBackend):
    """Notes where a connection would go. Public addresses cannot be reached from everywhere."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:
        self.addresses.append(host)
        raise httpcore.ConnectError("noted")


async def test_a_name_server_that_changes_its_mind_is_asked_once() -> None:
    rebinding = Rebinding(["93.184.215.14"], ["127.0.0.1"])
    async with name_server(rebinding) as lookup:
        network = GuardedNetwork(loopback=False, public=True, resolve=lookup)
        network._network = recorded = Recorded()
        with pytest.raises(httpcore.ConnectError):
            await network.connect_tcp("evil.example", 443)
        assert (rebinding.asked, recorded.addresses) == (1, ["93.184.215.14"])
        with pytest.raises(Forbidden):
            await network.connect_tcp("evil.example", 443)
    assert recorded.addresses == ["93.184.215.14"]


async def test_a_redirect_to_the_metadata_address_is_a_failure_and_not_followed() -> None:
    async with receiver("302 Found", f"Location: http://{METADATA}/latest/meta-data/") as outside:
        sender = Sender(allow_loopback=True)
        attempt = await sender.post(f"http://127.0.0.1:{outside.port}/hook", {}, b"{}")
        await sender.close()
    assert (attempt.status, attempt.delivered) == (302, False)
    assert outside.connections == 1


async def test_the_original_name_is_what_the_receiver_is_asked_for() -> None:
    async with receiver() as inside, name_server(Rebinding(["127.0.0.1"])) as lookup:
        sender = Sender(allow_loopback=True, resolve=lookup)
        url = f"http://shop.example:{inside.port}/hook"
        attempt = await sender.post(url, {"x-a": "b"}, b"{}")
        await sender.close()
    assert attempt.delivered
    assert f"host: shop.example:{inside.port}".encode() in inside.heads[0].lower()


async def test_without_loopback_localhost_is_refused_by_its_address() -> None:
    assert set(await system_resolver("localhost", 80)) <= {"127.0.0.1", "::1"}
    attempt = await Sender().post("https://localhost/", {}, b"{}")
    assert attempt.failure == "forbidden_address"


async def test_a_receiver_that_does_not_answer_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        sender = Sender(allow_loopback=True, timeout=0.2)
        attempt = await sender.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        await sender.close()
    assert attempt.failure == "timeout"
