/** A person at the machine's serial console. */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { eventually } from '../support/wait';

export class Serial {
  private said = '';

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.said += chunk.toString('latin1')));
    socket.on('error', () => undefined);
  }

  static async connect(path: string): Promise<Serial> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    return new Serial(socket);
  }

  /** Waits for the question, types the answer. What was said before is forgotten. */
  async answer(question: RegExp, text: string, limitMs = 60_000): Promise<void> {
    await eventually(`the console says ${String(question)}`, () => question.test(this.said), limitMs).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\nIt said: ${this.said.slice(-2_000)}`, { cause: error });
      },
    );
    this.said = '';
    this.socket.write(`${text}\r`);
  }

  /** Logs in as the appliance's account. */
  async logIn(password: string): Promise<void> {
    this.socket.write('\r');
    await this.answer(/login: $/, 'stackato');
    await this.answer(/assword: $/, password);
  }

  close(): void {
    this.socket.destroy();
  }
}
