"""The operator's commands: they speak to the services' `/v1/operations`, and start rebuilds."""
