"""The command line."""

from __future__ import annotations


def main() -> None:
    """Run `werkstroom`; imported late, so that importing a room never imports all of them."""
    from jobs.cli.root import main as root

    root()
