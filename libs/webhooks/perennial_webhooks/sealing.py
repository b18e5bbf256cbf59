"""Secrets at rest: sealed with keys that the database does not have."""

from functools import lru_cache
from typing import TYPE_CHECKING

from perennial_http import Conflict

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_REMEMBERED = 4_096


class NoSecretKey(Conflict):
    title = "This service can keep no secrets"

    def __init__(self) -> None:
        super().__init__(
            "The service was started without PERENNIAL_SECRET_KEY. Its operator sets it to the output"
            " of `openssl rand -base64 32 | tr +/ -_` and keeps it: what was sealed needs it again."
        )


class Sealer:
    """Seals with the first of the keys, and opens with any: a new key is put in front of the old.

    Keys are 32 bytes in URL-safe base64, comma-separated (Fernet: AES-128-CBC with HMAC-SHA256).
    """

    def __init__(self, keys: str | None) -> None:
        self._keys = keys
        # The same few secrets are opened for every delivery.
        self.open = lru_cache(_REMEMBERED)(self._open)

    def seal(self, secret: str) -> bytes:
        """What may be stored. Raises `NoSecretKey`."""
        return self._fernet().encrypt(secret.encode())

    def _open(self, sealed: bytes) -> str:
        """The secret again. Raises `NoSecretKey`, also where it was sealed with a key that is gone."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  (see _fernet)

        try:
            return self._fernet().decrypt(sealed).decode()
        except InvalidToken:
            raise NoSecretKey from None

    def _fernet(self) -> "MultiFernet":
        if not self._keys:
            raise NoSecretKey
        return _fernet(self._keys)


@lru_cache(1)
def _fernet(keys: str) -> "MultiFernet":
    # 7 MB a process, for which a service without partners has no use.
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    return MultiFernet([Fernet(key) for key in keys.split(",")])
