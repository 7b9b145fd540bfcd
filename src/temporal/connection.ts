/**
 * Where Temporal is, for client and worker alike: its own environment variables and TOML file. Its library passes over a file that is not
 * there, takes TEMPORAL_TLS=yes for no, and an empty variable for a value: then another Temporal is asked, or this one without TLS.
 */

import { readFileSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { hear } from './speaks';

type Loaded = ReturnType<typeof loadClientConnectConfig>;
type Wanted = Pick<Loaded['connectionOptions'], 'apiKey' | 'tls' | 'metadata'>;

export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  /** How to connect: what is not given is left out. */
  readonly how: { readonly [K in keyof Wanted]?: NonNullable<Wanted[K]> };
}

/** Message and remedy are whole sentences. */
export class ConnectionFault extends Error {
  override readonly name = 'ConnectionFault';
  constructor(
    readonly code: 'TEMPORAL_CONFIG' | 'TEMPORAL_UNREACHABLE',
    message: string,
    readonly remedy: string,
    cause?: unknown,
    readonly about: 'address' | 'settings' = 'settings',
  ) {
    super(message, { cause });
  }
}

const DEFAULT_ADDRESS = 'localhost:7233';
const DEFAULT_PORT = 7233;
const CONFIG_REMEDY = 'Check --profile, TEMPORAL_PROFILE and the TOML file (TEMPORAL_CONFIG_FILE).';
const ADDRESS_REMEDY =
  'Give host:port, without https:// and path, such as temporal.example.com:7233; IPv6 in brackets.';

/** Reads configuration only. */
export function temporalPlace(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalPlace {
  const set = withoutEmpty(env);
  const { connectionOptions, namespace } = load(profile, set);
  const { address = DEFAULT_ADDRESS, apiKey, tls, metadata } = connectionOptions;
  const whose =
    set['TEMPORAL_ADDRESS'] === undefined
      ? `The address of the profile ${profile ?? set['TEMPORAL_PROFILE'] ?? 'default'}`
      : 'TEMPORAL_ADDRESS';
  if (partsOf(address) === undefined)
    throw new ConnectionFault(
      'TEMPORAL_CONFIG',
      `${whose} is not an address of Temporal.`,
      ADDRESS_REMEDY,
      undefined,
      'address',
    );
  return {
    address,
    namespace: namespace ?? 'default',
    how: given({ apiKey, tls, metadata }),
  };
}

function given<T extends object>(values: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

function load(profile: string | undefined, env: Readonly<Record<string, string>>): Loaded {
  const file = env['TEMPORAL_CONFIG_FILE'];
  const source = file === undefined ? {} : { configSource: { data: readNamed(file) } };
  try {
    return loadClientConnectConfig({
      ...(profile === undefined ? {} : { profile }),
      ...source,
      overrideEnvVars: { ...env, ...strictSwitch(env, 'TEMPORAL_TLS') },
    });
  } catch (error) {
    if (error instanceof ConnectionFault) throw error;
    throw new ConnectionFault(
      'TEMPORAL_CONFIG',
      `Temporal's configuration cannot be read${file === undefined ? '' : ` (${file})`}. ${withoutContent(error)}`,
      CONFIG_REMEDY,
      error,
    );
  }
}

function readNamed(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new ConnectionFault(
      'TEMPORAL_CONFIG',
      `TEMPORAL_CONFIG_FILE names ${file}, and ${why}.`,
      'Correct TEMPORAL_CONFIG_FILE, or unset it to use the default file.',
      error,
    );
  }
}

/** A parser of TOML shows the lines around, an API key among them. */
function withoutContent(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  const line =
    error instanceof Error && 'line' in error && typeof error.line === 'number' ? ` (line ${error.line})` : '';
  return `${first.replace(/[.:]$/, '')}${line}.`;
}

/** A variable that is empty is not set, as everywhere else. (Of the metadata an empty one takes a header out.) */
function withoutEmpty(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const set = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || (value === '' && !name.startsWith('TEMPORAL_GRPC_META_')) ? [] : [[name, value] as const],
  );
  return Object.fromEntries(set);
}

function strictSwitch(env: Readonly<Record<string, string>>, name: string): Readonly<Record<string, string>> {
  const value = env[name];
  if (value === undefined) return {};
  const on = /^(?:1|t|true)$/i.test(value);
  if (!on && !/^(?:0|f|false)$/i.test(value))
    throw new ConnectionFault('TEMPORAL_CONFIG', `${name} is neither true nor false.`, `Set ${name} to true or false.`);
  return { [name]: String(on) };
}

function partsOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port = String(DEFAULT_PORT)] =
    /^(\[[0-9A-Fa-f:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?$/.exec(address) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Why nobody answers, where it is TLS that one side speaks and the other does not; or a certificate that is not trusted. */
export async function tlsTrouble({ address, how: { tls } }: TemporalPlace): Promise<ConnectionFault | undefined> {
  const at = partsOf(address);
  if (at === undefined) return undefined;
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = typeof tls === 'object' ? tls : {};
  const pem = (bytes: Uint8Array | null | undefined): Buffer | undefined =>
    bytes instanceof Uint8Array ? Buffer.from(bytes) : undefined;
  const { speaks, distrust } = await hear(
    at.host,
    at.port,
    given({ servername: serverNameOverride, ca: pem(ca), cert: pem(pair?.crt), key: pem(pair?.key) }),
  );
  const unreachable = (message: string, remedy: string): ConnectionFault =>
    new ConnectionFault('TEMPORAL_UNREACHABLE', message, remedy);
  if (tls !== undefined && tls !== false && speaks === 'plain') {
    return unreachable(
      `Temporal at ${address} does not speak TLS, and TLS was asked for.`,
      'Unset TEMPORAL_TLS, TEMPORAL_TLS_… and TEMPORAL_API_KEY (a key asks for TLS, too) or take them out of the profile; or give the address at which Temporal speaks TLS.',
    );
  }
  if ((tls === undefined || tls === false) && speaks === 'tls') {
    return unreachable(
      `Temporal at ${address} speaks TLS, and TLS was not asked for.`,
      'Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH where its authority is your own; or say so in the profile.',
    );
  }
  if (tls !== undefined && tls !== false && distrust !== undefined) {
    return unreachable(
      `The TLS certificate of Temporal at ${address} is not trusted (${distrust}).`,
      'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed it, and TEMPORAL_TLS_SERVER_NAME where it bears another name.',
    );
  }
  return undefined;
}
