"""The network that the machine has now, as its own programs show it."""

from __future__ import annotations

import re

import place


def present() -> dict[str, str]:
    card = place.heard('ifconfig', 'eth0')[1]
    return {
        'interface': 'eth0',
        # Either shape of ifconfig's output.
        'address': first(r'\binet (?:addr:)?\s*([\d.]+)', card),
        'netmask': first(r'\b(?:Mask:|netmask\s+)([\d.]+)', card),
        'gateway': first(r'^0\.0\.0\.0\s+([\d.]+)', place.heard('route', '-n')[1]),
        # resolv.conf only names the machine itself.
        'nameservers': ' '.join(re.findall(r'^nameserver\s+(\S+)', place.read('/run/dnsmasq/resolv.conf'), re.MULTILINE)),
        'search': first(r'^search\s+(.*\S)', place.read('/etc/resolv.conf')),
    }


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ''
