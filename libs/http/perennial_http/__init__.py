"""HTTP: what every service's door shares, from API keys to graceful shutdown."""

from perennial_http.after import AFTER, Freshness, wait_for_event
from perennial_http.app import ServiceApp, create_app
from perennial_http.audit import PERSONAL
from perennial_http.bodies import Answer, Body, FreeForm, QueryModel
from perennial_http.command import run
from perennial_http.etags import IfMatch, check_if_match, etag
from perennial_http.housekeeping import HOUSEKEEPING, KEY_HANDLERS
from perennial_http.idempotency import purge_idempotency
from perennial_http.imports import Outcome, run_import
from perennial_http.keys import (
    PUBLIC,
    Authorized,
    Caller,
    Key,
    KeyRing,
    add_key,
    hash_token,
    new_token,
    presented_token,
    revoke_key,
)
from perennial_http.lifecycle import Worker
from perennial_http.operations import operations
from perennial_http.paging import Page, PageQuery, fetch_page
from perennial_http.problems import (
    BadRequest,
    Conflict,
    ErasedCustomer,
    FieldError,
    Forbidden,
    Gone,
    InternalError,
    Invalid,
    NotFound,
    PreconditionFailed,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    documented,
)
from perennial_http.routes import UNLIMITED, ServiceRoute, body_limit
from perennial_http.runtime import Runtime, runtime_of
from perennial_http.schema import (
    CREATE_HTTP_TABLES_V1,
    CREATE_HTTP_TABLES_V2,
    create_http_tables_v1,
    guard,
)
from perennial_http.serve import serve
from perennial_http.settings import ServiceSettings
from perennial_http.telemetry import configure_logging
from perennial_http.transaction import Session, TransactionalRoute
from perennial_http.types import (
    Amount,
    Country,
    Currency,
    Id,
    Language,
    Money,
    Quantity,
    SignedMoney,
    Text,
    Time,
    Zone,
    decimals,
)

__all__ = [
    "AFTER",
    "CREATE_HTTP_TABLES_V1",
    "CREATE_HTTP_TABLES_V2",
    "HOUSEKEEPING",
    "KEY_HANDLERS",
    "PERSONAL",
    "PUBLIC",
    "UNLIMITED",
    "Amount",
    "Answer",
    "Authorized",
    "BadRequest",
    "Body",
    "Caller",
    "Conflict",
    "Country",
    "Currency",
    "ErasedCustomer",
    "FieldError",
    "Forbidden",
    "FreeForm",
    "Freshness",
    "Gone",
    "Id",
    "IfMatch",
    "InternalError",
    "Invalid",
    "Key",
    "KeyRing",
    "Language",
    "Money",
    "NotFound",
    "Outcome",
    "Page",
    "PageQuery",
    "PreconditionFailed",
    "Problem",
    "Quantity",
    "QueryModel",
    "Runtime",
    "ServiceApp",
    "ServiceRoute",
    "ServiceSettings",
    "Session",
    "SignedMoney",
    "Text",
    "Time",
    "TooLarge",
    "TooManyRequests",
    "TransactionalRoute",
    "Unauthorized",
    "Unavailable",
    "UnsupportedMediaType",
    "Worker",
    "Zone",
    "add_key",
    "body_limit",
    "check_if_match",
    "configure_logging",
    "create_app",
    "create_http_tables_v1",
    "decimals",
    "documented",
    "etag",
    "fetch_page",
    "guard",
    "hash_token",
    "new_token",
    "operations",
    "presented_token",
    "purge_idempotency",
    "revoke_key",
    "run",
    "run_import",
    "runtime_of",
    "serve",
    "wait_for_event",
]
