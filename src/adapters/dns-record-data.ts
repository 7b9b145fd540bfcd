/** Record data in presentation format (RFC 1035, 5), so that a record can be restored as it was. Names are absolute, without the trailing dot. */

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

type Formatter<T> = (data: T) => string;

const fields = (...values: readonly (string | number | undefined)[]): string =>
  values.map((field) => String(field ?? 0)).join(' ');

const FORMATTERS: Readonly<Record<string, Formatter<never>>> = {
  A: (ip: string) => ip,
  AAAA: (ip: string) => ip,
  CNAME: domainName,
  DNAME: domainName,
  NS: domainName,
  PTR: domainName,
  MX: ({ preference, exchange }: MxData) => fields(preference, domainName(exchange)),
  TXT: (texts: TxtData) => [texts].flat().map(quoted).join(' '),
  SRV: ({ priority, weight, port, target }: SrvData) => fields(priority, weight, port, domainName(target)),
  SOA: ({ mname, rname, serial, refresh, retry, expire, minimum }: SoaData) =>
    fields(domainName(mname), rname, serial, refresh, retry, expire, minimum),
  CAA: ({ flags, tag, value }: CaaData) => fields(flags, tag, quoted(value)),
  HINFO: ({ cpu, os }: HInfoData) => fields(quoted(cpu), quoted(os)),
  RP: ({ mbox, txt }: RpData) => fields(domainName(mbox), domainName(txt)),
  NAPTR: ({ order, preference, flags, services, regexp, replacement }: NaptrData) =>
    fields(order, preference, quoted(flags), quoted(services), quoted(regexp), domainName(replacement)),
  SSHFP: ({ algorithm, hash, fingerprint }: SshfpData) => fields(algorithm, hash, fingerprint),
  TLSA: ({ usage, selector, matchingType, certificate }: TlsaData) =>
    fields(usage, selector, matchingType, certificate.toString('hex')),
  DS: ({ keyTag, algorithm, digestType, digest }: DsData) =>
    fields(keyTag, algorithm, digestType, digest.toString('hex')),
};

/** dns-packet writes UNKNOWN_65 for types that RFC 3597 writes TYPE65. */
export function typeToPacket(type: string): string {
  return type.replace(/^TYPE(?=\d)/, 'UNKNOWN_');
}

export function typeFromPacket(type: string): string {
  return type.replace(/^UNKNOWN_/, 'TYPE');
}

/** Undefined for records that do not belong to a zone's data. */
export function presentationOf(answer: Answer): string | undefined {
  if (answer.type === 'OPT') return undefined;
  const format = FORMATTERS[answer.type] as Formatter<unknown> | undefined;
  if (format !== undefined) return format(answer.data);
  return Buffer.isBuffer(answer.data)
    ? fields('\\#', answer.data.length, ...(answer.data.length === 0 ? [] : [answer.data.toString('hex')]))
    : undefined;
}

function quoted(text: string | Buffer): string {
  return `"${escaped(typeof text === 'string' ? Buffer.from(text) : text, /["\\]/)}"`;
}

/** dns-packet does not tell a dot inside a label from one between labels: such names are neither restored nor found again. */
function domainName(text: string): string {
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
