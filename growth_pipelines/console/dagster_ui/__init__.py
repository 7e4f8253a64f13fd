"""Dagster's pages behind the console's log-in: who may see and change what there, and the way to its server."""
