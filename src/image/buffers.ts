import { MEMBER } from './compressor';

/** Of all that is missing in Node's types, what is needed here. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const WASM_PAGE = 64 * 1024;

/**
 * One buffer for each lane. Reading past the page cache wants buffers that begin at a page: WebAssembly's memory does, and nothing
 * else in Node is sure to.
 */
export function buffersFor(lanes: number): (lane: number) => Buffer {
  const memory = new WebAssembly.Memory({ initial: (lanes * MEMBER) / WASM_PAGE });
  return (lane) => Buffer.from(memory.buffer, lane * MEMBER, MEMBER);
}
