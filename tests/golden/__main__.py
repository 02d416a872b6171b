"""`python -m tests.golden --rewrite`: a deliberate act, refused in CI."""

from __future__ import annotations

import os
import sys

from tests.golden import HERE, rewrite


def main(arguments: list[str], environment: dict[str, str]) -> int:
    if arguments != ["--rewrite"]:
        sys.stderr.write("Usage: python -m tests.golden --rewrite\n")
        return 2
    if environment.get("CI"):
        sys.stderr.write("Golden files are not rewritten in CI.\n")
        return 2
    for path in rewrite():
        sys.stdout.write(f"{path.relative_to(HERE)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
