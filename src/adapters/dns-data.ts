/** Record data as master files have it: what goes back to a server as it came. Names are absolute, without the trailing dot. */

import type {
  Answer,
  CaaData,
  DsData,
  HInfoData,
  MxData,
  NaptrData,
  RpData,
  SoaData,
  SrvData,
  SshfpData,
  TlsaData,
  TxtData,
} from 'dns-packet';

type Show<T> = (data: T) => string;

const list = (...fields: readonly (string | number | undefined)[]): string =>
  fields.map((field) => String(field ?? 0)).join(' ');

const SHOWN: Readonly<Record<string, Show<never>>> = {
  A: (ip: string) => ip,
  AAAA: (ip: string) => ip,
  CNAME: name,
  DNAME: name,
  NS: name,
  PTR: name,
  MX: ({ preference, exchange }: MxData) => list(preference, name(exchange)),
  TXT: (texts: TxtData) => [texts].flat().map(quoted).join(' '),
  SRV: ({ priority, weight, port, target }: SrvData) => list(priority, weight, port, name(target)),
  SOA: ({ mname, rname, serial, refresh, retry, expire, minimum }: SoaData) =>
    list(name(mname), rname, serial, refresh, retry, expire, minimum),
  CAA: ({ flags, tag, value }: CaaData) => list(flags, tag, quoted(value)),
  HINFO: ({ cpu, os }: HInfoData) => list(quoted(cpu), quoted(os)),
  RP: ({ mbox, txt }: RpData) => list(name(mbox), name(txt)),
  NAPTR: ({ order, preference, flags, services, regexp, replacement }: NaptrData) =>
    list(order, preference, quoted(flags), quoted(services), quoted(regexp), name(replacement)),
  SSHFP: ({ algorithm, hash, fingerprint }: SshfpData) => list(algorithm, hash, fingerprint),
  TLSA: ({ usage, selector, matchingType, certificate }: TlsaData) =>
    list(usage, selector, matchingType, certificate.toString('hex')),
  DS: ({ keyTag, algorithm, digestType, digest }: DsData) =>
    list(keyTag, algorithm, digestType, digest.toString('hex')),
};

/** Types that dns-packet has no name for, RFC 3597 numbers. */
export function typeToPacket(type: string): string {
  return type.replace(/^TYPE(?=\d)/, 'UNKNOWN_');
}

export function typeFromPacket(type: string): string {
  return type.replace(/^UNKNOWN_/, 'TYPE');
}

/** undefined for what has no place in a zone's data. */
export function shownData(answer: Answer): string | undefined {
  if (answer.type === 'OPT') return undefined;
  const show = SHOWN[answer.type] as Show<unknown> | undefined;
  if (show !== undefined) return show(answer.data);
  return Buffer.isBuffer(answer.data)
    ? list('\\#', answer.data.length, ...(answer.data.length === 0 ? [] : [answer.data.toString('hex')]))
    : undefined;
}

function quoted(text: string | Buffer): string {
  return `"${escaped(Buffer.from(text as string), /["\\]/)}"`;
}

/** Dots inside a label are not told from those between two: such names do not come back as they were, and are not found again. */
function name(text: string): string {
  return escaped(Buffer.from(text), /["\\;()@$ ]/);
}

function escaped(bytes: Buffer, special: RegExp): string {
  return [...bytes]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
      return special.test(char) ? `\\${char}` : char;
    })
    .join('');
}
