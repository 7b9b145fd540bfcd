import assert from 'node:assert/strict';
import { CLOUD_KINDS } from '../../../src/deployment/cloud-kinds';
import { checkFacts, checkName } from '../../../src/image';
import type { BundleFacts } from '../../../src/image';
import { checkBundleSize, checkImageSize } from '../../../src/image/bundle/facts';
import type { ErrorCode } from '../../../src/deployment/errors';
import { FACTS } from '../support';

const BOTH = { kernelId: 'eki-12AB34CD', ramdiskId: 'eri-12AB34CD' };

describe('facts', () => {
  const accepted: Readonly<Record<string, Partial<BundleFacts>>> = {
    'a machine image': {},
    'kernel and ramdisk': BOTH,
    'ids of AWS, long ones': { kernelId: 'aki-1234567890abcdef0', ramdiskId: 'ari-1234567890abcdef0' },
    'a kernel called vmlinuz': { kind: 'kernel', prefix: 'vmlinuz-3.2.0' },
    'block devices and codes': {
      blockDevices: [
        { virtual: 'ami', device: 'sda1' },
        { virtual: 'ephemeral0', device: '/dev/sdb' },
      ],
      productCodes: ['ab-1'],
    },
    '99 characters': { prefix: 'x'.repeat(99) },
  };
  for (const [title, facts] of Object.entries(accepted))
    it(`are accepted: ${title}`, () => checkFacts({ ...FACTS, ...facts }));

  const refused: readonly (readonly [string, ErrorCode, Partial<BundleFacts>])[] = [
    ...['vmlinuz', 'initrd-1', 'windows7', 'Windows'].map(
      (prefix) => [`a machine image called ${prefix}`, 'IMAGE_PREFIX', { prefix }] as const,
    ),
    ...['', 'x'.repeat(100), 'a/b', '..', '-x', 'ä', 'a b', 'a<b'].map(
      (prefix) => [`the prefix ${JSON.stringify(prefix)}`, 'IMAGE_PREFIX', { prefix }] as const,
    ),
    ...['', '12345678901', '1234567890123', '1234-5678-9012', 'admin'].map(
      (account) => [`the account ${JSON.stringify(account)}`, 'IMAGE_ACCOUNT', { account }] as const,
    ),
    ['a kernel alone', 'IMAGE_KERNEL_AND_RAMDISK', { kernelId: BOTH.kernelId }],
    ['a ramdisk alone', 'IMAGE_KERNEL_AND_RAMDISK', { ramdiskId: BOTH.ramdiskId }],
    ['a ramdisk as kernel', 'IMAGE_CONFIGURATION', { ...BOTH, kernelId: 'eri-12AB34CD' }],
    ['a machine image as ramdisk', 'IMAGE_CONFIGURATION', { ...BOTH, ramdiskId: 'emi-12AB34CD' }],
    ['a kernel with a kernel', 'IMAGE_CONFIGURATION', { ...BOTH, kind: 'kernel' }],
    ['a ramdisk with block devices', 'IMAGE_CONFIGURATION', { kind: 'ramdisk', blockDevices: [] }],
    ['a device that is none', 'IMAGE_CONFIGURATION', { blockDevices: [{ virtual: 'ami', device: '<sda>' }] }],
    ['a block device that is none', 'IMAGE_CONFIGURATION', { blockDevices: [{ virtual: 'floppy', device: 'sda1' }] }],
    ['a product code that is none', 'IMAGE_CONFIGURATION', { productCodes: ['a b'] }],
  ];
  for (const [title, code, facts] of refused)
    it(`are refused: ${title}`, () =>
      assert.throws(() => checkFacts({ ...FACTS, ...facts }), { name: 'DeployError', code }));

  it('have a name that clouds accept', () => {
    for (const name of ['abc', 'Stackato (3.4.2)/x86_64', 'x'.repeat(128)].map((text) => text.replaceAll(' ', '')))
      checkName(name);
    for (const name of ['ab', 'x'.repeat(129), 'a b c', 'näme', 'a,b'])
      assert.throws(() => checkName(name), { code: 'IMAGE_NAME' }, name);
  });

  it('have a size that the cloud takes', () => {
    const gib = 1024 ** 3;
    checkImageSize(10 * gib, CLOUD_KINDS.aws.sizeLimits);
    assert.throws(() => checkImageSize(10 * gib + 1, CLOUD_KINDS.aws.sizeLimits), { code: 'IMAGE_TOO_BIG' });
    checkImageSize(30 * gib, CLOUD_KINDS['eucalyptus-5.1'].sizeLimits);
    checkBundleSize(5 * gib, CLOUD_KINDS['eucalyptus-3.2'].sizeLimits);
    assert.throws(() => checkBundleSize(5 * gib + 1, CLOUD_KINDS['eucalyptus-3.2'].sizeLimits), {
      code: 'IMAGE_TOO_BIG',
    });
  });
});
