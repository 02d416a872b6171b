"""Starts `werkstroom …` again and again as processes of their own, without importing everything again.

A process that has imported the command line forks one child per run. The child is what `python -m jobs.cli` is after
its imports: its own environment, directory and outputs, and a process that a SIGKILL ends for good. It forks from a
process without threads, which pytest's is not.

Read on stdin, a line of JSON a run: {"arguments", "environment", "directory", "output", "errors"}; written on stdout:
its process id, and its exit status once it is over (negative: the signal that ended it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

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

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], directory: Path) -> int:
        """Start a run whose outputs go to `output` and `errors` in its directory; returns its process id."""
        assert self._process.stdin is not None
        order = {"arguments": list(arguments), "environment": dict(environment), "directory": str(directory),
                 "output": str(directory / "output"), "errors": str(directory / "errors")}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._number()

    def wait(self) -> int:
        """Return the exit status of the run that was started."""
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
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
            main()
            os._exit(0)  # not reached: main ends the process
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(order: dict[str, Any]) -> None:
    """Be the process that a shell would have started."""
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, order["output"], os.O_WRONLY | os.O_CREAT),
                                (2, order["errors"], os.O_WRONLY | os.O_CREAT)):
        handle = os.open(path, flags | (os.O_TRUNC if flags else 0), 0o600)
        os.dup2(handle, stream)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the parent's stdin holds lines of other runs
    sys.argv = ["werkstroom", *order["arguments"]]


if __name__ == "__main__":
    serve()
