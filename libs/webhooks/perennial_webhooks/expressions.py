"""The values of a mapping's fields: compiled once, then evaluated for each payload."""

from collections.abc import Callable
from typing import Any

from perennial_webhooks.conversions import CONVERSIONS, money
from perennial_webhooks.paths import Path, Source, compile_path, is_path


class DoesNotMap(Exception):
    """The payload is not what the mapping expects; the message says where."""


class MappingIsWrong(ValueError):
    """The mapping itself cannot be read; the message says where."""


class _Nothing:
    """Stands for a value that is not there; null is none either."""


NOTHING = _Nothing()
Expression = Callable[[Source], Any]
_MOST_ITEMS = 5_000


def object_of(data: Any, where: str) -> Expression:
    """An object of fields, or a path to one that has them all already."""
    if isinstance(data, str):
        path = path_of(data, where)

        def whole(source: Source) -> dict[str, Any]:
            found = next(iter(path(source)), None)
            if not isinstance(found, dict):
                raise DoesNotMap(f"{data}: is no object")
            return found

        return whole
    if not isinstance(data, dict):
        raise MappingIsWrong(f"{where}: is an object of fields")
    fields = {name: _expression(value, f"{where}/{name}") for name, value in data.items()}

    def build(source: Source) -> dict[str, Any]:
        built = {name: expression(source) for name, expression in fields.items()}
        return {name: value for name, value in built.items() if value is not NOTHING}

    return build


def _expression(data: Any, where: str) -> Expression:
    if isinstance(data, str) and is_path(data):
        path = path_of(data, where)
        return lambda source: next(iter(path(source)), NOTHING)
    if isinstance(data, list):
        choices = [_expression(each, where) for each in data]
        return lambda source: next(
            (found for choice in choices if (found := choice(source)) is not NOTHING), NOTHING
        )
    if not isinstance(data, dict):
        return lambda _: data
    for key, build in _FORMS.items():
        if key in data:
            return build(data, where)
    raise MappingIsWrong(f"{where}: has none of {', '.join(_FORMS)}")


def _value(data: dict[str, Any], where: str) -> Expression:
    check_keys(data, where, {"path", "as", "prefix", "enum", "default"})
    inner = _expression(data["path"], where)
    kind, prefix, enum = data.get("as"), data.get("prefix", ""), data.get("enum")
    default = data.get("default", NOTHING)
    if (kind is not None and kind not in CONVERSIONS) or not isinstance(prefix, str):
        raise MappingIsWrong(f"{where}: `as` is one of {', '.join(CONVERSIONS)}; `prefix` is text")
    if enum is not None and not isinstance(enum, dict):
        raise MappingIsWrong(f"{where}/enum: is an object from their values to ours")

    def evaluate(source: Source) -> Any:
        found = inner(source)
        if found is NOTHING:
            return default
        if enum is not None:
            named = enum.get(str(found), enum.get("*", NOTHING))
            if named is NOTHING and default is NOTHING:
                raise DoesNotMap(f"{where}: {str(found)[:60]!r} is not among the known values")
            return default if named is NOTHING else named
        return _converted(kind, prefix, found, where)

    return evaluate


def _converted(kind: str | None, prefix: str, found: Any, where: str) -> Any:
    try:
        # The prefix belongs to the id: both together keep within an id's length.
        if kind == "id":
            return CONVERSIONS["id"](prefix + CONVERSIONS["text"](found))
        converted = found if kind is None else CONVERSIONS[kind](found)
    except ValueError as error:
        raise DoesNotMap(f"{where}: {str(found)[:60]!r} {error}") from None
    return f"{prefix}{converted}" if prefix else converted


def _money(data: dict[str, Any], where: str) -> Expression:
    minor = "minor" in data
    check_keys(data, where, {"minor" if minor else "money", "currency"}, required={"currency"})
    amount = _expression(data["minor" if minor else "money"], where)
    currency = _expression(data["currency"], where)

    def evaluate(source: Source) -> Any:
        found, code = amount(source), currency(source)
        if found is NOTHING or code is NOTHING:
            return NOTHING
        try:
            return money(found, code, minor=minor)
        except ValueError as error:
            raise DoesNotMap(f"{where}: {str(found)[:60]!r} {error}") from None

    return evaluate


def _list(data: dict[str, Any], where: str) -> Expression:
    check_keys(data, where, {"each", "fields"}, required={"each", "fields"})
    path, fields = path_of(data["each"], where), object_of(data["fields"], f"{where}/fields")

    def evaluate(source: Source) -> Any:
        items = path(source)
        if len(items) > _MOST_ITEMS:
            raise DoesNotMap(f"{where}: has more than {_MOST_ITEMS} items")
        return [fields(source._replace(item=item)) for item in items] or NOTHING

    return evaluate


def _nested(data: dict[str, Any], where: str) -> Expression:
    check_keys(data, where, {"fields"})
    fields = object_of(data["fields"], f"{where}/fields")
    return lambda source: fields(source) or NOTHING


def _literal(data: dict[str, Any], where: str) -> Expression:
    check_keys(data, where, {"value"})
    return lambda _: data["value"]


_FORMS: dict[str, Callable[[dict[str, Any], str], Expression]] = {
    "path": _value,
    "money": _money,
    "minor": _money,
    "each": _list,
    "fields": _nested,
    "value": _literal,
}


def path_of(data: Any, where: str) -> Path:
    if not isinstance(data, str):
        raise MappingIsWrong(f"{where}: is a path, such as $.order.id")
    try:
        return compile_path(data)
    except ValueError as error:
        raise MappingIsWrong(f"{where}: {error}") from None


def check_keys(data: Any, where: str, known: set[str], *, required: set[str] | None = None) -> None:
    if not isinstance(data, dict):
        raise MappingIsWrong(f"{where or '/'}: is an object")
    if unknown := sorted(data.keys() - known):
        raise MappingIsWrong(f"{where}/{unknown[0]}: is not known here")
    if missing := sorted((required or set()) - data.keys()):
        raise MappingIsWrong(f"{where}/{missing[0]}: is required")
