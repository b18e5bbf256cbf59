"""API keys: issued and revoked."""
