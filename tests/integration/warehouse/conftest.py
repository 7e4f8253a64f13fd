"""A database that a whole module shares, since building it takes seconds."""

from __future__ import annotations

import uuid

import psycopg
import pytest


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server: str) -> str:
    """The URL of a fresh database for all tests of a module."""
    name = f"m{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    base, _, query = postgres_server.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}?{query}"
