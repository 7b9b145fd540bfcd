/** The SDK's EC2 client with the cloud's signature, API version and certificate authority; its errors in our codes. */

import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { EC2Client, EC2ServiceException } from '@aws-sdk/client-ec2';
import type {
  $Command,
  EC2ClientConfig,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-ec2';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { CloudSpec } from '../deployment/spec';
import { explainErrorAnswer, explainNoAnswer } from './connection-failures';
import type { Credentials } from './credentials';
import { ec2EndpointOf, endpointAt } from './endpoints';
import type { Endpoint } from './endpoints';
import { EC2 } from './failures';
import { commonConfig, errorAnswerOf, retryAfterOf } from './sdk-config';
import type { Timeouts } from './sdk-config';
import { signedForm, timestamps } from './signature-v2';

const TIMEOUTS: Timeouts = { connect: 5_000, answer: 20_000 };

type Signer = Exclude<NonNullable<EC2ClientConfig['signer']>, (...args: never[]) => unknown>;
type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = $Command<
  I,
  O,
  EC2ClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes
>;

export interface Ec2Options {
  readonly spec: Pick<CloudSpec, 'endpoint' | 'region'>;
  readonly credentials: Credentials;
  readonly capabilities: CloudKind;
  /** PEM. */
  readonly ca?: string;
  readonly timeouts?: Timeouts;
}

export class Ec2 {
  readonly capabilities: CloudKind;
  private readonly client: EC2Client;
  private readonly endpoint: Endpoint;

  constructor(private readonly options: Ec2Options) {
    this.capabilities = options.capabilities;
    this.endpoint = endpointAt(ec2EndpointOf(options.spec), EC2);
    this.client = new EC2Client(configOf(options, this.endpoint));
    const version = encodeURIComponent(options.capabilities.version);
    this.client.middlewareStack.add(
      (next) => (args) => {
        if (hasBody(args.request))
          args.request.body = String(args.request.body).replace(/(^|&)Version=[^&]*/, `$1Version=${version}`);
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

  /** Without the client token that the SDK adds by itself where there is none: Eucalyptus refuses it in all calls but RunInstances. */
  sendWithoutToken<I extends ServiceInputTypes, O extends ServiceOutputTypes>(command: Command<I, O>): Promise<O> {
    command.middlewareStack.add(
      (next) => (args) => {
        if (hasBody(args.request)) args.request.body = String(args.request.body).replace(/&ClientToken=[^&]*/, '');
        return next(args);
      },
      { step: 'build', priority: 'high', name: 'noClientToken' },
    );
    return this.send(command);
  }

  /** The body of the answer, for calls whose answers the SDK cannot read. */
  async sendForBody<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: Command<I, O>,
  ): Promise<string> {
    let body = '';
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        if (hasBody(result.response) && result.response.body instanceof Readable) {
          const bytes = await buffer(result.response.body);
          body = bytes.toString('utf8');
          result.response.body = bytes;
        }
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'keepBody' },
    );
    await this.send(command);
    return body;
  }

  private async failure(call: string, error: unknown): Promise<unknown> {
    if (error instanceof EC2ServiceException) {
      const answer = errorAnswerOf(error, this.options.credentials);
      return explainErrorAnswer(call, answer, retryAfterOf(error), this.endpoint);
    }
    return error instanceof Error ? explainNoAnswer(call, error, this.endpoint) : error;
  }
}

function configOf(
  { spec, credentials, capabilities, ca, timeouts = TIMEOUTS }: Ec2Options,
  { proxy }: Endpoint,
): EC2ClientConfig {
  return {
    region: spec.region,
    ...(spec.endpoint === undefined ? {} : { endpoint: spec.endpoint }),
    ...(capabilities.signature === 2 ? { signer: signerV2(credentials) } : {}),
    ...commonConfig({
      credentials,
      timeouts,
      ...(ca === undefined ? {} : { ca }),
      ...(proxy === undefined ? {} : { proxy }),
    }),
  };
}

const nextTimestamp = timestamps(Date.now);

function signerV2(credentials: Credentials): Signer {
  return {
    sign: (request) => {
      const { method, hostname, port, path, headers } = request;
      const params = Object.fromEntries(new URLSearchParams(String(request.body)));
      const host = port === undefined ? hostname : `${hostname}:${port}`;
      request.body = signedForm({ method, host, path, params }, credentials, nextTimestamp());
      headers['content-length'] = String(Buffer.byteLength(String(request.body)));
      return Promise.resolve(request);
    },
  };
}

/** The SDK leaves the type of requests and responses open in its middleware. */
function hasBody(value: unknown): value is { body: unknown } {
  return typeof value === 'object' && value !== null && 'body' in value;
}
