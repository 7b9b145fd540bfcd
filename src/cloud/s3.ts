/** The SDK's S3 client, taught what the cloud speaks: signature, plain bodies, paths; and errors in our codes. */

import { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { $Command, S3ClientConfig, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3';
import type { CloudSpec } from '../spec/types';
import type { Capabilities } from './capabilities';
import { CloudFailure, refusal, S3 as SERVICE, unreachable } from './failures';
import { askedWait, commonConfig, masked } from './sdk';
import type { Patience } from './sdk';
import { authorization } from './signature-hmac';
import type { Keys } from './signature-v2';

/** A part has ten minutes if it moves at all; who is silent has half a minute. */
const PATIENCE: Patience = { connect: 5_000, answer: 600_000 };
const SILENCE = 30_000;

/** The SDK would write to stderr that it does not repeat what was streamed. Temporal and the uploader do. */
const SILENT: NonNullable<S3ClientConfig['logger']> = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

type Signer = Exclude<NonNullable<S3ClientConfig['signer']>, (...args: never[]) => unknown>;
type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<I, O, S3ClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>;

export interface S3Options {
  readonly spec: Pick<CloudSpec, 'storage' | 'region' | 'kind'>;
  readonly keys: Keys;
  readonly can: Capabilities;
  /** PEM. */
  readonly ca?: string;
  readonly patience?: Patience;
}

export class S3 {
  readonly can: Capabilities;
  private readonly client: S3Client;

  constructor(private readonly options: S3Options) {
    this.can = options.can;
    this.client = new S3Client(configOf(options));
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): Promise<O> {
    return await this.told(command.constructor.name.replace(/Command$/, ''), this.client.send(command));
  }

  /** Puts what went wrong in our words; also for a body that is read after the answer began. */
  async told<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.failure(call, error);
    }
  }

  private failure(call: string, error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode !== undefined) {
      return refusal(call, { status: error.$metadata.httpStatusCode, code: error.name, words: masked(error.message, this.options.keys) }, askedWait(error), SERVICE);
    }
    if ('$responseBodyText' in error || '$response' in error) {
      return new CloudFailure('CLOUD_UNREACHABLE', `What answers at ${SERVICE.at} does not speak ${SERVICE.speaks}: ${call} was answered with something else than XML.`);
    }
    return unreachable(call, storageOf(this.options.spec), error) ?? error;
  }
}

/** For messages, too. */
export function storageOf({ storage, region, kind }: Pick<CloudSpec, 'storage' | 'region' | 'kind'>): string {
  if (storage !== undefined) return storage;
  if (kind !== 'aws') throw new CloudFailure('IMAGE_CONFIGURATION', 'cloud.storage, the S3 endpoint that an image is sent to, is not given.');
  return `https://s3.${region}.amazonaws.com`;
}

function configOf({ spec, keys, can, ca, patience = PATIENCE }: S3Options): S3ClientConfig {
  return {
    // Any other region is put into CreateBucket, and Eucalyptus has none of that name.
    region: spec.kind === 'aws' ? spec.region : 'us-east-1',
    endpoint: storageOf(spec),
    forcePathStyle: true,
    ...(can.storeSignature === 4 ? {} : { signer: hmacSigner(keys) }),
    // Eucalyptus takes checksums in trailers for a part of the body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: SILENT,
    ...commonConfig({ keys, patience, silence: Math.min(SILENCE, patience.answer), ...(ca === undefined ? {} : { ca }) }),
  };
}

function hmacSigner(keys: Keys): Signer {
  return {
    sign: (request) => {
      const { method, path, headers } = request;
      delete headers['x-amz-date'];
      headers['date'] = new Date().toUTCString();
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      headers['authorization'] = authorization({ method, path, query: request.query ?? {}, headers: lower }, keys);
      return Promise.resolve(request);
    },
  };
}
