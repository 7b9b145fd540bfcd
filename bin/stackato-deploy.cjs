#!/usr/bin/env node
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const main = join(__dirname, '../dist/src/cli/main.js');

if (existsSync(main)) {
  require(main);
} else {
  const error = {
    code: 'NOT_BUILT',
    message: `stackato-deploy is not built. ${main} is not there.`,
    remedy: 'Run `npm run build`.',
  };
  process.stderr.write(`stackato-deploy: ${error.message}\n${error.remedy}\n`);
  if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ error })}\n`);
  process.exitCode = 1;
}
