"""The floor of `refit`: `implicit`'s alternating least squares on the same views and orders."""

import asyncio
import json
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import asyncpg
import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from perennial_events.driver import connect_arguments

_WANTED = """
    SELECT identity, sku FROM views UNION ALL SELECT customer_id, unnest(skus) FROM baskets
"""


async def _read(url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        return [tuple(row) for row in await connection.fetch(_WANTED)]
    finally:
        await connection.close()


def main() -> None:
    began = time.monotonic()
    people, skus = zip(*asyncio.run(_read(sys.argv[1])), strict=True)
    _, who = np.unique(people, return_inverse=True)
    _, what = np.unique(skus, return_inverse=True)
    model = AlternatingLeastSquares(factors=64, iterations=15, random_state=7)
    model.fit(csr_matrix((np.ones(len(who)), (who, what))), show_progress=False)
    print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
