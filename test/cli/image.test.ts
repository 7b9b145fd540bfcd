import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { remedyOf } from '../../src/deployment/errors';
import { noise, openIndependently, pair, shell, sparseFile, tempFolder, words, writeKeys, xml } from '../image/support';
import { eventually } from '../support/wait';
import { Cli, cli, onTerminal } from './cli';
import type { Ended } from './cli';

const MIB = 1024 ** 2;
const SIZE = 60 * MIB + 3;

interface Result {
  readonly manifest: string;
  readonly parts: number;
  readonly made: number;
  readonly bundledSize: number;
}

interface Inspection {
  readonly good: boolean;
  readonly bundles: readonly {
    readonly name: string;
    readonly good: boolean;
    readonly checks: readonly { readonly id: string; readonly result: string }[];
  }[];
}

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}

describe('image commands', function () {
  this.timeout(60_000);
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  const keys = (user = 'user'): string[] => [
    '--certificate',
    at(`${user}-cert.pem`),
    '--private-key',
    at(`${user}-key.pem`),
  ];
  const bundling = (file: string, to: string, ...more: readonly string[]): string[] => [
    'image',
    'bundle',
    at(file),
    '--kind',
    'machine',
    '--name',
    'stackato',
    '--account',
    '1234-5678-9012',
    ...keys(),
    '--cloud-certificate',
    at('cloud-cert.pem'),
    '--to',
    at(to),
    ...more,
  ];
  const inspecting = async (
    path: string,
    ...more: readonly string[]
  ): Promise<{ code: number | null; verdict: Inspection }> => {
    const { code, stdout } = await cli(['image', 'inspect', path, '--json', ...more]);
    return { code, verdict: JSON.parse(stdout) as Inspection };
  };
  const resultsOf = ({ bundles }: Inspection): (readonly [string, string])[] =>
    bundles.flatMap(({ checks }) => checks.map(({ id, result }) => [id, result] as const));
  const partsOf = (name: string): string[] =>
    readdirSync(at(name))
      .filter((file) => file.includes('.part.'))
      .sort();
  let first: Ended;

  before(async () => {
    writeKeys(folder);
    for (const kind of ['key', 'certificate'] as const)
      writeFileSync(at(`other-${kind === 'key' ? 'key' : 'cert'}.pem`), pair('other')[kind]);
    sparseFile(at('image.raw'), SIZE, { [MIB]: noise(35 * MIB), [50 * MIB]: words(MIB) });
    sparseFile(at('small.raw'), MIB + 5, { 1000: words(5000) });
    first = await cli(bundling('image.raw', 'first', '--json'));
  });
  after(() => rmSync(folder, { recursive: true }));

  describe('bundle', () => {
    it('makes what openssl, gzip and tar open again', () => {
      assert.equal(first.code, 0, first.stderr);
      const manifest = readFileSync(at('first/stackato.manifest.xml'), 'utf8');
      const { sha1 } = openIndependently(at('first'), manifest);
      assert.equal(sha1, xml(manifest, 'image', 'digest'));
      shell('tar -xOf archive.tar stackato | cmp - ../image.raw', at('first'));
      assert.match(manifest, /<user>123456789012<\/user><type>machine</);
    });

    it('signs what openssl verifies', () => {
      const manifest = readFileSync(at('first/stackato.manifest.xml'), 'latin1');
      const element = (name: string): string =>
        manifest.slice(manifest.indexOf(`<${name}>`), manifest.indexOf(`</${name}>`) + name.length + 3);
      writeFileSync(at('signed'), element('machine_configuration') + element('image'), 'latin1');
      writeFileSync(at('signature'), Buffer.from(xml(manifest, 'manifest', 'signature'), 'hex'));
      shell('openssl x509 -in user-cert.pem -pubkey -noout > public.pem', folder);
      assert.equal(shell('openssl dgst -sha1 -verify public.pem -signature signature signed', folder), 'Verified OK');
    });

    it('answers in one document, tells how far it is on stderr, and no key in any of it', () => {
      const result = JSON.parse(first.stdout) as Result;
      const sizes = partsOf('first').map((name) => statSync(at(`first/${name}`)).size);
      assert.deepEqual(result, {
        manifest: at('first/stackato.manifest.xml'),
        name: 'stackato',
        kind: 'machine',
        architecture: 'x86_64',
        size: SIZE,
        parts: sizes.length,
        made: sizes.length,
        bundledSize: sizes.reduce((sum, size) => sum + size, 0),
      });
      assert.match(first.stderr, /^reading +100% .+\nbundling +100% +60\.0 MiB of 60\.0 MiB.* part 4\n$/);
      const { key, iv } = openIndependently(at('first'), readFileSync(at('first/stackato.manifest.xml'), 'utf8'));
      const told = first.stdout + first.stderr + readFileSync(at('first/.stackato.journal'), 'utf8');
      for (const secret of [key, iv])
        for (const form of [secret, Buffer.from(secret, 'hex').toString('base64')]) assert.ok(!told.includes(form));
    });

    it('makes nothing twice, and what was taken away again', async () => {
      shell('cp -a first again', folder);
      const before = partsOf('again').map((name) => statSync(at(`again/${name}`)).ino);
      const second = await cli(bundling('image.raw', 'again', '--json'));
      assert.equal((JSON.parse(second.stdout) as Result).made, 0);
      assert.deepEqual(
        partsOf('again').map((name) => statSync(at(`again/${name}`)).ino),
        before,
      );
      rmSync(at('again/stackato.part.01'));
      const { stdout } = await cli(bundling('image.raw', 'again'));
      assert.match(stdout, /^Bundled stackato: 60\.0 MiB in 4 parts of .+, 3 there already\.\n/);
      shell('for part in first/*.part.* first/*.xml; do cmp $part again/${part#first/}; done', folder);
    });

    it('goes on where it was killed', async () => {
      const killed = new Cli(bundling('image.raw', 'killed', '--journal', at('killed.journal')));
      await eventually('a part is there', () => existsSync(at('killed/stackato.part.00')));
      killed.signal('SIGKILL');
      await killed.ended;
      assert.ok(!existsSync(at('killed/stackato.manifest.xml')), 'it was not over');
      const { stdout } = await cli(bundling('image.raw', 'killed', '--json', '--journal', at('killed.journal')));
      assert.deepEqual(
        readdirSync(at('killed')).filter((name) => name.startsWith('.')),
        [],
        'the journal is where it was put',
      );
      const { made, parts } = JSON.parse(stdout) as Result;
      assert.ok(made < parts, `${made} of ${parts} made again`);
      shell('for part in first/*.part.* first/*.xml; do cmp $part killed/${part#first/}; done', folder);
    });

    const packers = {
      'small.raw.gz': 'gzip -k small.raw',
      'small.raw.xz': 'xz -k small.raw',
      'small.tar.gz': 'tar -czf small.tar.gz small.raw user-cert.pem',
      'small.zip': 'python3 -m zipfile -c small.zip small.raw user-cert.pem',
    };
    for (const [name, line] of Object.entries(packers)) {
      it(`takes the image out of ${name}`, async () => {
        shell(line, folder);
        const inside = /tar|zip/.test(name) ? ['--inside', 'small.raw'] : [];
        const [raw, packed] = await Promise.all([
          cli(bundling('small.raw', `raw-${name}`)),
          cli(bundling(name, `from-${name}`, ...inside)),
        ]);
        assert.deepEqual([raw.code, packed.code], [0, 0], packed.stderr);
        shell(`diff -r --exclude=.stackato.journal raw-${name} from-${name}`, folder);
      });
    }

    it('leaves a kernel or ramdisk compressed: so it is booted', async () => {
      shell('gzip -kf small.raw', folder);
      for (const kind of ['kernel', 'ramdisk']) await cli([...bundling('small.raw.gz', kind), '--kind', kind]);
      for (const kind of ['kernel', 'ramdisk']) {
        openIndependently(at(kind), readFileSync(at(`${kind}/stackato.manifest.xml`), 'utf8'));
        shell('tar -xOf archive.tar stackato | cmp - ../small.raw.gz', at(kind));
      }
    });

    it('takes its credentials from the variables of an eucarc', async () => {
      const { code, stderr } = await cli(
        ['image', 'bundle', at('small.raw'), '--kind', 'kernel', '--name', 'vmlinuz', '--to', at('eucarc')],
        {
          EC2_USER_ID: '123456789012',
          EC2_CERT: at('user-cert.pem'),
          EC2_PRIVATE_KEY: at('user-key.pem'),
          EUCALYPTUS_CERT: at('cloud-cert.pem'),
        },
      );
      assert.equal(code, 0, stderr);
      assert.match(readFileSync(at('eucarc/vmlinuz.manifest.xml'), 'utf8'), /<kernel_id>true<\/kernel_id>/);
    });

    it('puts kernel and ramdisk into the manifest', async () => {
      await cli(
        bundling('small.raw', 'bound', '--kernel-id', 'eki-12345678', '--ramdisk-id', 'eri-12345678', '--arch', 'i386'),
      );
      assert.match(
        readFileSync(at('bound/stackato.manifest.xml'), 'utf8'),
        /<architecture>i386<\/architecture><kernel_id>eki-12345678<\/kernel_id><ramdisk_id>eri-12345678<\/ramdisk_id>/,
      );
    });

    const refused: readonly (readonly [title: string, code: string, args: () => string[]])[] = [
      ['a file that is not there', 'IMAGE_SOURCE_MISSING', () => bundling('nothing.raw', 'refused')],
      ['a folder as image', 'IMAGE_SOURCE_UNREADABLE', () => bundling('first', 'refused')],
      ['a file of another kind', 'IMAGE_FORMAT', () => bundling('stackato.vdi', 'refused')],
      ['an xz file that is none', 'IMAGE_SOURCE_DAMAGED', () => bundling('broken.xz', 'refused')],
      [
        "another user's key",
        'IMAGE_KEY_MISMATCH',
        () => [...bundling('small.raw', 'refused'), '--private-key', at('other-key.pem')],
      ],
      [
        'a certificate as key',
        'IMAGE_KEY_UNREADABLE',
        () => [...bundling('small.raw', 'refused'), '--private-key', at('user-cert.pem')],
      ],
      [
        'a key as certificate',
        'IMAGE_CERTIFICATE_UNREADABLE',
        () => [...bundling('small.raw', 'refused'), '--cloud-certificate', at('user-key.pem')],
      ],
      ['an account that is none', 'IMAGE_ACCOUNT', () => [...bundling('small.raw', 'refused'), '--account', 'admin']],
      [
        'a machine image called vmlinuz',
        'IMAGE_PREFIX',
        () => [...bundling('small.raw', 'refused'), '--name', 'vmlinuz'],
      ],
      [
        'a kernel without a ramdisk',
        'IMAGE_KERNEL_AND_RAMDISK',
        () => bundling('small.raw', 'refused', '--kernel-id', 'eki-12345678'),
      ],
      [
        'a key that is not there',
        'USAGE',
        () => [...bundling('small.raw', 'refused'), '--private-key', at('nothing.pem')],
      ],
      ['a folder that cannot be made', 'USAGE', () => bundling('small.raw', 'small.raw/refused')],
      ['no name', 'USAGE', () => ['image', 'bundle', at('small.raw'), '--kind', 'machine']],
    ];
    for (const [title, code, args] of refused) {
      it(`refuses ${title}: its own error, a remedy, and no bundle`, async () => {
        writeFileSync(at('broken.xz'), words(5000));
        const { code: exit, stdout, stderr } = await cli([...args(), '--json']);
        const { error } = JSON.parse(stdout) as Failure;
        assert.deepEqual([exit, error.code], [code === 'IMAGE_SOURCE_DAMAGED' ? 4 : 2, code]);
        assert.ok(stderr.endsWith(`stackato-deploy: ${error.message}\n${error.remedy}\n`));
        assert.doesNotMatch(error.remedy, /resume|run up/, 'no deployment waits');
        assert.ok(!existsSync(at('refused')) || readdirSync(at('refused')).length === 0);
      });
    }

    it('says so where there is no xz', async () => {
      mkdirSync(at('bin'), { recursive: true });
      shell('xz -kf small.raw', folder);
      const { code, stdout } = await cli([...bundling('small.raw.xz', 'no-xz'), '--json'], { PATH: at('bin') });
      assert.deepEqual(
        [code, (JSON.parse(stdout) as Failure).error],
        [
          2,
          {
            code: 'IMAGE_FORMAT',
            message: 'The program xz is not installed.',
            remedy: 'Give the raw image, or unpack it yourself and give the result, then run it again.',
          },
        ],
      );
      assert.match(remedyOf('IMAGE_FORMAT'), /then resume\.$/, 'as a deployment is told');
    });

    it('draws a line anew on a terminal, with bytes and rate', async () => {
      const { code, stdout } = await onTerminal(bundling('image.raw', 'terminal'));
      assert.equal(code, 0, stdout);
      // The time that is left is told once there is a rate to tell it by: a quick machine has ended by then.
      assert.match(stdout, /bundling +\d+% +[\d.]+ MiB of 60\.0 MiB .*part \d/);
      assert.match(stdout, /bundling +100% +60\.0 MiB of 60\.0 MiB +[\d.]+ MiB\/s/);
      assert.match(stdout, /\u001b\[\d*[AKG]/, 'drawn anew');
      assert.match(stdout, /Bundled stackato: 60\.0 MiB in 4 parts/);
    });
  });

  describe('inspect', () => {
    beforeEach(() => shell('rm -rf seen && cp -a first seen', folder));

    it('finds a good bundle good, as folder or manifest', async () => {
      for (const path of [at('seen'), at('seen/stackato.manifest.xml')]) {
        const { code, verdict } = await inspecting(path, ...keys());
        assert.deepEqual(
          [code, verdict.good, resultsOf(verdict).map(([, result]) => result)],
          [0, true, Array.from({ length: 5 }, () => 'passed')],
        );
      }
    });

    it('of a manifest alone checks what it can, and says what is open', async () => {
      for (const part of partsOf('seen')) rmSync(at(`seen/${part}`));
      const { code, stdout } = await cli([
        'image',
        'inspect',
        at('seen/stackato.manifest.xml'),
        '--certificate',
        at('user-cert.pem'),
      ]);
      assert.equal(code, 0);
      assert.match(
        stdout,
        /^✓ form [^]*^✓ signature  Signed by CN=user [^]*^– parts [^]*^Good as far as it was checked: 3 of 5 checks are open\.$/m,
      );
      assert.equal((await cli(['image', 'inspect', at('seen')])).code, 4, 'in a folder they must be there');
    });

    it('finds bad what is bad, with exit 4: a part, the signer, the key, the manifest', async () => {
      shell("printf '\\x01' | dd of=seen/stackato.part.02 bs=1 seek=5000 conv=notrunc", folder);
      const bad = await cli(['image', 'inspect', at('seen'), ...keys('other')]);
      assert.equal(bad.code, 4);
      assert.match(
        bad.stdout,
        /^✗ signature [^]*^✗ key [^]*^✗ parts .+stackato\.part\.02 is damaged[^]*^Bad: 3 of 5 checks failed\.$/m,
      );
      writeFileSync(at('seen/second.manifest.xml'), '<html>');
      const { code, verdict } = await inspecting(at('seen'), ...keys());
      assert.deepEqual(
        [code, verdict.good, resultsOf(verdict).filter(([, result]) => result === 'failed')],
        [
          4,
          false,
          [
            ['form', 'failed'],
            ['parts', 'failed'],
            ['content', 'failed'],
          ],
        ],
      );
    });

    it('is of no use where there is nothing to look at', async () => {
      mkdirSync(at('empty'), { recursive: true });
      for (const path of [at('empty'), at('nowhere')]) {
        const { code, stdout } = await cli(['image', 'inspect', path, '--json']);
        assert.deepEqual([code, (JSON.parse(stdout) as Failure).error.code], [2, 'USAGE']);
      }
    });

    it('does not read an image to its end that was taken for a manifest', async () => {
      sparseFile(at('huge.raw'), 4096 * MIB);
      const { code, stdout } = await cli(['image', 'inspect', at('huge.raw')]);
      assert.equal(code, 4);
      assert.match(stdout, /more than any cloud reads/);
    });
  });

  describe('unbundle', () => {
    const unbundling = (user: string, to: string, manifest = 'first/stackato.manifest.xml'): string[] => [
      'image',
      'unbundle',
      at(manifest),
      '--private-key',
      at(`${user}-key.pem`),
      '--to',
      at(to),
      '--json',
    ];

    it('gives the image back to the user and to the cloud', async () => {
      for (const user of ['user', 'cloud']) {
        const { code, stdout } = await cli(unbundling(user, `back/${user}.raw`));
        assert.deepEqual(
          [code, JSON.parse(stdout)],
          [
            0,
            {
              image: at(`back/${user}.raw`),
              name: 'stackato',
              kind: 'machine',
              size: SIZE,
              signature: user === 'user' ? 'verified' : 'open',
            },
          ],
        );
        shell(`cmp back/${user}.raw image.raw`, folder);
      }
    });

    it('gives nothing to a stranger, nothing damaged to anybody, and leaves no half of a file', async () => {
      shell('cp -a first damaged && rm damaged/stackato.part.03', folder);
      const ended = await Promise.all([
        cli(unbundling('other', 'none/image.raw')),
        cli(unbundling('user', 'none/image.raw', 'damaged/stackato.manifest.xml')),
      ]);
      const codes = ended.map(({ code, stdout }) => [code, (JSON.parse(stdout) as Failure).error.code]);
      assert.deepEqual(codes, [
        [4, 'IMAGE_WRONG_KEY'],
        [4, 'IMAGE_BUNDLE_BROKEN'],
      ]);
      assert.deepEqual(readdirSync(at('none')), []);
    });

    it('D16: says what it verified, and refuses a manifest that was altered', async () => {
      shell(
        'cp -a first altered && sed -i "s/<user>123456789012/<user>123456789013/" altered/stackato.manifest.xml',
        folder,
      );
      const altered = (user: string, ...more: readonly string[]): Promise<Ended> =>
        cli([...unbundling(user, 'altered.raw', 'altered/stackato.manifest.xml'), ...more]);
      const ended = await Promise.all([
        altered('user'),
        altered('cloud', '--certificate', at('user-cert.pem')),
        cli(unbundling('user', 'altered.raw').concat('--certificate', at('other-cert.pem'))),
      ]);
      assert.deepEqual(
        ended.map(({ code, stdout }) => [code, (JSON.parse(stdout) as Failure).error.code]),
        Array.from({ length: 3 }, () => [4, 'IMAGE_MANIFEST_BROKEN']),
      );
      assert.ok(!existsSync(at('altered.raw')));
      const plain = unbundling('cloud', 'plain.raw').slice(0, -1);
      assert.match((await cli(plain)).stdout, /Who made it is not verified\. No certificate of the user was given/);
      assert.match((await cli([...plain, '--certificate', at('user-cert.pem')])).stdout, /Signed by CN=user/);
    });

    it('D16: a folder in place of a file is a mistake of usage, in plain words', async () => {
      const wrong = [
        ['unbundle', at('first'), '--private-key', at('user-key.pem')],
        ['unbundle', at('first/stackato.manifest.xml'), '--private-key', at('first')],
        [
          'unbundle',
          at('first/stackato.manifest.xml'),
          '--private-key',
          at('user-key.pem'),
          '--certificate',
          at('first'),
        ],
      ];
      for (const args of wrong) {
        const { code, stdout } = await cli(['image', ...args, '--to', at('folder.raw'), '--json']);
        const { error } = JSON.parse(stdout) as Failure;
        assert.deepEqual([code, error.code], [2, 'USAGE']);
        assert.match(error.message, /cannot be read\. .+ is a folder\.$/);
      }
    });

    it('does not begin where a folder is in the way', async () => {
      const { code, stdout } = await cli(unbundling('user', 'first'));
      assert.deepEqual([code, (JSON.parse(stdout) as Failure).error.code], [2, 'USAGE']);
    });
  });
});
