"""Strong entity tags from versions: stale writes are refused, unchanged reads are cheap."""

from typing import Annotated

from fastapi import Header

from perennial_http.problems import PreconditionFailed

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that was read")]


def etag(version: int | str) -> str:
    """The strong ETag of a resource's version."""
    return f'"{version}"'


def check_if_match(if_match: str | None, version: int | str) -> None:
    """Raise `PreconditionFailed` when `If-Match` was sent and names another version.

    Call it with the row locked, so that the version cannot move between check and change.
    """
    if if_match is not None and not _lists(if_match, etag(version)):
        raise PreconditionFailed(
            "The resource has changed since it was read; read it again.",
            headers={"ETag": etag(version)},
        )


def unchanged(if_none_match: str, tag: str) -> bool:
    """Whether the reader already has what `tag` names (RFC 9110, 13.1.2: weak comparison)."""
    return _lists(if_none_match.replace("W/", ""), tag)


def _lists(header: str, tag: str) -> bool:
    return any(candidate.strip() in ("*", tag) for candidate in header.split(","))
