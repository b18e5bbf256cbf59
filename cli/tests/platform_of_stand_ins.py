"""The real supervisor over stand-in services: `platform_of_stand_ins.py HOME PORT_BASE [SERVICE=BEHAVIOUR …]`."""

import asyncio
import sys
from pathlib import Path

from perennial_cli.supervisor.failures import StartRefused
from perennial_cli.supervisor.programs import Programs
from perennial_cli.supervisor.supervise import Supervisor

_STAND_IN = Path(__file__).with_name("stand_in.py")


class StandIns(Programs):
    """Small programs in the services' places, and nothing to migrate."""

    def __init__(self, behaviours: dict[str, str]) -> None:
        self._behaviours = behaviours

    def shared(self, log: str) -> list[str]:  # noqa: ARG002  (the base class's argument)
        return ["http.server"]

    def service(self, name: str) -> list[str]:
        return [str(_STAND_IN), self._behaviours.get(name, "")]

    def migrate(self) -> list[str]:
        return ["-m", "this"]


def main() -> int:
    home, port_base, *assignments = sys.argv[1:]
    behaviours = dict(assignment.split("=") for assignment in assignments)
    try:
        supervisor = Supervisor(
            Path(home), port_base=int(port_base), log="embedded", programs=StandIns(behaviours)
        )
        return asyncio.run(supervisor.run())
    except StartRefused as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
