"""Set up `.venv`: uv (pinned, hashed), the development lock (hashed), and our own packages, editable.

`make install` runs this with any Python from 3.11 on; nothing but the standard library is needed. A file lock
lets several makes run at once: the first installs, the others wait and find the work done.
"""

import fcntl
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed"
LOCK = ROOT / ".venv.lock"

PACKAGES = [
    "libs/events",
    "libs/http",
    "libs/webhooks",
    "libs/embedded",
    "cli",
    "services/orders",
    "services/profile",
    "services/engagement",
    "services/support",
    "services/recommend",
]

INPUTS = [
    "requirements-uv.txt",
    "requirements-dev.lock",
    "tools/install.py",
    *(f"{package}/pyproject.toml" for package in PACKAGES),
]


def main() -> int:
    if sys.version_info < (3, 11):
        print(f"Perennial needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        return 1
    if importlib.util.find_spec("ensurepip") is None:
        print(
            "This Python cannot make virtual environments: install its venv package (python3-venv)."
        )
        return 1
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current():
            try:
                install()
            except subprocess.CalledProcessError as failure:
                print(f"Set-up failed at: {' '.join(map(str, failure.cmd))}", file=sys.stderr)
                return 1
    return 0


def is_current() -> bool:
    """Whether another make has installed everything since the newest input changed."""
    if not STAMP.exists():
        return False
    installed_at = STAMP.stat().st_mtime_ns
    return all((ROOT / name).stat().st_mtime_ns <= installed_at for name in INPUTS)


def install() -> None:
    # Read before the work: an input that changes meanwhile must be found newer than the stamp.
    newest_input = max((ROOT / name).stat().st_mtime_ns for name in INPUTS)
    STAMP.unlink(missing_ok=True)
    print(
        "Setting up .venv (once; again only when a lock or a pyproject.toml changes) ...",
        flush=True,
    )
    python = VENV / "bin" / "python"
    if not runs(python):
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    run(
        *(
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ),
        *("--require-hashes", "-r", str(ROOT / "requirements-uv.txt")),
    )
    uv = (str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(python))
    # Bytecode is compiled here so that the first start of five services does not pay for it five times.
    run(*uv, "--compile-bytecode", "--require-hashes", "-r", str(ROOT / "requirements-dev.lock"))
    editable = [argument for package in PACKAGES for argument in ("-e", str(ROOT / package))]
    run(*uv, "--no-deps", "--no-build-isolation", *editable)
    STAMP.touch()
    os.utime(STAMP, ns=(newest_input, newest_input))


def runs(python: Path) -> bool:
    """Whether this interpreter exists and starts; a moved or half-made environment does not."""
    try:
        check = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return check.returncode == 0


def run(*command: str) -> None:
    # A caller's environment must not redirect the installation into another environment.
    environment = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main())
