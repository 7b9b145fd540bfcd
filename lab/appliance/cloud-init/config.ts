/** The cloud-config of all parts. */

import { parse } from 'yaml';
import type { Knobs } from '../../knobs';
import type { Part } from './user-data';

export type CloudConfig = Readonly<Record<string, unknown>>;

/**
 * 0.6.3 reads all parts as one document, in which the last of equal keys counts. 0.7.2 and later read each by itself
 * and replace key by key (`dict(replace)`). Throws for what is not YAML.
 */
export function mergedConfig(parts: readonly Part[], version: Knobs['cloudInitVersion']): CloudConfig {
  const texts = parts.filter(({ type }) => type === 'text/cloud-config').map(({ body }) => body.toString('utf8'));
  const documents = version === '0.6.3' ? [texts.map((text, i) => `\n#part-${i + 1}\n${text}`).join('')] : texts;
  return documents.map(mapping).reduce<CloudConfig>((all, each) => ({ ...all, ...each }), {});
}

function mapping(text: string): CloudConfig {
  const value: unknown = parse(text, { version: '1.1', uniqueKeys: false });
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('the cloud-config is not a mapping');
  return value as CloudConfig;
}

export function mappingIn(config: CloudConfig, key: string): CloudConfig {
  const value = config[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as CloudConfig) : {};
}

export function textsIn(config: CloudConfig, key: string): string[] {
  const value = config[key];
  return Array.isArray(value) ? value.map((each) => (Array.isArray(each) ? each.join(' ') : String(each))) : [];
}

/** `user:password` lines. */
export function passwordsIn(config: CloudConfig): [user: string, password: string][] {
  const { list } = mappingIn(config, 'chpasswd');
  return (typeof list === 'string' ? list : '')
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
}
