/** The journal on a full disk. What it is for is tested in resume.test.ts. */

import assert from 'node:assert/strict';
import { openJournal } from '../../../src/image';

describe('a journal on a full disk', () => {
  it('says so', async () => {
    const journal = openJournal('/dev/full');
    const survey = { size: 0, tarDigest: '', blocks: [] } as unknown as Parameters<typeof journal.begin>[1];
    await assert.rejects(journal.begin({ bundle: 'b', stamp: 's' }, survey), {
      code: 'IMAGE_DISK_FULL',
      message: 'The file /dev/full cannot be written: the disk is full.',
    });
    await assert.rejects(journal.add({ index: 0 } as Parameters<typeof journal.add>[0]), { code: 'IMAGE_DISK_FULL' });
  });
});
