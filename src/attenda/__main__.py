"""`python -m attenda`: the same as the `attenda` command."""

from attenda.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
