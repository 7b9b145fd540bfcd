/** A plain static web server: Python's. It knows no ranges, and nothing of catalogues. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export class WebServer {
  log = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
  }

  static async start(folder: string): Promise<WebServer> {
    const child = spawn('python3', ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = / port (\d+)/.exec(line.toString())?.[1];
    if (port === undefined) throw new Error(`no port in: ${line.toString()}`);
    return new WebServer(child, `http://127.0.0.1:${port}/`);
  }

  /** How often that file was asked for. */
  asked(name: string): number {
    return this.log.split(`"GET /${name} HTTP`).length - 1;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill();
    await ended;
  }
}
