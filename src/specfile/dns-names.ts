/**
 * Names that may go into DNS updates, shell commands, URLs and certificates: letters, digits and hyphens only (RFC 1123), so that they need
 * no escaping in any of them.
 */

import { withHint } from './problems';

export const MAX_NAME = 253;
const MAX_LABEL = 63;
/**
 * The appliance's certificate bears the base name as its common name, which holds 64 characters (RFC 5280), and a Linux host name no
 * more. It also leaves room in DNS for what is put before it: `*.`, `api.`, `probe-0a1b2c3d.`, `_stackato-deploy.`.
 */
export const MAX_BASE_NAME = 64;

/** Lower case, without the trailing dot, because names are compared as text. ASCII only: toLowerCase turns the Kelvin sign into a k. */
export function tidyName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/\.$/, '');
}

export function nameFault(name: string): string | undefined {
  const fault = labelsFault(
    name,
    /^[a-z0-9-]*$/,
    'use letters, digits, hyphens and dots only; write an international name as punycode (xn--…)',
  );
  if (fault !== undefined) return fault;
  // URL parsers and resolvers take such a name for an IPv4 address.
  if (/(^|\.)\d+$/.test(name))
    return withHint('ends in a number, so programs take it for an IP address', 'give a name, such as dev.example.com');
  return undefined;
}

/** Key names never become host names; underscores are common in them. */
export function keyNameFault(name: string): string | undefined {
  return labelsFault(
    name,
    /^[a-z0-9_-]*$/,
    'use letters, digits, hyphens, underscores and dots only, as in the server’s `key` statement',
  );
}

export function baseNameFault(name: string): string | undefined {
  const fault = nameFault(name);
  if (fault !== undefined || name.length <= MAX_BASE_NAME) return fault;
  return withHint(
    `is longer than ${MAX_BASE_NAME} characters`,
    'choose a shorter name: the appliance’s certificate and host name hold no more',
  );
}

/** Checked with the longest address there is. */
export function addressNameFault(template: string): string | undefined {
  if (template.split('{dashed}').length !== 2) {
    return withHint(
      'must contain {dashed} once',
      'put {dashed} where the address stands as 192-168-55-103: euca-{dashed}.cloud.example.com',
    );
  }
  return nameFault(template.replace('{dashed}', '255-255-255-255'));
}

export function isInside(name: string, zone: string): boolean {
  return name.endsWith(`.${zone}`);
}

function labelsFault(name: string, charset: RegExp, remedy: string): string | undefined {
  if (name === '') return withHint('is empty', 'give a name, such as dev.example.com');
  const labels = name.split('.');
  if (!labels.every((label) => charset.test(label)))
    return withHint('holds a character that is not allowed in such a name', remedy);
  if (labels.includes('')) return withHint('has an empty part', 'take out the leading or doubled dot');
  if (labels.some((label) => label.length > MAX_LABEL))
    return withHint(`has a part of more than ${MAX_LABEL} characters`, 'shorten what stands between the dots');
  if (labels.some((label) => /^-|-$/.test(label)))
    return withHint('has a part that begins or ends with a hyphen', 'take the hyphen out');
  if (name.length > MAX_NAME)
    return withHint(`is longer than ${MAX_NAME} characters`, 'choose a shorter name: DNS holds no more');
  return undefined;
}
