/** Calls of a cloud's EC2, as tests see them. */

/** A call that waits for `release`. */
export interface HeldCall {
  readonly action: string;
  /** Access key. */
  readonly by: string;
}

/** One call of EC2. */
export interface CloudCall {
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
  /** HTTP status; 0 where the answer was withheld. */
  readonly status: number;
  readonly at: number;
  /** Access key; empty where none was known. */
  readonly by: string;
  /** Addresses and ids of what it made, answered or not. */
  readonly made: readonly string[];
}
