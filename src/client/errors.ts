/** Every way the client can fail: a stable code, an exit code, and what to do. (Errors of deployments: deployment/errors.ts.) */

import type { Problem } from '../specfile/problems';

export const EXIT = {
  done: 0,
  internal: 1,
  usage: 2,
  attention: 3,
  failed: 4,
  unreachable: 5,
  detached: 130,
  unread: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

interface ClientErrorRow {
  readonly exit: ExitCode;
  readonly remedy: string;
}

export const CLIENT_ERRORS = {
  USAGE: { exit: EXIT.usage, remedy: 'See `stackato-deploy --help`.' },
  SPEC_INVALID: {
    exit: EXIT.usage,
    remedy: 'Correct the lines above; `stackato-deploy schema` prints what a spec may hold.',
  },
  SPEC_DIFFERS: {
    exit: EXIT.usage,
    remedy: 'Watch it with the spec it has, or abort it and run up again once it has ended.',
  },
  DATA_LOSS: { exit: EXIT.usage, remedy: 'Put the nodes back into the spec, or name them with --data-loss.' },
  SPEC_UNKNOWN: { exit: EXIT.usage, remedy: 'Run `stackato-deploy up` with its spec first: it adopts what is there.' },
  NOT_FOUND: { exit: EXIT.usage, remedy: 'See `stackato-deploy list` for the known names.' },
  NOT_OPEN: {
    exit: EXIT.usage,
    remedy: 'Start it again with `stackato-deploy up`; see `stackato-deploy status` for how it ended.',
  },
  BEING_REMOVED: {
    exit: EXIT.usage,
    remedy: 'Wait until that has ended (`stackato-deploy watch`), then run up again.',
  },
  NOT_READABLE: {
    exit: EXIT.usage,
    remedy: 'Look at the workflow in the Web UI: something other than `stackato-deploy up` started it.',
  },
  REFUSED: { exit: EXIT.usage, remedy: 'See `stackato-deploy status` for what it waits for.' },
  TEMPORAL_CONFIG: {
    exit: EXIT.usage,
    remedy: 'Check --profile, TEMPORAL_PROFILE and the TOML file (TEMPORAL_CONFIG_FILE).',
  },
  TEMPORAL_UNREACHABLE: {
    exit: EXIT.unreachable,
    remedy:
      'Start Temporal (`stackato-deploy lab up` includes one), or set TEMPORAL_ADDRESS or a profile to its address.',
  },
  TEMPORAL_REFUSED: {
    exit: EXIT.unreachable,
    remedy:
      'Check the credentials and the namespace of your profile (TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_*).',
  },
  SEARCH_ATTRIBUTES: {
    exit: EXIT.unreachable,
    remedy:
      'Let an operator run: temporal operator search-attribute create ' +
      '--name StackatoStage --name StackatoCloud --name StackatoHost --type Keyword --type Keyword --type Keyword',
  },
  NO_WORKER: { exit: EXIT.unreachable, remedy: 'Start one with `stackato-deploy worker`, then run this again.' },
  NOT_BUILT: { exit: EXIT.internal, remedy: 'Run `npm run build`.' },
  OUTPUT_FAILED: {
    exit: EXIT.internal,
    remedy: 'Write it elsewhere, or free space there. What was started goes on: see `stackato-deploy status`.',
  },
  INTERNAL: {
    exit: EXIT.internal,
    remedy: 'This is a bug in stackato-deploy. Please report it with the command and this output.',
  },
} as const satisfies Record<string, ClientErrorRow>;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

/** What every function of the client throws. The message says what happened and why, the remedy what to do. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly exit: ExitCode;
  readonly remedy: string;

  constructor(
    readonly code: ClientErrorCode,
    message: string,
    options: { readonly remedy?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    const row: ClientErrorRow = CLIENT_ERRORS[code];
    this.exit = row.exit;
    this.remedy = options.remedy ?? row.remedy;
  }

  toJSON(): { code: string; message: string; remedy: string } {
    return { code: this.code, message: this.message, remedy: this.remedy };
  }
}

export class SpecInvalidError extends ClientError {
  constructor(
    file: string,
    readonly problems: readonly Problem[],
  ) {
    super(
      'SPEC_INVALID',
      `The spec ${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}. Nothing was created.`,
    );
  }

  override toJSON(): { code: string; message: string; remedy: string; problems: readonly Problem[] } {
    return { ...super.toJSON(), problems: this.problems };
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A foreign message as a sentence of ours. */
export function sentence(text: string): string {
  const tidy = text.trim().replace(/\s+/g, ' ');
  return tidy === '' || /[.!?]$/.test(tidy) ? tidy : `${tidy}.`;
}
