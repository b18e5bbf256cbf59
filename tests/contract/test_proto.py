import asyncio, sys
import pytest

sys.path.insert(0, "/tmp")
from perennial_cli.services import SERVICES
from perennial_http.testing import ADMIN_KEY


@pytest.mark.parametrize("service", SERVICES)
async def test_proto(service, open_door):
    import proto

    door = await open_door(service)
    fails = await asyncio.to_thread(proto.run, str(door.client.base_url).rstrip("/"), 10, ADMIN_KEY)
    for k, v in fails.items():
        print(k, len(v))
        print("     ", v[0][0][:400])
        print("    ", v[0][1][:300])
