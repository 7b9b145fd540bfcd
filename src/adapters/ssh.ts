/** ssh to the machines of a deployment: a new connection for each session, and none kept. */

import type { Remote, Secrets } from '../steps/ports';
import { connect, exchangeKeys, TIMEOUTS } from './ssh-connection';
import { Jumps } from './ssh-jumps';
import { loginOf } from './ssh-login';
import { SshSession } from './ssh-session';

export function createRemote(secrets: Secrets, timeouts = TIMEOUTS): Remote {
  const jumps = new Jumps(secrets, timeouts);
  return {
    hostKey: (host) => jumps.reach(host, (route) => exchangeKeys(host, timeouts, route)),

    async withSession(target, use) {
      const login = await loginOf(target, secrets);
      return jumps.reach(target, async (route) => {
        const session = new SshSession(await connect(target, login, timeouts, route));
        try {
          return await use(session);
        } finally {
          session.close();
        }
      });
    },
  };
}
