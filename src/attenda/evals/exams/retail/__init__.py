"""The retail shop of tau2-bench as a pack: its tables, its tools, its policy held by code."""

__all__: list[str] = []
