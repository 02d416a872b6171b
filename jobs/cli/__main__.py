"""`python -m jobs.cli` is `werkstroom`."""

from jobs.cli import main

main()
