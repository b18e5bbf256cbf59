"""The platform's folder: who holds it, its process ids, and its two keys."""

import base64
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from perennial_cli.supervisor.failures import StartRefused

_KEY_BYTES = 32  # 43 URL-safe characters


class Home:
    """`PERENNIAL_HOME`, held by one supervisor at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.run = self.folder / "run"
        self.logs = self.folder / "logs"
        self._lock: IO[str] | None = None

    def hold(self) -> None:
        """Become the one supervisor of this folder, or raise `StartRefused` naming the one that is."""
        for folder in (self.folder, self.run, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        # Opened without truncation: the holder's file must stay as it is.
        lock = (self.run / "supervisor.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise StartRefused(self._already_running()) from None
        self._lock = lock
        self.write_pid("supervisor", os.getpid())

    def release(self) -> None:
        """Let another supervisor have the folder."""
        self.remove_pid("supervisor")
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def write_pid(self, name: str, pid: int) -> None:
        # Renamed into place, so that a reader never finds it empty.
        unfinished = self.run / f"{name}.pid.new"
        unfinished.write_text(f"{pid}\n")
        unfinished.replace(self.run / f"{name}.pid")

    def remove_pid(self, name: str) -> None:
        (self.run / f"{name}.pid").unlink(missing_ok=True)

    def write_addresses(self, addresses: dict[str, str]) -> None:
        """Note where the databases and the log are, for the operator's commands (`perennial rebuild`)."""
        (self.run / "addresses.json").write_text(json.dumps(addresses, indent=1) + "\n")

    def admin_key(self) -> tuple[str, bool]:
        """The administrator's API key, and whether it was made just now."""
        return self._kept("admin.key", lambda: f"pk_admin_{secrets.token_urlsafe(_KEY_BYTES)}")

    def secret_key(self) -> str:
        """What partners' secrets are sealed with. Whoever loses it gives every partner a new one."""
        key, _ = self._kept("secret.key", _new_secret_key)
        return key

    def _kept(self, name: str, make: Callable[[], str]) -> tuple[str, bool]:
        """The key in this file, and whether it was made just now."""
        path = self.folder / name
        if path.exists():
            return path.read_text().strip(), False
        key = make()
        unfinished = self.folder / f"{name}.new"
        unfinished.unlink(missing_ok=True)
        # Made with its mode: there is no moment at which others could read it.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{key}\n")
        unfinished.replace(path)
        return key, True

    def _already_running(self) -> str:
        try:
            pid = (self.run / "supervisor.pid").read_text().strip()
        except FileNotFoundError:
            pid = "just starting"
        return (
            f"Perennial already runs on {self.folder} (process {pid}). Stop it with Ctrl-C there or "
            f"`kill {pid}`, or start another one with PERENNIAL_HOME and PERENNIAL_PORT_BASE set differently."
        )


def _new_secret_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def key_hash(key: str) -> str:
    """What services are told about the key: its SHA-256 in hex, never the key itself."""
    return hashlib.sha256(key.encode()).hexdigest()
