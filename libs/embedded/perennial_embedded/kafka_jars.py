"""Where a broker's jars come from: an installed Kafka (`KAFKA_HOME`), or Maven, once, into a cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_POM = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "pom.xml"
_MAVEN_SECONDS = 600


class KafkaUnavailable(RuntimeError):
    """No real Kafka can be had here; the message says what is missing and how to supply it."""


def classpath() -> str:
    """The Java class path of a broker."""
    home = os.environ.get("KAFKA_HOME")
    if home:
        libs = Path(home) / "libs"
        if not any(libs.glob("kafka_*.jar")):
            raise KafkaUnavailable(f"KAFKA_HOME={home} holds no libs/kafka_*.jar.")
        return f"{libs}/*"
    return f"{_jars_from_maven()}/*"


def java() -> str:
    """The Java to run it with: `JAVA_HOME`'s, else the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise KafkaUnavailable(
            "Kafka needs Java 17 or newer: put `java` on the PATH, or set JAVA_HOME."
        )
    return found


def _jars_from_maven() -> Path:
    if not _POM.exists():
        raise KafkaUnavailable(
            "deploy/kafka/pom.xml is not beside this package; set KAFKA_HOME instead."
        )
    pom = _POM.read_bytes()
    version = re.search(rb"<kafka.version>(.+?)</kafka.version>", pom)
    if version is None:
        raise KafkaUnavailable("deploy/kafka/pom.xml names no kafka.version.")
    cache = Path(os.environ.get("PERENNIAL_CACHE") or Path.home() / ".cache" / "perennial")
    # The digest makes another pom another folder: a changed dependency is never mixed with an old one.
    digest = hashlib.sha256(pom).hexdigest()[:8]
    jars = cache / f"kafka-{version.group(1).decode()}-{digest}"
    if not jars.exists():
        _copy_dependencies(jars)
    return jars


def _copy_dependencies(jars: Path) -> None:
    """Let Maven fill a folder beside `jars`, then rename it: two who do so at once each see a whole one."""
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailable("Kafka's jars come through Maven: install `mvn`, or set KAFKA_HOME.")
    jars.parent.mkdir(parents=True, exist_ok=True)
    print(
        f"Fetching Kafka's jars through Maven into {jars} (once) ...", file=sys.stderr, flush=True
    )
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="kafka-unfinished-") as folder:
        unfinished = Path(folder) / "jars"
        command = [maven, "-q", "-B", "-f", str(_POM), "dependency:copy-dependencies"]
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={unfinished}"]
        try:
            done = subprocess.run(
                [*command, *options],
                check=False,
                capture_output=True,
                text=True,
                timeout=_MAVEN_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise KafkaUnavailable("Maven did not fetch Kafka's jars within 10 minutes.") from None
        if done.returncode != 0:
            raise KafkaUnavailable(f"Maven could not fetch Kafka's jars:\n{done.stdout[-2000:]}")
        try:
            unfinished.rename(jars)
        except OSError:
            if not jars.exists():
                raise
