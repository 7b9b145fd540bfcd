/** Answers that end before their end. */

import type { Socket } from 'node:net';

/** Within the body, or within the headers where there is none. */
export function cutShort(socket: Socket, status: number, body: Buffer): void {
  const head = `HTTP/1.1 ${status} Cut\r\nContent-Length: ${body.length}\r\n`;
  const half = body.subarray(0, Math.floor(body.length / 2));
  socket.end(Buffer.concat(body.length === 0 ? [Buffer.from(head)] : [Buffer.from(`${head}\r\n`), half]), () =>
    socket.destroy(),
  );
}
