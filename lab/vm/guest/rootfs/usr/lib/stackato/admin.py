"""What needs root: kato runs it by sudo, and the first boot by itself. Words: what to do, and what with."""

from __future__ import annotations

import os
import signal
import sys

import place

DAYS = '3650'
INTERFACES = """auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
"""


def interfaces(address: str, netmask: str, gateway: str, nameservers: str, search: str) -> None:
    """Lists go in as they were typed: a comma between name servers is found out at the boot."""
    mask = number(netmask)
    net = number(address) & mask
    rows = [
        ('address', address), ('netmask', netmask), ('network', text(net)), ('broadcast', text(net | ~mask)), ('gateway', gateway),
        ('dns-nameservers', nameservers), ('dns-search', search),
    ]
    place.write('/etc/network/interfaces', INTERFACES + ''.join(f'    {key} {value}\n' for key, value in rows if value))


def name(hostname: str, mbus_ip: str) -> None:
    """The hosts file first: with a host name that it does not have, sudo waits for name servers."""
    certificate(hostname)
    hosts(hostname, mbus_ip)
    place.write('/etc/hostname', f'{hostname}\n')
    place.put(place.HOSTNAME, f'{hostname}\n')
    reload_nginx()


def hosts(hostname: str, mbus_ip: str) -> None:
    short = hostname.split('.')[0]
    place.write('/etc/hosts', f'127.0.0.1\tlocalhost {short}\n{mbus_ip}\t{hostname} api.{hostname}\n')


def certificate(hostname: str) -> None:
    """Aside first: whoever looks meanwhile finds the old one, whole."""
    key, cert = place.host(place.KEY), place.host(place.CERTIFICATE)
    status, said = place.heard(
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', DAYS, '-subj', f'/CN={hostname}',
        '-addext', f'subjectAltName=DNS:{hostname},DNS:*.{hostname}', '-keyout', f'{key}.new', '-out', f'{cert}.new',
    )
    if status != 0:
        sys.exit(said)
    for path in (key, cert):
        os.replace(f'{path}.new', path)
    os.sync()


def reload_nginx() -> None:
    pid = place.read('/run/nginx.pid').strip()
    if pid:
        os.kill(int(pid), signal.SIGHUP)


def number(ip: str) -> int:
    return int.from_bytes(bytes(map(int, ip.split('.'))), 'big')


def text(ip: int) -> str:
    return '.'.join(map(str, (ip & 0xFFFFFFFF).to_bytes(4, 'big')))


if __name__ == '__main__':
    {'interfaces': interfaces, 'name': name, 'hosts': hosts}[sys.argv[1]](*sys.argv[2:])
