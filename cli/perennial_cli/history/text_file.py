"""Opening a text file, compressed or not."""

import gzip
from pathlib import Path
from typing import TextIO, cast


def open_text(path: Path) -> TextIO:
    """The file as UTF-8 text; gzip is recognised by its first two bytes, not by the name.

    Raises `OSError` where the file cannot be opened.
    """
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if compressed:
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")
