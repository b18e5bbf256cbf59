"""Exchange rates into the shop's base currency."""
