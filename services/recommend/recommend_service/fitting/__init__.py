"""Fitting: long-term taste and rhythms, from all that the projection holds, in a process of its own."""
