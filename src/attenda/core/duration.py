"""Durations as people write them in files: a number and a unit, such as `15m`."""

__all__ = ["read_duration"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def read_duration(text: str) -> int:
    """Seconds of `90s`, `15m`, `2h`, `3d` or `1w`.

    Raises:
        ValueError: it is written otherwise, or is longer than ten years.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit()) or unit not in _UNITS:
        raise ValueError("write a time as 90s, 15m, 2h, 3d or 1w")
    seconds = int(number) * _UNITS[unit]
    if seconds > 10 * 366 * 86400:
        raise ValueError("that is longer than ten years")
    return seconds
