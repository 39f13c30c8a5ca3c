"""Packs that come with the package; each knows the public face and nothing else."""

__all__: list[str] = []
