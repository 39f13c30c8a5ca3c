"""When schedules are due: over changes of the clocks, leap days, and lists and ranges of cron."""

from datetime import UTC, datetime

import pytest

from attenda.runtime.schedule import BadSchedule, read_schedule


def due(text: str, zone: str, first: str, last: str) -> list[str]:
    begin, end = (
        int(datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp()) * 1_000_000
        for one in (first, last)
    )
    found = read_schedule(text, zone).all_between(begin, end, 100)
    return [f"{datetime.fromtimestamp(at / 1e6, UTC):%m-%d %H:%M}" for at in found]


@pytest.mark.parametrize(
    ("text", "zone", "first", "last", "expected"),
    [
        # 02:30 does not come on 29 March: it is due at what is then 03:30
        ("30 2 * * *", "Europe/Berlin", "2026-03-28", "2026-03-31",
         ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
        # 02:30 comes twice on 25 October: it is due the first time
        ("30 2 * * *", "Europe/Berlin", "2026-10-24", "2026-10-27",
         ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        # every hour is due in each hour that passes, in both of autumn's and in none of spring's
        ("0 * * * *", "Europe/Berlin", "2026-10-25", "2026-10-25T03:00",
         ["10-25 00:00", "10-25 01:00", "10-25 02:00", "10-25 03:00"]),
        ("0 * * * *", "Europe/Berlin", "2026-03-29", "2026-03-29T03:00",
         ["03-29 00:00", "03-29 01:00", "03-29 02:00", "03-29 03:00"]),
        ("0 12 29 2 *", "UTC", "2096-03-01", "2104-12-31", ["02-29 12:00"]),
        ("0 9 * * mon,wed-thu", "UTC", "2026-06-01", "2026-06-07",
         ["06-01 09:00", "06-03 09:00", "06-04 09:00"]),
        # a day of the month and a weekday: either is enough
        ("0 0 13 * fri", "UTC", "2026-03-01", "2026-03-14",
         ["03-06 00:00", "03-13 00:00"]),
        ("*/20 8-9 1 jan *", "Asia/Shanghai", "2026-01-01", "2026-01-01T01:00",
         ["01-01 00:00", "01-01 00:20", "01-01 00:40", "01-01 01:00"]),
    ],
)  # fmt: skip
def test_times(text: str, zone: str, first: str, last: str, expected: list[str]) -> None:
    assert due(text, zone, first, last) == expected


def test_the_latest_of_ten_years_of_minutes() -> None:
    """Reckoning all five millions of them would take hours, and everybody would wait for it."""
    last = int(datetime(2036, 3, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000
    every = read_schedule("* * * * *", "Europe/Berlin")
    found = every.all_between(last - 3650 * 86_400_000_000, last, 100)
    assert found == [last - n * 60_000_000 for n in reversed(range(100))]
    assert every.all_between(last - 60_000_000, last, 100) == found[-2:]
    skipped = read_schedule("0 12 * * *", "Pacific/Apia")  # 30 December 2011 never came there
    assert due("0 12 * * *", "Pacific/Apia", "2011-12-28", "2012-01-02") == [
        "12-28 22:00", "12-29 22:00", "12-30 22:00", "12-31 22:00", "01-01 22:00"
    ]  # fmt: skip
    assert skipped.all_between(last, last - 1, 100) == []


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "0 0 30 2 *", "*/0 * * * *", "5-1 * * * *", "x * * * *"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(BadSchedule):
        read_schedule(text, "UTC")
