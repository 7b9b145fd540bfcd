/** The image: section `image`. Of which keys there must be more is in `rules.ts`. */

import { z } from 'zod';
import { choice, flag, mapping, shaped, text, wrongType } from './fields';
import { withHint } from './problems';
import { filePath, secret } from './references';
import { HYPERVISORS } from '../deployment/spec';
import type { Architecture } from '../deployment/spec';

const ARCHITECTURES = ['x86_64', 'i386'] as const satisfies readonly Architecture[];

const ONE_SOURCE = withHint(
  'must have exactly one of file and url',
  'write { file: path }, or { url: http://…, sha256: … }',
);
const FILE_EXAMPLE = '/var/images/stackato.img';

const imageId = shaped({
  about: 'Id of a registered image.',
  expects: 'emi- or ami- and 8 or 17 hexadecimal digits',
  example: 'emi-12345678',
  shape: /^(emi|ami)-([0-9A-Fa-f]{8}|[0-9A-Fa-f]{17})$/,
  refusal: 'is not an image id',
});

const sha256 = shaped({
  about: 'SHA-256 of the file itself, not of what is inside of it. Needed with url.',
  expects: '64 hexadecimal digits',
  example: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  shape: /^[0-9A-Fa-f]{64}$/,
  refusal: 'is not a SHA-256',
});

function fileOf(about: string) {
  const words = {
    about: `${about} A path on the machine of the worker, relative to the folder of this spec, or a mapping with file or url.`,
    expects: 'a path',
    example: FILE_EXAMPLE,
  };
  const written = mapping(
    {
      file: filePath(
        'Path of a file on the machine of the worker; relative to the folder of this spec.',
        FILE_EXAMPLE,
      ).optional(),
      url: text({
        about: 'Where the worker fetches it.',
        expects: 'a URL',
        example: 'https://images.example.com/stackato.zip',
        fault: urlFault,
        pattern: '^[Hh][Tt][Tt][Pp][Ss]?://',
      }).optional(),
      sha256: sha256.optional(),
      inside: text({
        about: 'Of the files in a .zip or .tar.gz, the one that is meant: its name, or the end of it.',
        expects: 'the name of a file',
        example: 'stackato.img',
        fault: entryFault,
      }).optional(),
    },
    words,
  ).superRefine((file, context) => {
    if ((file.file === undefined) === (file.url === undefined))
      context.addIssue({ code: 'custom', message: ONE_SOURCE });
    else if (file.url !== undefined && file.sha256 === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['sha256'],
        message: withHint('is missing, and url needs it', 'give what `sha256sum` prints of the file'),
      });
    }
  });
  return z
    .union([filePath(words.about, FILE_EXAMPLE), written], { error: wrongType(words, 'text') })
    .meta({ description: words.about })
    .optional();
}

const signing = mapping(
  {
    account: shaped({
      about: 'Number of the account: EC2_USER_ID in the eucarc of its credentials.',
      expects: '12 digits in quotes',
      example: '"123456789012"',
      shape: /^[0-9]{12}$/,
      refusal: 'is not an account number',
    }),
    certificate: filePath(
      'PEM file with the certificate of the user; relative to the folder of this spec.',
      'euca2-admin-cert.pem',
    ),
    privateKey: secret('The private key of that certificate, in PEM, without a passphrase.'),
    cloudCertificate: filePath(
      'PEM file with the certificate of the cloud; relative to the folder of this spec.',
      'cloud-cert.pem',
    ),
  },
  {
    about: 'What bundles are signed and encrypted with: the credentials the cloud gave to the account.',
    expects: 'account, certificate, privateKey and cloudCertificate',
    example:
      '{ account: "123456789012", certificate: euca2-cert.pem, privateKey: { file: euca2-pk.pem }, cloudCertificate: cloud-cert.pem }',
  },
).optional();

const imageWords = {
  about: 'The Stackato image: the id of a registered one, a mapping with it, or what to make one of.',
  expects: 'an image id',
  example: 'emi-12345678',
};

