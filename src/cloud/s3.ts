/** The SDK's S3 client, taught what the cloud speaks: signature, plain bodies, paths; and errors in our codes. */

import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type {
  $Command,
  S3ClientConfig,
  S3ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import type { CloudSpec } from '../deployment/types';
import type { CloudKind } from '../deployment/cloud-kinds';
import { CloudFailure, S3 as SERVICE } from './failures';
import { askedWait, commonConfig, masked, signedBy } from './sdk';
import type { Patience } from './sdk';
import { authorization } from './signature-hmac';
import type { Keys } from './signature-v2';
import { answered, unanswered, wayTo } from './way';
import type { Way } from './way';

/** A part has ten minutes if it moves at all; who is silent has half a minute. */
const PATIENCE: Patience = { connect: 5_000, answer: 600_000 };
const SILENCE = 30_000;

/** The SDK would write to stderr that it does not repeat what was streamed. Temporal and the uploader do. */
const SILENT: NonNullable<S3ClientConfig['logger']> = {
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
  readonly keys: Keys;
  readonly can: CloudKind;
  /** PEM. */
  readonly ca?: string;
  readonly patience?: Patience;
}

export class S3 {
  readonly can: CloudKind;
  private readonly client: S3Client;
  private readonly way: Way;

  constructor(private readonly options: S3Options) {
    this.can = options.can;
    this.way = wayTo(storageOf(options.spec), SERVICE);
    this.client = new S3Client(configOf(options, this.way));
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): Promise<O> {
    return await this.told(command.constructor.name.replace(/Command$/, ''), this.client.send(command));
  }

  /** Puts what went wrong in our words; also for a body that is read after the answer began. */
  async told<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw await this.failure(call, error);
    }
  }

  private async failure(call: string, error: unknown): Promise<unknown> {
    if (!(error instanceof Error)) return error;
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
      const answer = {
        status: error.$metadata.httpStatusCode,
        code: error.name,
        words: masked(error.message, this.options.keys),
        ...signedBy(this.options.keys),
      };
      return await answered(call, answer, askedWait(error), this.way);
    }
    return await unanswered(call, error, this.way);
  }
}

/** For messages, too. */
export function storageOf({ storage, region, kind }: Pick<CloudSpec, 'storage' | 'region' | 'kind'>): string {
  if (storage !== undefined) return storage;
  if (kind !== 'aws')
    throw new CloudFailure(
      'IMAGE_CONFIGURATION',
      'cloud.storage, the S3 endpoint that an image is sent to, is not given.',
    );
  return `https://s3.${region}.amazonaws.com`;
}

function configOf({ spec, keys, can, ca, patience = PATIENCE }: S3Options, { endpoint, proxy }: Way): S3ClientConfig {
  return {
    // Any other region is put into CreateBucket, and Eucalyptus has none of that name.
    region: spec.kind === 'aws' ? spec.region : 'us-east-1',
    endpoint,
    forcePathStyle: true,
    ...(can.storeSignature === 4 ? {} : { signer: hmacSigner(keys) }),
    // Eucalyptus takes checksums in trailers for a part of the body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: SILENT,
    ...commonConfig({
      keys,
      patience,
      silence: Math.min(SILENCE, patience.answer),
      ...(ca === undefined ? {} : { ca }),
      ...(proxy === undefined ? {} : { proxy }),
    }),
  };
}

function hmacSigner(keys: Keys): Signer {
  return {
    sign: (request) => {
      const { method, path, headers } = request;
      delete headers['x-amz-date'];
      headers['date'] = new Date().toUTCString();
      if (keys.sessionToken !== undefined) headers['x-amz-security-token'] = keys.sessionToken;
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      headers['authorization'] = authorization({ method, path, query: request.query ?? {}, headers: lower }, keys);
      return Promise.resolve(request);
    },
  };
}
