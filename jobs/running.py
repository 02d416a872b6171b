"""Running a job: as one Python call, without a terminal."""

from __future__ import annotations

import time

from connector.session import Session
from jobs.plan import Applied, Change, Job, Options, Plan, Planned, Summary, matching, summarize


def run_job(session: Session, job: Job[Options], options: Options) -> Summary:
    """Plan a job and carry it out; the same as its command with `--yes`.

    Raises:
        WerkstroomError: nothing could be planned, or the server went away half-way; running it again ends the same.
    """
    meter = Meter(session)
    return carry_out(session, job, options, job.plan(session.read_only(), options), meter)


def apply_saved(session: Session, job: Job[Options], saved: Plan) -> Summary:
    """Carry out a saved plan, if every fact is still as it was; what is done by now is `unchanged`.

    Raises:
        Changed: a fact changed, or the plan is another database's; nothing was written.
    """
    meter = Meter(session)
    options = job.options.model_validate(saved.options)
    reader = session.read_only()
    planned, done = matching(reader, job, options, saved, job.plan(reader, options))
    return carry_out(session, job, options, planned, meter, already=done)


class Meter:
    """Counts API calls and seconds of a session from now on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._calls, self._started = session.transport.traffic.calls, time.monotonic()

    def read(self) -> tuple[int, float]:
        """Return calls and seconds so far."""
        return self._session.transport.traffic.calls - self._calls, time.monotonic() - self._started


def carry_out(session: Session, job: Job[Options], options: Options, planned: Planned, meter: Meter | None = None,
              already: tuple[Change, ...] = ()) -> Summary:
    """Send the changes of a plan that was just made; `already` are changes that were found done.

    `meter` runs since the planning began; without one only the changes are counted.
    """
    meter = meter or Meter(session)
    applied = job.apply(session, options, planned)
    applied = Applied((*already, *applied.changes), applied.skipped, applied.files)
    calls, seconds = meter.read()
    return summarize(planned.plan, applied, api_calls=calls, seconds=seconds)