export const image = z
  .union(
    [
      imageId,
      mapping(
        {
          id: imageId.optional(),
          name: text({
            about: 'Name the image is registered under, and of what is uploaded; another one for every other content.',
            expects: 'a name',
            example: 'stackato-v2.6.6',
            fault: nameFault,
          }).optional(),
          bucket: shaped({
            about: 'Bucket for its parts; made where there is none.',
            expects: '3 to 63 lower-case letters, digits, hyphens and dots',
            example: 'stackato-images',
            shape: /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/,
            refusal: 'is not the name of a bucket',
          }).optional(),
          architecture: choice(ARCHITECTURES, { about: 'What it runs on.' }).default('x86_64'),
          kernel: fileOf('The kernel.'),
          ramdisk: fileOf('The initial ramdisk.'),
          root: fileOf(
            'The root file system: raw, packed (.zip, .tar.gz, .gz, .xz), or a qcow2 or VMDK disk, for which qemu-img is needed.',
          ),
          catalog: text({
            about:
              'Catalogue of an image store, from which kernel, ramdisk and root are taken: a URL, or a path relative to the folder of this spec. One that ends in a slash is the address of the store.',
            expects: 'a URL or a path',
            example: 'https://images.example.com/catalog',
            fault: catalogFault,
          }).optional(),
          entry: text({
            about:
              'Which image of the catalogue: what it is called there (the name of its archive, its version, release, description, or its name of ten digits).',
            expects: 'text',
            example: 'stackato-v2.6.6',
            fault: (value) =>
              /^[^\0-\x1f\x7f]{1,255}$/.test(value)
                ? undefined
                : withHint(
                    'cannot be the name of an image in a catalogue',
                    'give what `stackato-deploy image list` shows',
                  ),
          }).optional(),
          hypervisor: choice(HYPERVISORS, {
            about: 'Whose kernel is taken from an archive that has one for each hypervisor.',
          }).optional(),
          signing,
          cloudInit: flag(
            'Whether it has cloud-init: then its user data is made of the spec, and the step cloud-init looks at what its first boot did.',
          ).default(false),
        },
        imageWords,
      ),
    ],
    { error: wrongType(imageWords, 'text') },
  )
  .meta({ description: imageWords.about });

/** It becomes the prefix of objects, of files in an archive, and of the names of kernel and ramdisk. */
function nameFault(value: string): string | undefined {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{2,90}$/.test(value))
    return withHint(
      'is not a name for an image',
      'give 3 to 91 letters, digits, dots, underscores and hyphens, such as stackato-v2.6.6',
    );
  if (/^(vmlinuz|initrd|windows)/i.test(value))
    return withHint(
      'begins with vmlinuz, initrd or windows, so clouds would not take it for a machine image',
      'begin it with another word, such as stackato-v2.6.6',
    );
  if (/-(kernel|ramdisk)$/.test(value))
    return withHint('ends as the names of kernels and ramdisks do', 'end it with something else, such as the release');
  return undefined;
}

function entryFault(value: string): string | undefined {
  if (/^[^\0-\x1f\x7f/][^\0-\x1f\x7f]{0,1023}$/.test(value)) return undefined;
  return withHint(
    'is not the name of a file in an archive',
    'give its name, or the end of it from the last slash on, such as stackato.img',
  );
}

function catalogFault(value: string): string | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(value)) return urlFault(value);
  return /^[^\0-\x1f\x7f]{1,4096}$/.test(value)
    ? undefined
    : withHint('is not a path', 'give a URL, or the path of a file');
}

function urlFault(value: string): string | undefined {
  const remedy = 'write it like https://images.example.com/stackato.zip';
  const url = /^[\x21-\x7e]+$/.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return withHint('is not an http or https URL', remedy);
  // Signed addresses carry a secret, and a spec is readable in the history.
  if (url.username !== '' || url.password !== '' || /[?#]/.test(value))
    return withHint('has a user, a password, a query or a fragment', remedy);
  return undefined;
}
