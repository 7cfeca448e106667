"""Network of a client's address: what limits per address count by."""

from ipaddress import IPv6Address, ip_address


def network_of(host: str) -> str:
    """An IPv4 address, also of one that is written as IPv6, or a customer's 64-bit IPv6 network.

    `2001:db8:1:2:3:4:5:6` is `2001:db8:1:2::`. Any other text, such as "", is returned as it is.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
