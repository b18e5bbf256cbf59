"""Fitting and rescoring: arrays and optimisers, in a process of its own that ends with its job."""
