/** What a core and its nodes tell each other over the message bus: JSON, a message a line. */

import type { Duplex } from 'node:stream';

/** NATS. */
export const BUS_PORT = 4222;

export interface ProcessState {
  readonly name: string;
  readonly state: 'RUNNING' | 'STARTING' | 'FATAL' | 'STOPPED';
}

export interface NodeReport {
  readonly roles: readonly string[];
  /** What `kato status` shows of the node. */
  readonly rows: readonly ProcessState[];
}

export type ToCore =
  | {
      readonly say: 'attach';
      readonly ip: string;
      readonly release: string;
      readonly roles: readonly string[];
      /** MiB. */
      readonly memory: number;
      /** Whatever its release. */
      readonly force: boolean;
    }
  /** After a boot, or a lost connection. */
  | { readonly say: 'back'; readonly ip: string }
  | { readonly say: 'leave' }
  | { readonly say: 'report'; readonly number: number; readonly report: NodeReport };

export type ToNode =
  | { readonly say: 'welcome'; readonly endpoint: string }
  | { readonly say: 'refused'; readonly why: Refusal; readonly text: string }
  | { readonly say: 'report?'; readonly number: number }
  | { readonly say: 'removed' };

export type Refusal = 'version' | 'licence' | 'unknown';

/** One end of a connection. */
export class Link<Out, In> {
  private rest = '';

  constructor(
    private readonly stream: Duplex,
    heard: (message: In) => void,
    closed: () => void,
  ) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = `${this.rest}${text}`.split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) heard(JSON.parse(line) as In);
    });
    stream.on('error', () => undefined);
    stream.once('close', closed);
  }

  tell(message: Out): void {
    if (this.stream.writable) this.stream.write(`${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.stream.destroy();
  }
}
