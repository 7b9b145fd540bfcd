/**
 * How client and worker connect to Temporal: its own environment variables and TOML file. Temporal's library ignores a missing file, reads
 * TEMPORAL_TLS=yes as no and an empty variable as a value, and would then connect to another Temporal, or to this one without TLS.
 */

import { readFileSync } from 'node:fs';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { probeTls } from '../net/tls-probe';

type Loaded = ReturnType<typeof loadClientConnectConfig>;
type ConnectOptions = Pick<Loaded['connectionOptions'], 'apiKey' | 'tls' | 'metadata'>;

export interface TemporalTarget {
  readonly address: string;
  readonly namespace: string;
  /** What is not set is left out. */
  readonly options: { readonly [K in keyof ConnectOptions]?: NonNullable<ConnectOptions[K]> };
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
  'Give host:port, without https:// and path, such as temporal.example.com:7233; put an IPv6 address in brackets.';

/** Reads the configuration; connects to nothing. */
export function temporalTarget(profile: string | undefined, env: NodeJS.ProcessEnv): TemporalTarget {
  const set = withoutEmpty(env);
  const { connectionOptions, namespace } = load(profile, set);
  const { address = DEFAULT_ADDRESS, apiKey, tls, metadata } = connectionOptions;
  const source =
    set['TEMPORAL_ADDRESS'] === undefined
      ? `The address of the profile ${profile ?? set['TEMPORAL_PROFILE'] ?? 'default'}`
      : 'TEMPORAL_ADDRESS';
  if (partsOf(address) === undefined)
    throw new ConnectionFault(
      'TEMPORAL_CONFIG',
      `${source} is not an address of Temporal.`,
      ADDRESS_REMEDY,
      undefined,
      'address',
    );
  return {
    address,
    namespace: namespace ?? 'default',
    options: withoutUndefined({ apiKey, tls, metadata }),
  };
}

function withoutUndefined<T extends object>(values: T): { readonly [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

function load(profile: string | undefined, env: Readonly<Record<string, string>>): Loaded {
  const file = env['TEMPORAL_CONFIG_FILE'];
  const configSource = file === undefined ? {} : { configSource: { data: readNamed(file) } };
  try {
    return loadClientConnectConfig({
      ...(profile === undefined ? {} : { profile }),
      ...configSource,
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

/** A TOML parser quotes the lines around the error, perhaps with an API key in them. */
function withoutContent(error: unknown): string {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n');
  const line =
    error instanceof Error && 'line' in error && typeof error.line === 'number' ? ` (line ${error.line})` : '';
  return `${first.replace(/[.:]$/, '')}${line}.`;
}

/** An empty variable counts as not set. (Not for metadata, where an empty one removes a header.) */
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

/** Why nobody answers, if only one side speaks TLS or the certificate is not trusted. */
export async function tlsTrouble({ address, options: { tls } }: TemporalTarget): Promise<ConnectionFault | undefined> {
  const endpoint = partsOf(address);
  if (endpoint === undefined) return undefined;
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = typeof tls === 'object' ? tls : {};
  const pem = (bytes: Uint8Array | null | undefined): Buffer | undefined =>
    bytes instanceof Uint8Array ? Buffer.from(bytes) : undefined;
  const { speaks, distrust } = await probeTls(
    endpoint.host,
    endpoint.port,
    withoutUndefined({ servername: serverNameOverride, ca: pem(ca), cert: pem(pair?.crt), key: pem(pair?.key) }),
  );
  const unreachable = (message: string, remedy: string): ConnectionFault =>
    new ConnectionFault('TEMPORAL_UNREACHABLE', message, remedy);
  if (tls !== undefined && tls !== false && speaks === 'plain') {
    return unreachable(
      `Temporal at ${address} does not speak TLS, and TLS was asked for.`,
      'Unset TEMPORAL_TLS, TEMPORAL_TLS_… and TEMPORAL_API_KEY (a key turns TLS on, too) or remove them from the profile; ' +
        'or give an address at which Temporal speaks TLS.',
    );
  }
  if ((tls === undefined || tls === false) && speaks === 'tls') {
    return unreachable(
      `Temporal at ${address} speaks TLS, and TLS was not asked for.`,
      'Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH if its certificate authority is your own, or the same in the profile.',
    );
  }
  if (tls !== undefined && tls !== false && distrust !== undefined) {
    return unreachable(
      `The TLS certificate of Temporal at ${address} is not trusted (${distrust}).`,
      'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed it, and TEMPORAL_TLS_SERVER_NAME if it is for another name.',
    );
  }
  return undefined;
}
