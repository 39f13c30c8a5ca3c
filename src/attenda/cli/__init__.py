"""The `attenda` command: the street that leads to every room."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; the exit code is 0 ok, 1 failed, 2 wrong use."""
    from attenda.cli.commands import run

    sys.exit(run())
