"""The value model: who will buy again, how often, and for how much (BG/NBD and Gamma-Gamma)."""
