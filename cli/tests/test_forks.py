"""Programs forked on request, and what becomes of signals that reach them early."""

import os
import signal
from pathlib import Path

from perennial_cli.supervisor.forks import ForkServer

_STAND_IN = Path(__file__).with_name("stand_in.py")
_ATTEMPTS = 20


async def test_a_stop_that_comes_before_the_program_began_is_not_lost() -> None:
    server = ForkServer([], os.environ)
    variables = {"PERENNIAL_SERVICE": "early", "PERENNIAL_HOST": "127.0.0.1", "PERENNIAL_PORT": "0"}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for _ in range(_ATTEMPTS):
        program = await server.fork("early", [str(_STAND_IN)], variables, nowhere)
        program.send_signal(signal.SIGTERM)
        assert await program.wait() == -signal.SIGTERM
    os.close(nowhere)
    await server.close()
