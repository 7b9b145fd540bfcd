/** A cloud's S3 endpoint. Checks the signature, applies a fault, receives the body, performs the operation, answers. */

import { createReadStream, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Fault, StoreCall } from '../../types';
import type { Dialect } from '../dialects';
import type { Faults } from '../faults';
import { HttpFront, sendTruncated } from '../http-front';
import type { Account } from '../signatures';
import { Buckets } from './buckets';
import { S3Error } from './errors';
import { OPERATIONS } from './operations';
import type { S3Response } from './operations';
import { checkBody, checkForm, receive, targetOf } from './requests';
import type { Target } from './requests';
import { signerOf } from './signatures';

/** A `reset` fault drops the connection after half of the body, or after this many bytes. */
const MAX_BEFORE_RESET = 4 * 1024 * 1024;

export class S3Front extends HttpFront<StoreCall> {
  readonly buckets: Buckets;

  constructor(
    private readonly dialect: Dialect,
    private readonly accounts: readonly Account[],
    private readonly faults: Faults,
    dir: string,
  ) {
    super();
    this.buckets = new Buckets(dir);
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = targetOf(request, this.dialect.store.path);
    const arrival = this.buckets.arrival();
    const at = Date.now();
    try {
      const { answer, fault, bytes, by } = await this.answer(request, target, arrival);
      const told = answer !== undefined && fault !== 'lost' && fault !== 'truncated';
      this.log({
        action: target.action,
        bucket: target.bucket,
        key: target.key,
        bytes,
        status: told ? answer.status : 0,
        at,
        by,
      });
      if (answer === undefined || fault === 'lost') request.socket.destroy();
      else if (fault === 'truncated')
        sendTruncated(
          request.socket,
          answer.status,
          answer.file === undefined
            ? Buffer.from(answer.xml ?? '')
            : answer.range === undefined
              ? readFileSync(answer.file.path)
              : readFileSync(answer.file.path).subarray(answer.range.start, answer.range.end + 1),
        );
      else await send(response, answer, request.method === 'HEAD');
    } finally {
      rmSync(arrival, { force: true });
    }
  }

  /** Without a response if the body did not arrive in full. */
  private async answer(
    request: IncomingMessage,
    target: Target,
    arrival: string,
  ): Promise<{ answer?: S3Response; fault?: Fault['what']; bytes: number; by: string }> {
    const caller = attempt(() => this.callerOf(request, target));
    const by = caller instanceof S3Error ? '' : caller.accessKey;
    const fault = by === '' ? undefined : this.faults.take(this.dialect.kind, target.action, by);
    if (fault?.what === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 0));
    const length = Number(request.headers['content-length'] ?? 0);
    const body = await receive(request, {
      path: arrival,
      ...(fault?.what === 'reset' ? { cutAfter: Math.min(Math.floor(length / 2), MAX_BEFORE_RESET) } : {}),
    });
    if (body === undefined) return { bytes: 0, by };
    if (fault?.what === 'hold') await this.faults.hold(this.dialect.kind, target.action, by);
    const answer = attempt((): S3Response => {
      if (caller instanceof S3Error) throw caller;
      if (fault?.what === 'throttle') throw new S3Error('throttled');
      if (fault?.what === 'error') throw new S3Error('broken');
      if (fault?.what === 'refuse') throw new S3Error('argument', 'Refused by a fault of the lab.');
      checkBody(request, body);
      const operation = OPERATIONS[target.action];
      if (operation === undefined) throw new S3Error('notSimulated');
      const acl = String(request.headers['x-amz-acl'] ?? 'private');
      const meta = Object.fromEntries(
        Object.entries(request.headers).flatMap(([name, value]) =>
          name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [],
        ),
      );
      const kept = { ...body, path: arrival, text: () => readFileSync(arrival, 'utf8') };
      return operation({
        target,
        caller,
        acl,
        meta,
        range: request.headers.range,
        dialect: this.dialect.store,
        buckets: this.buckets,
        body: kept,
      });
    });
    const told = answer instanceof S3Error ? { status: answer.status, xml: answer.xml } : answer;
    return { answer: told, bytes: body.size, by, ...(fault === undefined ? {} : { fault: fault.what }) };
  }

  private callerOf(request: IncomingMessage, { action, unsupported }: Target): Account {
    const { method = '', url = '/', headers } = request;
    if (action === '') throw new S3Error('notSimulated', unsupported);
    const caller = signerOf({ method, url, headers }, this.dialect.store, this.accounts);
    checkForm(request);
    if (action === 'PutObject' && headers['content-length'] === undefined) throw new S3Error('length');
    return caller;
  }
}

function attempt<T>(work: () => T): T | S3Error {
  try {
    return work();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}

async function send(
  response: ServerResponse,
  { status, headers = {}, xml = '', file, range }: S3Response,
  bare: boolean,
): Promise<void> {
  const type = xml === '' ? {} : { 'content-type': 'application/xml' };
  const length =
    file === undefined
      ? Buffer.byteLength(bare ? '' : xml)
      : range === undefined
        ? file.size
        : range.end - range.start + 1;
  response.writeHead(status, { 'x-amz-request-id': 'lab', 'content-length': String(length), ...type, ...headers });
  if (file === undefined) response.end(bare ? '' : xml);
  else await pipeline(createReadStream(file.path, range), response);
}
