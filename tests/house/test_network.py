"""The tests' network is shut, and this machine's own addresses are not."""

import socket
import urllib.request

import pytest


def test_other_machines_are_out_of_reach() -> None:
    with socket.socket() as outward, pytest.raises(RuntimeError, match="no network"):
        outward.connect(("192.0.2.1", 80))


def test_no_datagram_leaves() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as outward:
        with pytest.raises(RuntimeError, match="no network"):
            outward.sendto(b"?", ("192.0.2.1", 53))


def test_no_name_is_looked_up() -> None:
    with pytest.raises(RuntimeError, match="looked up 'example.com'"):
        urllib.request.urlopen("http://example.com/", timeout=1)


def test_this_machine_is_in_reach() -> None:
    with socket.create_server(("localhost", 0)) as server:
        with socket.create_connection(("localhost", server.getsockname()[1])) as inward:
            assert inward.getpeername() == server.getsockname()
