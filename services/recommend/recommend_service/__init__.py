"""The `recommend` service: what to offer this customer next."""

import os

# Before numpy is there: no product of ours is large enough to be worth waiting for another core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
