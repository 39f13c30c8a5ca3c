"""Which addresses of the web may be fetched: the one parser of URLs, and the one check of hosts.

What is connected to is made from the parts that were checked here, never from the text again, so
no second parser can read it differently. Forms that parsers are known to disagree on (user names,
backslashes, octal and hexadecimal numbers, zones) are refused. It resolves no name and connects
to nothing.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from attenda.core.errors import UserError

__all__ = ["Address", "Ip", "is_public", "join_address", "parse_address"]

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_LENGTH = 2000
_SHAPE = re.compile(r"(https?)://([^/?#]+)([^#]*)(?:#.*)?", re.I)
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]+)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}
_KEPT = "%/:?@!$&'()*+,;=~-._"
"""Characters of a path and a query that stay as they are; `%` was escaped by who wrote it."""

_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
"""The registries' special-purpose networks (RFC 6890 and its successors)."""
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = [
    ipaddress.IPv6Network(one)
    for one in (
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3ffe::/16",
        "3fff::/20",
    )
]
"""Teredo, 6to4 and other protocols' networks, which carry addresses within, and examples."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL in its parts: what is looked up, connected to and asked for."""

    scheme: str
    host: str
    """A name in ASCII, or the number of an address without brackets."""
    number: Ip | None
    """The address, where the host is one."""
    port: int
    target: str
    """Path and query, in ASCII."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_address(url: str, ports: frozenset[int] = frozenset(_PORTS.values())) -> Address:
    """The parts of `url`, if it may be fetched as far as its text tells.

    Raises:
        UserError: it is no web address, or of a form or port that is refused.
    """
    url = url.strip(" ")
    shown = "".join(letter if letter.isprintable() else "?" for letter in url[:200])
    shape = _SHAPE.fullmatch(url)
    if len(url) > _MAX_LENGTH or not url.isprintable() or re.search(r"[\s\\]", url) or not shape:
        raise UserError("web.not_an_address", url=shown)
    scheme, authority, rest = shape[1].lower(), shape[2], shape[3]
    if "@" in authority:
        raise UserError("web.has_user", url=shown)
    parts = _HOST.fullmatch(authority)
    if parts is None:
        raise UserError("web.not_an_address", url=shown)
    host, number = _host(parts[1], shown)
    port = int(parts[2] or _PORTS[scheme])
    if port not in ports or port == 0:
        raise UserError("web.port", url=shown, port=port)
    target = quote(rest if rest.startswith("/") else f"/{rest}", safe=_KEPT)
    return Address(scheme, host, number, port, target)


def join_address(base: Address, location: str, ports: frozenset[int]) -> Address:
    """Where a redirect leads; it is parsed and refused like any other address.

    Raises:
        UserError: it may not be fetched.
    """
    try:
        joined = urljoin(str(base), location.strip(" "))
    except ValueError as error:
        raise UserError("web.not_an_address", url=location[:200]) from error
    return parse_address(joined, ports)


def is_public(ip: Ip) -> bool:
    """Whether an address is one of the public internet, whatever older address it carries."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    if ip.scope_id is not None:
        return False
    if ip in _NAT64:
        return is_public(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF))
    return ip in _GLOBAL_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def _host(written: str, shown: str) -> tuple[str, Ip | None]:
    """The host as it is looked up: a plain name, or a number in its one normal form."""
    wrong = UserError("web.not_an_address", url=shown)
    if written.startswith("["):
        try:
            number = ipaddress.IPv6Address(written[1:-1])
        except ValueError:
            raise wrong from None
        if number.scope_id is not None:
            raise wrong
        mapped = number.ipv4_mapped
        return (str(mapped), mapped) if mapped else (str(number), number)
    try:
        name = written.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise wrong from None
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            four = ipaddress.IPv4Address(name)
        except ValueError:
            raise wrong from None
        return str(four), four
    if len(name) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        raise wrong
    return name, None
