"""A real Apache Kafka broker (KRaft, one node, loopback only), run as a child process.

Durability: Kafka acknowledges when the batch is in the page cache of every in-sync replica, here one. That
survives `kill -9` of the broker at any moment; only a loss of power could take the last seconds. A cluster closes
that gap with replicas on other machines; on one machine `flush_each_batch=True` does, with an fsync a batch.
"""

import signal
import socket
import struct
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from types import TracebackType
from typing import Self

from perennial_embedded.kafka_jars import KafkaUnavailable, classpath, java
from perennial_embedded.process import spawn, stop_in_steps, tail

__all__ = ["EmbeddedKafka", "KafkaUnavailable"]

_HOST = "127.0.0.1"

_LOGGING = """\
appender.file.type = RollingFile
appender.file.name = File
appender.file.fileName = {home}/broker.log
appender.file.filePattern = {home}/broker.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c{{1}}: %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = WARN
rootLogger.appenderRef.file.ref = File
"""


class EmbeddedKafka:
    """One broker whose data, ports and logs live in `home`; started again, it keeps all three.

    A context manager: `with EmbeddedKafka(path) as kafka: … kafka.bootstrap …`.
    """

    def __init__(
        self,
        home: Path,
        *,
        heap_mb: int = 320,
        flush_each_batch: bool = False,
        port: int | None = None,
    ) -> None:
        self.home = home.absolute()
        self.heap_mb = heap_mb
        self.flush_each_batch = flush_each_batch
        self._wanted_port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{_HOST}:{self._ports()[0]}"

    @property
    def pid(self) -> int | None:
        """The broker's process id, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, ready_within: float = 60.0) -> None:
        """Fetch the jars and format the storage (first time), start, and wait until the broker answers.

        Raises `KafkaUnavailable` with the reason.
        """
        self.prepare()
        self.launch()
        self.wait_ready(ready_within)

    def prepare(self) -> None:
        """Everything before the broker's own process; may take a minute the first time on a machine."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "log4j2.properties").write_text(_LOGGING.format(home=self.home))
        (self.home / "server.properties").write_text(self._configuration())
        if not (self.home / "data" / "meta.properties").exists():
            self._format_storage()

    def launch(self) -> None:
        """Start the broker's process; `wait_ready` says when it answers."""
        self._process = spawn(
            [*self._java(self.heap_mb), "kafka.Kafka", str(self.home / "server.properties")],
            # Controlled shutdown; whatever is cut off is recovered from the log at the next start.
            death_signal=signal.SIGTERM,
            log_file=self._output,
        )

    def wait_ready(self, within: float = 60.0) -> None:
        deadline = time.monotonic() + within
        while not _answers(self._ports()[0]):
            if self.pid is None:
                raise KafkaUnavailable(f"Kafka ended at once:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise KafkaUnavailable(
                    f"Kafka is not ready after {within:.0f} s:\n{self._log_tail()}"
                )
            time.sleep(0.05)

    def stop(self, within: float = 8.0) -> None:
        """Controlled shutdown (SIGTERM), SIGKILL after `within` seconds; a client may wait for neither."""
        if self._process is not None:
            stop_in_steps(self._process, [(signal.SIGTERM, within)])
            self._process = None

    def kill(self) -> None:
        """SIGKILL, for tests of faults."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop and start on the same port and data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Inside

    @property
    def _output(self) -> Path:
        return self.home / "output.log"

    def _log_tail(self) -> str:
        return f"{tail(self._output)}\n{tail(self.home / 'broker.log')}"

    def _ports(self) -> tuple[int, int]:
        """Broker and controller port, chosen once and kept: clients and the quorum remember them."""
        kept = self.home / "ports"
        if not kept.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            broker, controller = _two_free_ports()
            kept.write_text(f"{self._wanted_port or broker} {controller}\n")
        broker, controller = (int(port) for port in kept.read_text().split())
        return broker, controller

    def _java(self, heap_mb: int) -> list[str]:
        memory = [f"-Xms{min(heap_mb, 128)}m", f"-Xmx{heap_mb}m", "-XX:MaxDirectMemorySize=64m"]
        # A small broker beside its clients on few processors: what a concurrent collector and the second
        # compiler take of these in a broker's first minutes, they do not give back in an hour.
        frugal = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
        logging = [f"-Dlog4j2.configurationFile={self.home / 'log4j2.properties'}"]
        switches = ["-Djava.awt.headless=true", "-XX:-UsePerfData", "-Dlog4j2.disableJmx=true"]
        return [java(), *memory, *frugal, *logging, *switches, "-cp", classpath()]

    def _format_storage(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [*self._java(128), "kafka.tools.StorageTool", "format"]
        arguments = [
            "--ignore-formatted",
            "-t",
            cluster,
            "-c",
            str(self.home / "server.properties"),
        ]
        # A cluster id may begin with a dash, which the tool would read as an option.
        arguments[1:3] = [f"--cluster-id={cluster}"]
        process = spawn([*command, *arguments], death_signal=signal.SIGKILL, log_file=self._output)
        if process.wait() != 0:
            raise KafkaUnavailable(f"Kafka's storage could not be formatted:\n{self._log_tail()}")

    def _configuration(self) -> str:
        broker, controller = self._ports()
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{_HOST}:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{_HOST}:{broker},CONTROLLER://{_HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{_HOST}:{broker}",
            "log.dirs": self.home / "data",
            # A misspelt topic is an error, not a new topic with the wrong number of partitions.
            "auto.create.topics.enable": "false",
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Tests start groups that notice a dead member within seconds.
            "group.min.session.timeout.ms": 1000,
            # The log is kept for ever: projections are rebuilt from it.
            "log.retention.ms": -1,
            "log.cleaner.dedupe.buffer.size": 16_777_216,
            "log.cleaner.threads": 1,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "background.threads": 2,
            # A killed broker's registration must expire before it may register again; the default 9 s would be
            # most of a restart. Longer than any pause that a busy machine causes.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "log.flush.interval.messages": 1
            if self.flush_each_batch
            else 9_223_372_036_854_775_807,
        }
        lines = (f"{name}={value}\n" for name, value in settings.items())
        return "# Written at every start by perennial_embedded.kafka.\n" + "".join(lines)


def _two_free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind((_HOST, 0))
        other.bind((_HOST, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _answers(port: int) -> bool:
    """Whether the broker processes requests: it is asked for its ApiVersions (key 18, version 0).

    Its port alone would say less: it is open before the broker has joined its own cluster.
    """
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        with socket.create_connection((_HOST, port), timeout=1.0) as connection:
            connection.settimeout(1.0)
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    # Length, correlation id, error code.
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (1, 0)
