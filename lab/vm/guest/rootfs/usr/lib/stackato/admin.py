"""The actions that need root: kato runs them with sudo, and the first boot directly. Arguments: the action and its parameters."""

from __future__ import annotations

import os
import signal
import sys

import files

DAYS = '3650'
INTERFACES = """auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
"""


def interfaces(address: str, netmask: str, gateway: str, nameservers: str, search: str) -> None:
    """Lists are written as typed: a comma between name servers does damage at the next boot."""
    mask = number(netmask)
    net = number(address) & mask
    rows = [
        ('address', address), ('netmask', netmask), ('network', text(net)), ('broadcast', text(net | ~mask)), ('gateway', gateway),
        ('dns-nameservers', nameservers), ('dns-search', search),
    ]
    files.write('/etc/network/interfaces', INTERFACES + ''.join(f'    {key} {value}\n' for key, value in rows if value))


def name(hostname: str, mbus_ip: str) -> None:
    """The hosts file first: sudo waits for name servers if it does not list the host name."""
    certificate(hostname)
    hosts(hostname, mbus_ip)
    files.write('/etc/hostname', f'{hostname}\n')
    files.overwrite(files.HOSTNAME, f'{hostname}\n')
    reload_nginx()


def hosts(hostname: str, mbus_ip: str) -> None:
    short = hostname.split('.')[0]
    files.write('/etc/hosts', f'127.0.0.1\tlocalhost {short}\n{mbus_ip}\t{hostname} api.{hostname}\n')


def certificate(hostname: str) -> None:
    """Written to other files first, so that a reader never sees half a certificate."""
    key, cert = files.host(files.KEY), files.host(files.CERTIFICATE)
    status, said = files.output_of(
        'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', DAYS, '-subj', f'/CN={hostname}',
        '-addext', f'subjectAltName=DNS:{hostname},DNS:*.{hostname}', '-keyout', f'{key}.new', '-out', f'{cert}.new',
    )
    if status != 0:
        sys.exit(said)
    for path in (key, cert):
        os.replace(f'{path}.new', path)
    os.sync()


def reload_nginx() -> None:
    pid = files.read('/run/nginx.pid').strip()
    if pid:
        os.kill(int(pid), signal.SIGHUP)


def number(ip: str) -> int:
    return int.from_bytes(bytes(map(int, ip.split('.'))), 'big')


def text(ip: int) -> str:
    return '.'.join(map(str, (ip & 0xFFFFFFFF).to_bytes(4, 'big')))


if __name__ == '__main__':
    {'interfaces': interfaces, 'name': name, 'hosts': hosts}[sys.argv[1]](*sys.argv[2:])
