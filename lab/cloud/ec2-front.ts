/**
 * A cloud's EC2 endpoint. Checks the signature, binds the parameters, applies a fault, performs the action, answers.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CloudCall, Fault } from '../types';
import { ACTIONS } from './actions';
import type { Cloud } from './cloud';
import { responseOf, errorXml, Ec2Error } from './ec2-errors';
import type { ErrorResponse } from './ec2-errors';
import type { Faults } from './faults';
import { HttpFront, sendTruncated } from './http-front';
import { MotoError } from './moto-client';
import { unknownParameters } from './parameters';
import type { Params } from './parameters';
import { Authenticator } from './signatures';
import type { Account, SignedRequest } from './signatures';
import { items, text, write } from './xml';
import type { Branch } from './xml';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly by?: string;
  readonly made?: readonly string[];
  /** Drop the connection before or within the response. */
  readonly drop?: 'before' | 'within';
}

const DROPS: Partial<Record<Fault['what'], 'before' | 'within'>> = { lost: 'before', truncated: 'within' };

export class Ec2Front extends HttpFront<CloudCall> {
  private readonly authenticator: Authenticator;

  constructor(
    readonly cloud: Cloud,
    accounts: readonly Account[],
    private readonly faults: Faults,
  ) {
    super();
    this.authenticator = new Authenticator(cloud.dialect, accounts);
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signed = await received(request);
    const action = signed.params['Action'] ?? '';
    const at = Date.now();
    const { status, body, drop, by = '', made = [] } = await this.answer(signed, action);
    this.log({ action, params: signed.params, status: drop === undefined ? status : 0, at, by, made });
    if (drop !== undefined) {
      if (drop === 'before') request.socket.destroy();
      else sendTruncated(request.socket, status, Buffer.from(body));
      return;
    }
    response.writeHead(status, {
      'content-type': 'text/xml; charset=UTF-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  }

  private async answer(signed: SignedRequest, action: string): Promise<Answer> {
    const { params } = signed;
    const caller = this.authenticator.authenticate(signed);
    if (!('accessKey' in caller)) return refused(caller);
    const problem = this.bindingProblem(params, action);
    if (problem !== undefined) return refused(problem);
    const { kind } = this.cloud.dialect;
    const by = caller.accessKey;
    const fault = this.faults.take(kind, action, by);
    if (fault?.what === 'hold') await this.faults.hold(kind, action, by);
    if (fault?.what === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 0));
    // The body has already arrived in full. All that matters to the client is that nothing was done.
    if (fault?.what === 'reset') return { status: 0, body: '', drop: 'before', by };
    if (fault?.what === 'late') {
      this.later(fault.ms ?? 0, () => this.act(params, action, caller, undefined));
      return { status: 0, body: '', drop: 'before', by };
    }
    const answer = await this.act(params, action, caller, fault?.what);
    const drop = fault === undefined ? undefined : DROPS[fault.what];
    return { ...answer, by, ...(drop === undefined ? {} : { drop }) };
  }

  private async act(params: Params, action: string, caller: Account, fault: string | undefined): Promise<Answer> {
    const { dialect } = this.cloud;
    try {
      if (fault === 'throttle') throw new Ec2Error('throttled');
      if (fault === 'error') throw new Ec2Error('broken');
      if (fault === 'refuse') throw new Ec2Error('injected', action);
      if (params['DryRun'] === 'true') throw new Ec2Error('dryRun');
      const perform = ACTIONS[action];
      if (perform === undefined) throw new Ec2Error('notSimulated', action);
      const run = async (): Promise<Branch> => await perform(this.cloud, params, caller);
      const content = await (action.startsWith('Describe') ? run() : this.cloud.runExclusive(run));
      const namespace = `http://ec2.amazonaws.com/doc/${dialect.eucalyptus ? dialect.version : (params['Version'] ?? dialect.version)}/`;
      return {
        status: 200,
        body: write(`${action}Response`, namespace, { requestId: randomUUID(), ...content }),
        made: created(action, content),
      };
    } catch (error) {
      if (error instanceof Ec2Error) return refused(responseOf(error, dialect, action));
      // moto refused what this front accepted. That is a bug in the front, and shown as one.
      const code = error instanceof MotoError ? error.code : 'InternalError';
      return refused({
        status: error instanceof MotoError ? 400 : 500,
        code,
        message: `The lab's cloud failed: ${String(error)}`,
      });
    }
  }

  private bindingProblem(params: Params, action: string): ErrorResponse | undefined {
    const { kind, eucalyptus, version, requiresVersion } = this.cloud.dialect;
    const unknown = unknownParameters(kind, params);
    if (unknown === undefined) {
      if (!eucalyptus)
        return {
          status: 400,
          code: 'InvalidAction',
          message: `The action ${action} is not valid for this web service.`,
        };
      return { status: 400, code: '400 Bad Request', message: `Failed to construct message of type: ${action}` };
    }
    // 3.2 would answer an unknown version in its internal format, which no client can read. An error is easier to
    // understand.
    if (requiresVersion && !((params['Version'] ?? '9') <= version)) {
      return {
        status: 400,
        code: eucalyptus ? '400 Bad Request' : 'NoSuchVersion',
        message: `The API version ${params['Version'] ?? '(none)'} is not known.`,
      };
    }
    if (unknown.length === 0) return undefined;
    if (!eucalyptus)
      return { status: 400, code: 'UnknownParameter', message: `The parameter ${unknown[0] ?? ''} is not recognized` };
    const fields = unknown.map((name) => `${name} = ${params[name] ?? ''}\n`).join('');
    return { status: 400, code: '400 Bad Request', message: `Failed to bind the following fields:\n${fields}` };
  }
}

async function received(request: IncomingMessage): Promise<SignedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const url = request.url ?? '/';
  const query = url.split('?')[1] ?? '';
  const params = Object.fromEntries([...new URLSearchParams(query), ...new URLSearchParams(body)]);
  return { method: request.method ?? 'GET', url, headers: request.headers, body, params };
}

function refused(answer: ErrorResponse): Answer {
  return { status: answer.status, body: errorXml(answer, randomUUID()) };
}

/** What a call created, read from its response: so that a test can tell it from what others created. */
const CREATED: Readonly<Record<string, (answer: Branch) => readonly string[]>> = {
  AllocateAddress: (answer) => [text(answer, 'publicIp')],
  RunInstances: (answer) => items(answer, 'instancesSet').map((instance) => text(instance, 'instanceId')),
  RegisterImage: (answer) => [text(answer, 'imageId')],
  CreateVolume: (answer) => [text(answer, 'volumeId')],
};

function created(action: string, answer: Branch): readonly string[] {
  return CREATED[action]?.(answer) ?? [];
}
