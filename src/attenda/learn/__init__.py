"""The school: from conversations to a model in a file; knows nothing of serving."""

__all__: list[str] = []
