/** The name server of a deployment, queried and updated with the deployment's own key: a server may have a view for each key. */

import type { DnsAnswer } from '../../dns/answers';
import { exists } from '../../dns/update';
import { DeployError } from '../../deployment/errors';
import type { DeploymentSpec, DnsSpec } from '../../deployment/spec';
import type { Dependencies } from '../dependencies';
import type { Dns, TsigKey } from '../ports';

export interface Authority {
  readonly spec: DnsSpec;
  /** Throws unless the answer is NOERROR or NXDOMAIN. It may be one without authority: see `authoritative`. */
  ask(name: string, type: string): Promise<DnsAnswer>;
  update(script: string): Promise<void>;
  /** Whether the name has records of its own, by the prerequisite of an update: a query cannot tell them from a wildcard's answer. */
  exists(name: string, type?: 'TXT'): Promise<boolean>;
}

export async function authorityOf(
  deps: Pick<Dependencies, 'dns' | 'secrets'>,
  { dns: spec }: DeploymentSpec,
): Promise<Authority> {
  return authorityWith(deps.dns, spec, await tsigKey(deps, spec));
}

/** Without the key: the public view. */
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
        // The prerequisite failed.
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
