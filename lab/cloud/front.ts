/** The HTTP server that is one cloud: signature, binding, fault, action, answer, in that order. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { CloudCall, Fault } from '../types';
import { ACTIONS } from './actions';
import { cutShort } from './cut';
import type { Faults } from './faults';
import { MotoError } from './moto-client';
import { made } from './made';
import { unknownParameters } from './parameters';
import type { Params } from './parameters';
import { answerOf, errorXml, Refusal } from './refusals';
import type { ErrorAnswer } from './refusals';
import { Served } from './served';
import { Gate } from './signatures';
import type { Account, SignedRequest } from './signatures';
import type { World } from './world';
import { write } from './xml';
import type { Branch } from './xml';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly by?: string;
  readonly made?: readonly string[];
  /** Cut the connection instead of answering, or within the answer. */
  readonly cut?: 'before' | 'within';
}

const CUTS: Partial<Record<Fault['what'], 'before' | 'within'>> = { lost: 'before', truncated: 'within' };

export class Front extends Served<CloudCall> {
  private readonly gate: Gate;

  constructor(
    readonly world: World,
    accounts: readonly Account[],
    private readonly faults: Faults,
  ) {
    super();
    this.gate = new Gate(world.dialect, accounts);
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signed = await received(request);
    const action = signed.params['Action'] ?? '';
    const at = Date.now();
    const { status, body, cut, by = '', made: things = [] } = await this.answer(signed, action);
    this.log({ action, params: signed.params, status: cut === undefined ? status : 0, at, by, made: things });
    if (cut !== undefined) {
      if (cut === 'before') request.socket.destroy();
      else cutShort(request.socket, status, Buffer.from(body));
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
    const caller = this.gate.check(signed);
    if (!('accessKey' in caller)) return refused(caller);
    const problem = this.bindingProblem(params, action);
    if (problem !== undefined) return refused(problem);
    const { kind } = this.world.dialect;
    const by = caller.accessKey;
    const fault = this.faults.take(kind, action, by);
    if (fault?.what === 'hold') await this.faults.hold(kind, action, by);
    if (fault?.what === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 0));
    // The front has it whole already: nothing was done is all that shows of where it was cut.
    if (fault?.what === 'reset') return { status: 0, body: '', cut: 'before', by };
    if (fault?.what === 'late') {
      this.later(fault.ms ?? 0, () => this.act(params, action, caller, undefined));
      return { status: 0, body: '', cut: 'before', by };
    }
    const answer = await this.act(params, action, caller, fault?.what);
    const cut = fault === undefined ? undefined : CUTS[fault.what];
    return { ...answer, by, ...(cut === undefined ? {} : { cut }) };
  }

  private async act(params: Params, action: string, caller: Account, fault: string | undefined): Promise<Answer> {
    const { dialect } = this.world;
    try {
      if (fault === 'throttle') throw new Refusal('throttled');
      if (fault === 'error') throw new Refusal('broken');
      if (fault === 'refuse') throw new Refusal('unwilling', action);
      if (params['DryRun'] === 'true') throw new Refusal('dryRun');
      const perform = ACTIONS[action];
      if (perform === undefined) throw new Refusal('notSimulated', action);
      const run = async (): Promise<Branch> => await perform(this.world, params, caller);
      const content = await (action.startsWith('Describe') ? run() : this.world.alone(run));
      const namespace = `http://ec2.amazonaws.com/doc/${dialect.eucalyptus ? dialect.version : (params['Version'] ?? dialect.version)}/`;
      return {
        status: 200,
        body: write(`${action}Response`, namespace, { requestId: randomUUID(), ...content }),
        made: made(action, content),
      };
    } catch (error) {
      if (error instanceof Refusal) return refused(answerOf(error, dialect, action));
      // moto refused what the front let pass: a hole in the front, shown as such.
      const code = error instanceof MotoError ? error.code : 'InternalError';
      return refused({
        status: error instanceof MotoError ? 400 : 500,
        code,
        message: `the lab's cloud failed: ${String(error)}`,
      });
    }
  }

  private bindingProblem(params: Params, action: string): ErrorAnswer | undefined {
    const { kind, eucalyptus, version, insistsOnVersion } = this.world.dialect;
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
    // 3.2 answers a version it does not know in its internal layout, which no client reads: refusing is kinder than that.
    if (insistsOnVersion && !((params['Version'] ?? '9') <= version)) {
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

function refused(answer: ErrorAnswer): Answer {
  return { status: answer.status, body: errorXml(answer, randomUUID()) };
}
