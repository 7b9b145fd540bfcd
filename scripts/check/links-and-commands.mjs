/** Checks links, and that the npm scripts and commands that documents mention exist. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lineAt, textOf } from './files.mjs';

const CLI = 'bin/stackato-deploy.cjs';

export function linkProblems({ path, text }) {
  const prose = withoutCode(text);
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)];
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)];
  const html = [...prose.matchAll(/\b(?:src|href)="([^"]+)"/g)];
  return [...inline, ...references, ...html]
    .filter(([, target]) => !/^(?:[a-z][a-z+.-]*:|#)/i.test(target))
    .filter(([, target]) => !existsSync(join(dirname(path), decodeURI(target.split('#')[0]))))
    .map((match) => `${path}:${lineAt(text, match.index)}: broken link: ${match[1]}`);
}

export function npmScriptProblems({ path, text }) {
  const { scripts } = JSON.parse(textOf('package.json'));
  return [...text.matchAll(/\bnpm run (?:--silent )?([a-z][\w:-]*)/g)]
    .filter(([, name]) => scripts[name] === undefined)
    .map((match) => `${path}:${lineAt(text, match.index)}: package.json has no script ${match[1]}`);
}

/** Only in code: in prose, any word may follow the product's name. */
export function commandProblems(documents) {
  const used = documents.flatMap(({ path, text }) =>
    codeIn(text).flatMap(({ code, index }) =>
      commandsIn(code).map((command) => ({ command, location: `${path}:${lineAt(text, index)}` })),
    ),
  );
  if (used.length === 0) return [];
  const known = new Map();
  return used.flatMap(({ command: [name, sub], location }) => {
    if (!subcommandsOf(known, []).has(name)) return [`${location}: there is no command \`stackato-deploy ${name}\``];
    const subs = subcommandsOf(known, [name]);
    return subs.size === 0 || sub === undefined || subs.has(sub)
      ? []
      : [`${location}: there is no command \`stackato-deploy ${name} ${sub}\``];
  });
}

function commandsIn(code) {
  const pattern = /(?:^|[\s;&|(])(?:npx )?stackato-deploy +([a-z][a-z-]*(?:\|[a-z-]+)*)(?: +([a-z][a-z-]*))?/gm;
  // `resume|skip|abort dev` mentions three commands.
  return [...code.matchAll(pattern)].flatMap(([, names, sub]) => names.split('|').map((name) => [name, sub]));
}

/** Empty for a command without subcommands. */
function subcommandsOf(known, path) {
  const key = path.join(' ');
  if (!known.has(key)) known.set(key, readHelp(path));
  return known.get(key);
}

function readHelp(path) {
  const help = execFileSync(process.execPath, [CLI, ...path, '--help'], { encoding: 'utf8' });
  const [, commands = ''] = help.split(/^Commands:$/m);
  return new Set(
    [...commands.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name).filter((name) => name !== 'help'),
  );
}

function codeIn(text) {
  const fenced = [...text.matchAll(/^( *)```[^\n]*\n([\s\S]*?)^\1```/gm)].map((match) => ({
    code: match[2],
    index: match.index,
  }));
  const indented = [...text.matchAll(/^ {4,}\S.*$/gm)].map((match) => ({ code: match[0], index: match.index }));
  const inline = [...text.replace(/^( *)```[\s\S]*?^\1```/gm, blank).matchAll(/`([^`\n]+)`/g)].map((match) => ({
    code: match[1],
    index: match.index,
  }));
  return [...fenced, ...indented, ...inline];
}

function withoutCode(text) {
  return text.replace(/^( *)```[\s\S]*?^\1```/gm, blank).replace(/`[^`\n]+`/g, blank);
}

/** Replaces text without changing the positions and line numbers of what follows. */
function blank(code) {
  return code.replace(/[^\n]/g, ' ');
}
