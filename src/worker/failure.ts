/** Why a worker cannot run, in the format of the client's errors, with the same codes and exit codes for supervisors to act on. */

const EXIT = {
  INTERNAL: 1,
  NOT_BUILT: 1,
  USAGE: 2,
  TEMPORAL_CONFIG: 2,
  TEMPORAL_UNREACHABLE: 5,
  TEMPORAL_REFUSED: 5,
} as const;

export class WorkerError extends Error {
  override readonly name = 'WorkerError';

  constructor(
    readonly code: keyof typeof EXIT,
    message: string,
    readonly remedy: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? {} : { cause });
  }
}

/** @returns the exit code */
export function report(error: unknown, json: boolean): number {
  const { code, message, remedy } = workerErrorOf(error);
  process.stderr.write(`stackato-deploy: The worker cannot run. ${message}\n${remedy}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, remedy } })}\n`);
  return EXIT[code];
}

function workerErrorOf(error: unknown): WorkerError {
  if (error instanceof WorkerError) return error;
  return new WorkerError(
    'INTERNAL',
    error instanceof Error ? error.message : String(error),
    'This is a bug of stackato-deploy. Please report it with this output.',
    error,
  );
}
