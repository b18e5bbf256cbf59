"""The container files, linted: not every machine has an engine to build and run them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parent.parent
ROOT = DEPLOY.parent
BIN = Path(sys.executable).parent


def test_dockerfile_passes_hadolint() -> None:
    _passes(str(BIN / "hadolint"), "--failure-threshold", "info", str(DEPLOY / "Dockerfile"))


def test_compose_file_follows_its_specification() -> None:
    options = ["--builtin-schema", "vendor.compose-spec"]
    _passes(str(BIN / "check-jsonschema"), *options, str(DEPLOY / "compose.yaml"))


def test_every_published_port_is_bound_to_loopback() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    published = re.findall(r"ports: \[\"(.+?)\"\]", compose)
    assert len(published) == compose.count("ports:")
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_images_are_pinned() -> None:
    base = re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    compose = (DEPLOY / "compose.yaml").read_text()
    foreign = [name for name in re.findall(r"image: (\S+)", compose) if "perennial/" not in name]
    for image in [*base, *foreign]:
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+.*", image), image


def test_compose_and_tests_run_the_same_kafka() -> None:
    pom = re.search(r"<kafka.version>(.+?)<", (DEPLOY / "kafka" / "pom.xml").read_text())
    compose = re.search(r"apache/kafka:(\S+)", (DEPLOY / "compose.yaml").read_text())
    assert pom is not None
    assert compose is not None
    assert pom[1] == compose[1]


@pytest.mark.parametrize(
    "file", ["requirements.lock", "requirements-dev.lock", "requirements-uv.txt"]
)
def test_locks_hold_hashes_and_no_addresses(file: str) -> None:
    lock = (ROOT / file).read_text()
    assert "://" not in lock
    packages = re.findall(r"^[a-z0-9-]+==.*(?:\n {4}.*)+", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[a-z]", lock, re.MULTILINE))
    assert all("--hash=sha256:" in package for package in packages)


def _passes(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
