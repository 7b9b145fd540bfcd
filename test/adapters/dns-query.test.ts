import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { streamEncode } from 'dns-packet';
import { createDns } from '../../src/adapters/dns';
import { DeployError } from '../../src/deployment/errors';
import type { DnsSpec } from '../../src/deployment/spec';
import { startBind } from '../support/bind';
import type { Bind } from '../support/bind';

const dns = createDns();
const HOST = '127.0.0.1';

describe('DNS', function () {
  this.timeout(30_000);
  let bind: Bind;
  before(async () => void (bind = await startBind()));
  after(() => bind.stop());

  const fails = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
    assert.rejects(work, (error) => error instanceof DeployError && error.code === code && words.test(error.message));

  describe('questions', () => {
    const ask = (name: string, type: string, change: Partial<DnsSpec> = {}): ReturnType<typeof dns.query> =>
      dns.query(bind.dns('x', change), name, type);

    it('get what the authority has', async () => {
      assert.deepEqual(await ask('www.stackato.test', 'A'), {
        rcode: 'NOERROR',
        authoritative: true,
        records: [{ name: 'www.stackato.test', ttl: 3600, type: 'A', data: '192.0.2.80' }],
      });
      assert.deepEqual((await ask('stackato.test', 'NS')).records, [
        { name: 'stackato.test', ttl: 60, type: 'NS', data: 'ns.stackato.test' },
      ]);
      const [soa] = (await ask('stackato.test', 'SOA')).records;
      assert.match(soa!.data, /^ns\.stackato\.test hostmaster\.stackato\.test \d+ 3600 600 86400 5$/);
    });

    it('are put in any case, and answered in lower', async () => {
      assert.deepEqual(
        (await ask('WWW.Stackato.TEST', 'A')).records.map(({ name }) => name),
        ['www.stackato.test'],
      );
    });

    it('tell nothing there from not the authority', async () => {
      const missing = await ask('nobody.stackato.test', 'A');
      assert.deepEqual([missing.rcode, missing.authoritative, missing.records], ['NXDOMAIN', true, []]);
      const elsewhere = await ask('www.elsewhere.test', 'A');
      assert.deepEqual([elsewhere.rcode, elsewhere.authoritative, elsewhere.records], ['REFUSED', false, []]);
    });

    it('go to a server by its name', async () => {
      assert.equal((await ask('www.stackato.test', 'A', { server: 'localhost' })).records.length, 1);
    });

    it('fail where no server is', async () => {
      await fails(
        ask('www.stackato.test', 'A', { port: 1 }),
        'DNS_UNREACHABLE',
        /^The name server 127\.0\.0\.1, port 1, does not answer: ECONNREFUSED\.$/,
      );
      await fails(ask('www.stackato.test', 'A', { server: 'nowhere.invalid' }), 'DNS_UNREACHABLE', /nowhere\.invalid/);
    });
  });

  describe('a strange name server', () => {
    const servers: Server[] = [];
    const sockets = new Set<Socket>();
    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
      for (const socket of sockets) socket.destroy();
    });
    const serve = (act: (socket: Socket, question: Buffer) => void): Promise<DnsSpec> =>
      new Promise((resolve) => {
        const server = createServer((socket) => {
          sockets.add(socket);
          socket.on('error', () => undefined);
          socket.once('data', (question: Buffer) => act(socket, question));
        });
        servers.push(server);
        server.listen(0, HOST, () => resolve(bind.dns('x', { port: (server.address() as { port: number }).port })));
      });
    const ask = async (act: (socket: Socket, question: Buffer) => void): ReturnType<typeof dns.query> =>
      dns.query(await serve(act), 'x.stackato.test', 'A');

    it('may hang up', async () => {
      await fails(
        ask((socket) => socket.end()),
        'DNS_UNREACHABLE',
        /closed the connection/,
      );
      await fails(
        ask((socket) => socket.end(Buffer.from([0, 50, 1]))),
        'DNS_UNREACHABLE',
        /closed the connection/,
      );
    });

    it('may say nothing', async () => {
      await fails(
        ask(() => undefined),
        'DNS_UNREACHABLE',
        /within 5 s/,
      );
    });

    it('may answer nonsense, or another question', async () => {
      await fails(
        ask((socket) => socket.end(Buffer.from([0, 3, 1, 2, 3]))),
        'DNS_ERROR',
        /cannot be read/,
      );
      await fails(
        ask((socket, question) =>
          socket.end(streamEncode({ type: 'response', id: (question.readUInt16BE(2) + 1) & 0xffff, questions: [] })),
        ),
        'DNS_ERROR',
        /something else/,
      );
      await fails(
        ask((socket, question) => socket.end(question)),
        'DNS_ERROR',
        /something else/,
      );
    });

    it('is not asked by too many at once', async () => {
      let [open, most] = [0, 0];
      const spec = await serve((socket, question) => {
        most = Math.max(most, (open += 1));
        socket.on('close', () => (open -= 1));
        setTimeout(
          () => socket.end(streamEncode({ type: 'response', id: question.readUInt16BE(2), questions: [] })),
          20,
        );
      });
      const answers = await Promise.allSettled(
        Array.from({ length: 30 }, () => dns.query(spec, 'x.stackato.test', 'A')),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['fulfilled']));
      assert.ok(most > 1 && most <= 5, `${most}`);
    });

    it('may answer byte by byte', async () => {
      const answer = await ask((socket, question) => {
        const reply = streamEncode({
          type: 'response',
          id: question.readUInt16BE(2),
          questions: [],
          answers: [{ type: 'A', name: 'X.stackato.test', ttl: 5, data: '192.0.2.1' }],
        });
        void (async () => {
          for (const byte of reply) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
        })();
      });
      assert.deepEqual(answer, {
        rcode: 'NOERROR',
        authoritative: false,
        records: [{ name: 'x.stackato.test', ttl: 5, type: 'A', data: '192.0.2.1' }],
      });
    });
  });

  describe('a signed question', () => {
    /** BIND's answer, changed on the way. */
    const through = async (change: (reply: Buffer) => Buffer): ReturnType<typeof dns.query> => {
      const relay = createServer((socket) => {
        const upstream = connect({ host: HOST, port: bind.port });
        upstream.once('data', (reply: Buffer) => socket.end(change(reply)));
        socket.once('data', (question: Buffer) => upstream.write(question));
        socket.on('close', () => upstream.destroy());
      });
      await new Promise<void>((resolve) => relay.listen(0, HOST, resolve));
      const { port } = relay.address() as { port: number };
      return dns.query(bind.dns('x', { port }), 'www.stackato.test', 'A', bind.key).finally(() => relay.close());
    };

    it('A6: is answered with what only the holder of the key can have said', async () => {
      assert.deepEqual(
        (await through((reply) => reply)).records.map(({ data }) => data),
        ['192.0.2.80'],
      );
    });

    it('A6: takes no answer that was changed on the way, or lost its signature', async () => {
      const changed = (reply: Buffer): Buffer => {
        reply.writeUInt8(81, reply.indexOf(Buffer.from([192, 0, 2, 80])) + 3);
        return reply;
      };
      await fails(
        through(changed),
        'DNS_KEY_REFUSED',
        /the key stackato-lab do not fit together: its answer is not signed with that key\.$/,
      );
      const unsigned = (reply: Buffer): Buffer =>
        streamEncode({
          type: 'response',
          id: reply.readUInt16BE(2),
          questions: [],
          answers: [{ type: 'A', name: 'www.stackato.test', data: '192.0.2.80' }],
        });
      await fails(through(unsigned), 'DNS_KEY_REFUSED', /its answer is not signed\.$/);
      await fails(
        through((reply) => Buffer.concat([Buffer.from([0, 12]), reply.subarray(2, 14)])),
        'DNS_ERROR',
        /cannot be read/,
      );
    });

    it('A6: may be refused by a server that could not sign', async () => {
      const refusal =
        (flags: number) =>
        (reply: Buffer): Buffer =>
          streamEncode({ type: 'response', id: reply.readUInt16BE(2), flags, questions: [] });
      assert.equal((await through(refusal(5))).rcode, 'REFUSED');
      await fails(through(refusal(9)), 'DNS_KEY_REFUSED', /fit together: NOTAUTH\.$/);
    });
  });

  it('asks the system without ever failing', async () => {
    assert.equal(await dns.resolvesTo('nowhere.invalid', '192.0.2.1'), false);
    assert.equal(await dns.resolvesTo('', '192.0.2.1'), false);
  });
});
