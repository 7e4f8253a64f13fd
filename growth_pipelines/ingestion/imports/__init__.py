"""Exports that a person downloaded, into the same raw tables as the APIs fill.

All paths are one import: every file is read and checked before the first row is written, and what is written is
one transaction. Personal columns of an export (names, addresses, phones) are not read; e-mail addresses become
keyed hashes before anything is kept.
"""

from growth_pipelines.ingestion.imports.run import import_paths

__all__ = ["import_paths"]
