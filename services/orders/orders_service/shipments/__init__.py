"""Shipments: promised, scanned on their way, delivered or delayed."""
