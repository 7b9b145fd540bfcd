/** The name server of a deployment, asked and changed with the deployment's own key: a server may show every key another view. */

import type { DnsAnswer } from '../../dns/answers';
import { exists } from '../../dns/update';
import { DeployError } from '../../deployment/errors';
import type { DeploymentSpec, DnsSpec } from '../../deployment/types';
import type { Dependencies } from '../dependencies';
import type { Dns, TsigKey } from '../ports';

export interface Authority {
  readonly spec: DnsSpec;
  /** Throws unless the answer is a plain "this is there" or "nothing is there". Whose word it is, `authoritative` says. */
  ask(name: string, type: string): Promise<DnsAnswer>;
  update(script: string): Promise<void>;
  /** Whether the name holds records of its own, by what updates meet. Questions cannot tell where a wildcard answers too. */
  exists(name: string, type?: 'TXT'): Promise<boolean>;
}

export async function authorityOf(
  deps: Pick<Dependencies, 'dns' | 'secrets'>,
  { dns: spec }: DeploymentSpec,
): Promise<Authority> {
  return authorityWith(deps.dns, spec, await tsigKey(deps, spec));
}

/** Without the key: what everybody sees. */
export function publicAuthority({ dns }: Pick<Dependencies, 'dns'>, { dns: spec }: DeploymentSpec): Authority {
  return authorityWith(dns, spec, undefined);
}

function authorityWith(dns: Dns, spec: DnsSpec, key: TsigKey | undefined): Authority {
  return {
    spec,
    ask: async (name, type) => {
      const answer = await dns.query(spec, name, type, key);
      if (answer.rcode === 'NOERROR' || answer.rcode === 'NXDOMAIN') return answer;
      throw new DeployError('DNS_ERROR', `${spec.server} answers ${answer.rcode} when asked for ${name} ${type}.`);
    },
    update: (script) => dns.update(script, key),
    exists: async (name, type) => {
      try {
        await dns.update(exists(spec, name, type), key);
        return true;
      } catch (error) {
        // The one prerequisite did not hold.
        if (error instanceof DeployError && error.code === 'DNS_CHANGED') return false;
        throw error;
      }
    },
  };
}

async function tsigKey({ secrets }: Pick<Dependencies, 'secrets'>, { tsig }: DnsSpec): Promise<TsigKey | undefined> {
  return tsig === undefined
    ? undefined
    : { name: tsig.name, algorithm: tsig.algorithm, secret: await secrets.resolve(tsig.secret) };
}
