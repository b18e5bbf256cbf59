"""`perennial kafka`: a real Apache Kafka in the foreground, for development and tests."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer


def kafka(
    home: Annotated[
        Path | None, typer.Option(help="Where data lives (default: PERENNIAL_HOME, or .perennial).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of a new broker (default: a free one, then kept).")
    ] = None,
) -> None:
    """Run a real Apache Kafka on loopback until Ctrl-C, and print its address."""
    from perennial_cli.services import default_home  # noqa: PLC0415  (commands load what they use)
    from perennial_embedded import EmbeddedKafka, KafkaUnavailable  # noqa: PLC0415

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    broker = EmbeddedKafka((home or default_home()) / "kafka-development", port=port)
    try:
        with broker:
            print(f"Kafka is ready at {broker.bootstrap} (Ctrl-C stops it).", flush=True)
            print(f"Tests use it with PERENNIAL_TEST_KAFKA={broker.bootstrap}", flush=True)
            while broker.pid is not None and not stop.wait(0.5):
                pass
    except KafkaUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        raise typer.Exit(1) from None
    if not stop.is_set():
        print(f"Kafka ended by itself; its log is {broker.home}/broker.log", file=sys.stderr)
        raise typer.Exit(1)
