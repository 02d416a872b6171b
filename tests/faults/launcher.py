"""Starts `werkstroom …` again and again as processes of their own, without importing everything again.

A process that has imported the command line forks one child per run. The child is what `python -m jobs.cli` is after
its imports: its own environment, directory and outputs. It forks from a process without threads, which pytest's is not.

A run may die at every call: before each one it forks a victim, the same process to the last byte, which makes the call
and gets a SIGKILL before it is passed on; then a second victim, which is killed when Odoo has answered. Then it makes
the call itself and goes on, to the next deaths. So one run shows what each of those deaths leaves.

Read on stdin, a line of JSON a run (see `_become`); written on stdout, when it is over: its exit status (negative: the
signal that ended it).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from connector.transports.xmlrpc import XmlRpc
from tests.faults.proxy import KILLED, VICTIM

ROOT = Path(__file__).parents[2]


class Launcher:
    """The parent's side; a context manager. One run at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "tests.faults.launcher"], cwd=ROOT, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Launcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], directory: Path, *,
            dying: bool = False) -> int:
        """Run the command to its end; its outputs go to `output` and `errors` in its directory.

        Returns:
            its exit status.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"arguments": list(arguments), "environment": dict(environment), "directory": str(directory),
                 "dying": dying}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the launcher is gone")
        return int(line)


def serve() -> None:
    """Fork a child for every line."""
    from jobs.cli.root import main

    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
            if order["dying"]:
                _die_at_every_call()
            main()
            os._exit(70)  # not reached: main ends the process
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(order: dict[str, Any]) -> None:
    """Be the process that a shell would have started."""
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    written = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, "output", written), (2, "errors", written)):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, stream)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the parent's stdin holds lines of other runs
    sys.argv = ["werkstroom", *order["arguments"]]


def _die_at_every_call() -> None:
    post = XmlRpc._post

    def dying(self: XmlRpc, url: str, body: bytes) -> bytes:
        for fault in KILLED:
            victim = os.fork()
            if victim == 0:
                try:
                    self._http.headers[VICTIM] = f"{fault} {os.getpid()}"
                    post(self, url, body)
                finally:
                    os._exit(70)  # not reached: it is killed while it waits for the answer
            if os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]) != -signal.SIGKILL:
                raise RuntimeError(f"it was not {fault}")
        return post(self, url, body)

    XmlRpc._post = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    serve()
