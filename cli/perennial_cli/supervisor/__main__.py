"""The supervisor's own process: `python -m perennial_cli.supervisor LOG HOME`, which `perennial up` becomes."""

import asyncio
import sys
from pathlib import Path

from perennial_cli.services import default_port_base
from perennial_cli.supervisor.failures import StartRefused
from perennial_cli.supervisor.programs import Programs
from perennial_cli.supervisor.supervise import Supervisor


def main() -> int:
    log, home = sys.argv[1], Path(sys.argv[2])
    try:
        supervisor = Supervisor(home, port_base=default_port_base(), log=log, programs=Programs())
        return asyncio.run(supervisor.run())
    except (StartRefused, ValueError) as refused:
        print(refused, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
