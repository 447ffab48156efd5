"""Dagster's own SQLite storage with one connection kept for each database while a process lives.

Dagster's event log makes a new engine for every event, which takes three quarters of the time of a run of short steps
(docs/benchmarks.md), and another to ask whether a table is there. Only these are replaced. Files and tables stay
Dagster's, and only `custody run` uses this: the web interface reads them with Dagster's own class.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy import Connection, Engine, StaticPool, create_engine


class KeptEventLog(SqliteEventLogStorage):
    """The event log, one engine for each database."""

    def __init__(self, base_dir: str) -> None:
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir)

    @contextmanager
    def run_connection(self, run_id: str | None = None) -> Iterator[Connection]:
        """A transaction on the database of one run."""
        shard = run_id or ""
        if shard not in self._engines:
            with super().run_connection(shard):  # makes the file and its tables
                pass
            self._engines[shard] = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
        with self._db_lock, self._engines[shard].begin() as connection:
            yield connection

    def index_connection(self) -> AbstractContextManager[Connection]:
        """A transaction on the database of all runs."""
        return self.run_connection(INDEX_SHARD_NAME)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that was there is not asked for again."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def dispose(self) -> None:
        """Close; the last connection folds the write-ahead log into the file."""
        for engine in self._engines.values():
            engine.dispose()
        super().dispose()


class KeptSqliteStorage(DagsterSqliteStorage):
    """Dagster's storage with that event log."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLog(os.path.join(base_dir, "history", "runs", ""))

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """As configured; Dagster's method names its own class."""
        return cls.from_local(inst_data=inst_data, **config_value)
