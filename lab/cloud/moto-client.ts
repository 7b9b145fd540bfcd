/** A cloud's access to moto. Each cloud has a region of its own. */

import type { Params } from './parameters';
import { items, read, text } from './xml';
import type { Branch } from './xml';

export class MotoError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class MotoClient {
  constructor(
    private readonly url: string,
    private readonly region: string,
  ) {}

  /**
   * @returns the content of the response's root element. moto does not check signatures; it only reads the region from
   * them.
   */
  async call(action: string, params: Params): Promise<Branch> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        authorization: `AWS4-HMAC-SHA256 Credential=lab/20300101/${this.region}/ec2/aws4_request, SignedHeaders=host, Signature=none`,
      },
      body: new URLSearchParams({ Action: action, Version: '2016-11-15', ...params }),
    });
    const body = await response.text();
    if (!response.ok) throw motoError(response.status, body);
    const [, root] = Object.entries(read(body)).find(([name]) => name !== '?xml') ?? [];
    return (root ?? {}) as Branch;
  }
}

function motoError(status: number, body: string): MotoError {
  if (!body.trimStart().startsWith('<?xml'))
    return new MotoError('InternalError', `moto answered ${status}: ${body.slice(0, 300)}`);
  const errors = read(body);
  const error = items(
    { Errors: { item: (errors['Response'] as { Errors?: { Error?: Branch[] } }).Errors?.Error ?? [] } },
    'Errors',
  )[0];
  return new MotoError(text(error, 'Code'), text(error, 'Message'));
}
