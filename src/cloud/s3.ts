/** The SDK's S3 client with the cloud's signature, plain bodies and path-style URLs; its errors in our codes. */

import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type {
  $Command,
  S3ClientConfig,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { CloudSpec } from '../deployment/spec';
import { explainErrorAnswer, explainNoAnswer } from './connection-failures';
import type { Credentials } from './credentials';
import { endpointAt, s3EndpointOf } from './endpoints';
import type { Endpoint } from './endpoints';
import { S3 as SERVICE } from './failures';
import { commonConfig, errorAnswerOf, retryAfterOf } from './sdk-config';
import type { Timeouts } from './sdk-config';
import { authorization } from './signature-hmac';

/** A part of a bundle has ten minutes as long as it moves; a silent connection has half a minute. */
const TIMEOUTS: Timeouts = { connect: 5_000, answer: 600_000 };
const SILENCE_MS = 30_000;

/** The SDK would warn on stderr that it cannot retry a streamed body. Temporal and the uploader retry. */
const NO_LOG: NonNullable<S3ClientConfig['logger']> = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

type Signer = Exclude<NonNullable<S3ClientConfig['signer']>, (...args: never[]) => unknown>;
type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

export interface S3Options {
  readonly spec: Pick<CloudSpec, 'storage' | 'region' | 'kind'>;
  readonly credentials: Credentials;
  readonly capabilities: CloudKind;
  /** PEM. */
  readonly ca?: string;
  readonly timeouts?: Timeouts;
}

export class S3 {
  readonly capabilities: CloudKind;
  private readonly client: S3Client;
  private readonly endpoint: Endpoint;

  constructor(private readonly options: S3Options) {
    this.capabilities = options.capabilities;
    this.endpoint = endpointAt(s3EndpointOf(options.spec), SERVICE);
    this.client = new S3Client(configOf(options, this.endpoint));
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): Promise<O> {
    return await this.explained(command.constructor.name.replace(/Command$/, ''), this.client.send(command));
  }

  /** Rejects with errors in our codes; also for a body that is read after the answer began. */
  async explained<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw await this.failure(call, error);
    }
  }

  private async failure(call: string, error: unknown): Promise<unknown> {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
      const answer = errorAnswerOf(error, this.options.credentials);
      return explainErrorAnswer(call, answer, retryAfterOf(error), this.endpoint);
    }
    return error instanceof Error ? explainNoAnswer(call, error, this.endpoint) : error;
  }
}

function configOf(
  { spec, credentials, capabilities, ca, timeouts = TIMEOUTS }: S3Options,
  { url, proxy }: Endpoint,
): S3ClientConfig {
  return {
    // Any other region would be sent with CreateBucket, and Eucalyptus has none of that name.
    region: spec.kind === 'aws' ? spec.region : 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    ...(capabilities.storeSignature === 4 ? {} : { signer: hmacSigner(credentials) }),
    // Eucalyptus takes checksums in trailers for a part of the body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: NO_LOG,
    ...commonConfig({
      credentials,
      timeouts,
      silence: Math.min(SILENCE_MS, timeouts.answer),
      ...(ca === undefined ? {} : { ca }),
      ...(proxy === undefined ? {} : { proxy }),
    }),
  };
}

function hmacSigner(credentials: Credentials): Signer {
  return {
    sign: (request) => {
      const { method, path, headers } = request;
      delete headers['x-amz-date'];
      headers['date'] = new Date().toUTCString();
      if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const signable = { method, path, query: request.query ?? {}, headers: lower };
      headers['authorization'] = authorization(signable, credentials);
      return Promise.resolve(request);
    },
  };
}
