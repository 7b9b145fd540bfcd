/** The commands that only look: status, list, doctor. */

import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import type { Diagnosis } from '../client/diagnosis';
import { page } from './render/page';
import { diagnosisEnd, diagnosisLine, listTable } from './render/tables';
import type { Context } from './context';
import { exitOf, withDeployments } from './follow';
import { readSpec } from './spec-file';

export async function statusCommand(context: Context, name: string): Promise<ExitCode> {
  const snapshot = await withDeployments(context, (deployments) => deployments.status(name));
  context.show(snapshot, () => page(snapshot, { now: Date.now(), paint: context.paint, width: context.width }));
  return exitOf(snapshot);
}

export async function listCommand(context: Context): Promise<ExitCode> {
  const deployments = await withDeployments(context, (all) => all.list());
  context.show(deployments, () => listTable(deployments, context.paint));
  return EXIT.done;
}

export async function doctorCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  const tell = (finding: Diagnosis): void => {
    if (!context.json) context.say(diagnosisLine(finding, context.paint));
  };
  const findings = await withDeployments(context, (deployments) => deployments.doctor(spec, tell));
  const ok = findings.every((finding) => finding.ok);
  context.show({ ok, findings }, () => diagnosisEnd(findings));
  return ok ? EXIT.done : EXIT.attention;
}
