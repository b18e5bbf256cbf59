"""What a request needs of its service: settings, database, keys. The door puts it into the ASGI scope."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from starlette.types import Scope

from perennial_events.database import Database
from perennial_http.settings import ServiceSettings

if TYPE_CHECKING:
    from perennial_http.audit import AuditTrail
    from perennial_http.keys import Key, KeyRing

_RUNTIME = "perennial.runtime"
_CALLER = "perennial.caller"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Made once by `create_app`, and at `app.state.runtime`."""

    settings: ServiceSettings
    database: Database
    keys: "KeyRing"
    audit: "AuditTrail"


def attach(scope: Scope, runtime: Runtime) -> None:
    """Give the request its runtime."""
    scope[_RUNTIME] = runtime


def runtime_of(scope: Scope) -> Runtime:
    """The runtime of the service that answers this request."""
    return cast(Runtime, scope[_RUNTIME])


def set_caller(scope: Scope, key: "Key") -> None:
    """Remember whose request this is."""
    scope[_CALLER] = key


def caller_of(scope: Scope) -> "Key | None":
    """The key that was checked for this request, or None on a public route."""
    found: Any = scope.get(_CALLER)
    return cast("Key | None", found)
