"""Finding the route: a table made once, in place of trying each route's pattern in turn."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from perennial_http.problems import MethodNotAllowed, NotFound


class Found(NamedTuple):
    """A route, and the parameters that the path gave."""

    route: Route
    path_params: dict[str, Any]


class RouteTable:
    """Routes by method, and then by their whole path or by their number of segments."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._templates: dict[tuple[str, int], list[tuple[re.Pattern[str], Route]]] = defaultdict(
            list
        )
        self._all: list[Route] = []
        for route in routes:
            if not isinstance(route, Route):
                raise TypeError(f"{route!r}: include routers by handing them to create_app")
            self._add(route)

    def _add(self, route: Route) -> None:
        self._all.append(route)
        for method in route.methods or ():
            if not route.param_convertors:
                self._exact.setdefault((method, route.path), route)
                continue
            if any(convertor.regex == ".*" for convertor in route.param_convertors.values()):
                raise TypeError(f"{route.path}: a parameter may not span segments")
            self._templates[method, route.path.count("/")].append((route.path_regex, route))

    def find(self, scope: Scope) -> Found:
        """The route that answers. Raises `NotFound`, or `MethodNotAllowed` with what is allowed."""
        method, path = scope["method"], scope["path"]
        exact = self._exact.get((method, path))
        if exact is not None:
            return Found(exact, {})
        for pattern, route in self._templates.get((method, path.count("/")), ()):
            if match := pattern.match(path):
                convertors = route.param_convertors
                parameters = {
                    name: convertors[name].convert(value)
                    for name, value in match.groupdict().items()
                }
                return Found(route, parameters)
        raise self._refusal(path)

    def _refusal(self, path: str) -> NotFound | MethodNotAllowed:
        allowed = {
            method
            for route in self._all
            if route.path_regex.match(path)
            for method in route.methods or ()
        }
        if not allowed:
            return NotFound("There is nothing at this path.")
        listed = ", ".join(sorted(allowed))
        return MethodNotAllowed(f"This path takes {listed}.", headers={"Allow": listed})
