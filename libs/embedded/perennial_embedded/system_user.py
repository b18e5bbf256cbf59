"""PostgreSQL refuses to run as root: whom it runs as then, and what that user must be able to reach."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from perennial_embedded.process import SAME_USER, User

# The name under which the wheel itself makes its user, so that both agree on one machine.
_NAME = "pgserver"
_FALLBACK = "nobody"


def server_user(data_dir: Path) -> User:
    """The owner of existing data; for new data ourselves, or an unprivileged user where we are root."""
    if os.geteuid() != 0:
        return SAME_USER
    if data_dir.exists():
        owner = data_dir.stat()
        if owner.st_uid != 0:
            return User(owner.st_uid, owner.st_gid)
    entry = _find(_NAME) or _create(_NAME) or _find(_FALLBACK)
    if entry is None:
        raise RuntimeError(
            "PostgreSQL does not run as root, and there is no unprivileged user to run it: "
            "start Perennial as another user."
        )
    return User(entry.pw_uid, entry.pw_gid)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd")
    if useradd is None:
        return None
    command = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", name]
    # Two starts may race to create it: what counts is that it is there afterwards.
    subprocess.run(command, check=False, capture_output=True)
    return _find(name)


def allow_traversal(path: Path, user: User) -> None:
    """Let `user` pass through (not list) every folder above `path`."""
    for folder in path.resolve().parents:
        status = folder.stat()
        if status.st_uid != user.uid and not status.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)


def allow_reading(tree: Path) -> None:
    """Let everyone read the installed server: an installer under a strict umask leaves it to root alone."""
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)
