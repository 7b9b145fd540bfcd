"""The machine's current network settings, as its programs show them."""

from __future__ import annotations

import re

import files


def present() -> dict[str, str]:
    card = files.output_of('ifconfig', 'eth0')[1]
    return {
        'interface': 'eth0',
        # Both formats of ifconfig.
        'address': first(r'\binet (?:addr:)?\s*([\d.]+)', card),
        'netmask': first(r'\b(?:Mask:|netmask\s+)([\d.]+)', card),
        'gateway': first(r'^0\.0\.0\.0\s+([\d.]+)', files.output_of('route', '-n')[1]),
        # resolv.conf lists only the machine's own dnsmasq.
        'nameservers': ' '.join(re.findall(r'^nameserver\s+(\S+)', files.read('/run/dnsmasq/resolv.conf'), re.MULTILINE)),
        'search': first(r'^search\s+(.*\S)', files.read('/etc/resolv.conf')),
    }


def first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ''
