/** A person at the machine's serial console. */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { eventually } from '../support/wait';

export class SerialConsole {
  private output = '';

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => (this.output += chunk.toString('latin1')));
    socket.on('error', () => undefined);
  }

  static async connect(path: string): Promise<SerialConsole> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    return new SerialConsole(socket);
  }

  /** Waits for the question, then types the answer. Earlier output is dropped. */
  async answer(question: RegExp, text: string, limitMs = 60_000): Promise<void> {
    await eventually(`the console prints ${String(question)}`, () => question.test(this.output), limitMs).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\nIt printed: ${this.output.slice(-2_000)}`, { cause: error });
      },
    );
    this.output = '';
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
