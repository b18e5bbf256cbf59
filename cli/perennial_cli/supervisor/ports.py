"""Ports on loopback: whether one is free, and whether a service behind one is ready."""

import asyncio
import socket
from collections.abc import Mapping

from perennial_cli.supervisor.failures import StartRefused

HOST = "127.0.0.1"


def refuse_taken(ports: Mapping[str, int]) -> None:
    """Raise `StartRefused` naming each port that someone else listens on."""
    taken = [f"{port} ({name})" for name, port in ports.items() if not _is_free(port)]
    if taken:
        raise StartRefused(
            f"Taken by another program on {HOST}: port {', '.join(taken)}. Nothing was started. "
            "Stop that program, or choose other ports with PERENNIAL_PORT_BASE=9000."
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the services do: connections of an earlier run that linger in TIME_WAIT take no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


async def is_ready(port: int, within: float = 1.0) -> bool:
    """Whether GET /health/ready answers 200. By hand: an HTTP client would double the supervisor's memory."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                request = f"GET /health/ready HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status.split(b" ", 2)[1:2] == [b"200"]
