/** The SDK's client, taught what the cloud speaks: signature, API version, certificates, patience; and errors in our codes. */

import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { EC2Client, EC2ServiceException } from '@aws-sdk/client-ec2';
import type {
  $Command,
  EC2ClientConfig,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-ec2';
import type { CloudSpec } from '../deployment/types';
import { endpointOf } from './account';
import type { CloudKind } from '../deployment/cloud-kinds';
import { EC2 as SERVICE } from './failures';
import { askedWait, commonConfig, masked, signedBy } from './sdk';
import type { Patience } from './sdk';
import { signedForm, timestamps } from './signature-v2';
import type { Keys } from './signature-v2';
import { answered, unanswered, wayTo } from './way';
import type { Way } from './way';

const PATIENCE: Patience = { connect: 5_000, answer: 20_000 };

type Signer = Exclude<NonNullable<EC2ClientConfig['signer']>, (...args: never[]) => unknown>;
type HttpRequest = Parameters<Signer['sign']>[0];
type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

export interface Ec2Options {
  readonly spec: Pick<CloudSpec, 'endpoint' | 'region'>;
  readonly keys: Keys;
  readonly can: CloudKind;
  /** PEM. */
  readonly ca?: string;
  readonly patience?: Patience;
}

export class Ec2 {
  readonly can: CloudKind;
  private readonly client: EC2Client;
  private readonly way: Way;

  constructor(private readonly options: Ec2Options) {
    this.can = options.can;
    this.way = wayTo(endpointOf(options.spec), SERVICE);
    this.client = new EC2Client(configOf(options, this.way));
    const version = encodeURIComponent(options.can.version);
    this.client.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as HttpRequest;
        request.body = String(request.body).replace(/(^|&)Version=[^&]*/, `$1Version=${version}`);
        return next(args);
      },
      { step: 'build', priority: 'high', name: 'apiVersion' },
    );
  }

  async send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): Promise<O> {
    const call = command.constructor.name.replace(/Command$/, '');
    try {
      return await this.client.send(command);
    } catch (error) {
      throw await this.failure(call, error);
    }
  }

  /** The answer as it came, for those that the SDK reads nothing in. */
  async sendForBody<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: Command<I, O>,
  ): Promise<string> {
    let body = '';
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const response = result.response as { body: unknown };
        const bytes = await buffer(response.body as Readable);
        body = bytes.toString('utf8');
        response.body = bytes;
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'keepBody' },
    );
    await this.send(command);
    return body;
  }

  private async failure(call: string, error: unknown): Promise<unknown> {
    if (!(error instanceof Error)) return error;
    if (error instanceof EC2ServiceException) {
      const answer = {
        status: error.$metadata.httpStatusCode ?? 0,
        code: error.name,
        words: masked(error.message, this.options.keys),
        ...signedBy(this.options.keys),
      };
      return await answered(call, answer, askedWait(error), this.way);
    }
    return await unanswered(call, error, this.way);
  }
}

function configOf({ spec, keys, can, ca, patience = PATIENCE }: Ec2Options, { proxy }: Way): EC2ClientConfig {
  return {
    region: spec.region,
    ...(spec.endpoint === undefined ? {} : { endpoint: spec.endpoint }),
    ...(can.signature === 2 ? { signer: signerV2(keys) } : {}),
    ...commonConfig({ keys, patience, ...(ca === undefined ? {} : { ca }), ...(proxy === undefined ? {} : { proxy }) }),
  };
}

const nextTimestamp = timestamps(Date.now);

function signerV2(keys: Keys): Signer {
  return {
    sign: (request) => {
      const { method, hostname, port, path, headers } = request;
      const params = Object.fromEntries(new URLSearchParams(String(request.body)));
      const host = port === undefined ? hostname : `${hostname}:${port}`;
      request.body = signedForm({ method, host, path, params }, keys, nextTimestamp());
      headers['content-length'] = String(Buffer.byteLength(String(request.body)));
      return Promise.resolve(request);
    },
  };
}
