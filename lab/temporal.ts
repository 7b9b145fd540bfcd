/** Temporal's dev server with its Web UI. It stores everything in files, so that it can be killed and started again. */

import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Child, ChildProcesses } from './child-processes';
import type { Ports } from './ports';
import { findProgram } from './programs';
import { untilReady } from './wait';

export const NAMESPACE = 'default';
const HOST = '127.0.0.1';

export class TemporalServer {
  private child: Child | undefined;
  readonly address: string;
  readonly ui: string;

  constructor(
    private readonly processes: ChildProcesses,
    private readonly dir: string,
    private readonly ports: Ports,
  ) {
    this.address = `${HOST}:${ports.temporal}`;
    this.ui = `http://${HOST}:${ports.ui}`;
  }

  async start(): Promise<void> {
    if (this.child?.running() === true) return;
    this.child = this.processes.start({ name: 'temporal', program: findProgram('temporal'), args: this.args() });
    await untilReady(this.child, () => answers(this.address));
  }

  async kill(): Promise<void> {
    await this.child?.end('SIGKILL');
    this.child = undefined;
  }

  private args(): string[] {
    const { temporal, ui, metrics } = this.ports;
    return [
      'server',
      'start-dev',
      '--db-filename',
      join(this.dir, 'temporal.db'),
      // Without the write-ahead log, about fifty workflow starts at once stall the server.
      '--sqlite-pragma',
      'journal_mode=wal',
      '--sqlite-pragma',
      'synchronous=normal',
      '--ip',
      HOST,
      '--port',
      String(temporal),
      '--ui-port',
      String(ui),
      '--metrics-port',
      String(metrics),
      '--headless=false',
      '--ui-disable-news-fetch',
      '--log-level',
      'warn',
    ];
  }
}

/** The server listens a moment before its namespace exists. */
async function answers(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
    return namespaceInfo?.name === NAMESPACE;
  } finally {
    await connection.close();
  }
}
