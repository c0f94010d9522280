"""A thread that keeps a run's lease while its stage works, and writes what the stage reports.

It has a database connection of its own, so neither a long transaction of the stage nor a long computation stops it,
and the stage never waits for the ledger.
"""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connections
from django.db.models.functions import Now

from liaoyuan.accounts.tenancy import tenant_context
from liaoyuan.pipeline.contract import RunCancelled
from liaoyuan.pipeline.errors import DatabaseAway, FenceLost
from liaoyuan.pipeline.estimates import remaining_seconds
from liaoyuan.pipeline.events import event_write, from_now, plain
from liaoyuan.pipeline.models import ACTIVE_STATES, RunState, StageRun

logger = logging.getLogger(__name__)
# Progress is written at most this often; a cancel is seen this soon.
POLL_SECONDS = 1.0


class Pulse:
    """Implements :class:`liaoyuan.pipeline.contract.RunHooks` for one claimed run."""

    def __init__(self, run: StageRun) -> None:
        self._run_id: UUID = run.id
        self._organization_id: UUID = run.organization_id
        self._fence = run.fence
        self._expected = run.expected_seconds
        self._began = time.monotonic()
        self._beat = self._began
        self._changed = threading.Condition()
        self._columns: dict[str, Any] = {}
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._saving = 0
        self._stopping = self._lost = self._cancelled = False
        self._thread = threading.Thread(target=self._loop, name=f"pulse-{run.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end the thread; may be called twice."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def progress(self, fraction: float, message_zh: str, message_en: str, **numbers: Any) -> None:
        """Note how far it is. Raises RunCancelled or FenceLost, so that a stage which only reports stops as well."""
        self._refuse_to_go_on()
        fraction = min(max(fraction, 0.0), 1.0)
        columns: dict[str, Any] = {"progress": fraction}
        columns |= {"message_zh": message_zh[:300], "message_en": message_en[:300]}
        data = {"progress": round(fraction, 4), "message_zh": message_zh, "message_en": message_en, "numbers": numbers}
        with self._changed:
            self._columns |= columns
            # Only the newest of a second is kept: a loop may report a thousand times.
            self._events = [event for event in self._events if event[0] != "progress"]
            self._events.append(("progress", plain(data)))

    def cancelled(self) -> bool:
        return self._lost or self._cancelled

    def log(self, message: str, **fields: Any) -> None:
        with self._changed:
            self._events.append(("log", plain({"message": message, "fields": fields})))

    def checkpoint_save(self, state: Mapping[str, Any]) -> None:
        """Returns when the checkpoint is in the database.

        Raises RunCancelled, FenceLost, or DatabaseAway after a lease.
        """
        self._refuse_to_go_on()
        with self._changed:
            self._columns["checkpoint"] = plain(dict(state))
            self._saving += 1
            self._changed.notify_all()
            saved = self._changed.wait_for(
                lambda: "checkpoint" not in self._columns or self._lost, timeout=settings.LEASE_SECONDS
            )
            self._saving -= 1
        if self._lost:
            raise FenceLost
        if not saved:
            raise DatabaseAway

    def _refuse_to_go_on(self) -> None:
        if self._lost:
            raise FenceLost
        if self._cancelled:
            raise RunCancelled

    def _loop(self) -> None:
        try:
            while True:
                stopping = self._stopping
                self._tick()
                if stopping or self._lost:
                    return
                with self._changed:
                    if not self._stopping and not self._saving:
                        self._changed.wait(min(POLL_SECONDS, settings.HEARTBEAT_SECONDS))
        finally:
            connections.close_all()
            with self._changed:
                self._changed.notify_all()

    def _tick(self) -> None:
        with self._changed:
            columns, events = self._columns, self._events
            self._columns, self._events = {}, []
        try:
            state = self._write(columns, events)
        except DatabaseFault:
            # The lease decides in the end; until then the database may come back.
            logger.warning("run %s: the ledger does not answer", self._run_id, exc_info=True)
            connections.close_all()
            with self._changed:
                self._columns, self._events = columns | self._columns, events + self._events
            time.sleep(min(POLL_SECONDS, settings.HEARTBEAT_SECONDS))
            return
        with self._changed:
            self._lost, self._cancelled = state is None, state == RunState.CANCELLING
            self._changed.notify_all()

    def _write(self, columns: dict[str, Any], events: list[tuple[str, dict[str, Any]]]) -> str | None:
        """One short transaction; returns the run's state, None when it is not ours any more."""
        due = time.monotonic() - self._beat >= settings.HEARTBEAT_SECONDS
        with tenant_context(self._organization_id):
            mine = StageRun.objects.filter(id=self._run_id, fence=self._fence, state__in=ACTIVE_STATES)
            if columns or events or due:
                self._beat = time.monotonic()
                lease = from_now(settings.LEASE_SECONDS)
                mine.update(heartbeat_at=Now(), lease_until=lease, **self._eta(columns), **columns)
            state = mine.values_list("state", flat=True).first()
            if state is not None:
                for kind, data in events:
                    event_write(
                        run_id=self._run_id, organization_id=self._organization_id, kind=kind, data=self._timed(data)
                    )
            return state

    def _eta(self, columns: dict[str, Any]) -> dict[str, Any]:
        remaining = self._remaining(columns["progress"]) if "progress" in columns else None
        return {} if remaining is None else {"eta": from_now(remaining)}

    def _timed(self, data: dict[str, Any]) -> dict[str, Any]:
        if "progress" not in data:
            return data
        return data | {"remaining_seconds": self._remaining(data["progress"])}

    def _remaining(self, progress: float) -> float | None:
        elapsed = time.monotonic() - self._began
        return remaining_seconds(elapsed=elapsed, progress=progress, expected=self._expected)
