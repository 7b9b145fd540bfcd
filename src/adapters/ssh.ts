/** ssh to the appliance: a connection per use, nothing kept between two. */

import type { Remote, Secrets } from '../steps/ports';
import { connect, exchangeKeys } from './ssh-connection';
import type { Patience } from './ssh-connection';
import { loginOf } from './ssh-login';
import { SshSession } from './ssh-session';

export function createRemote(secrets: Secrets, patience?: Patience): Remote {
  return {
    hostKey: (host) => exchangeKeys(host, patience),

    async withSession(target, use) {
      const connection = await connect(target, await loginOf(target, secrets), patience);
      const session = new SshSession(connection);
      try {
        return await use(session);
      } finally {
        // Not `end`: that waits for a machine which may be gone.
        connection.client.destroy();
      }
    },
  };
}
