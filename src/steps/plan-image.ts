/** What publishing an image sends. */

import type { ImagePart } from '../deployment/messages';
import type { DeploymentSpec, ImageFile } from '../deployment/types';
import { call } from './plan-cloud';
import type { PlannedAction } from './plan-cloud';

const FILES = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root' } as const;

export function publishActions({ image }: DeploymentSpec, part: ImagePart): PlannedAction[] {
  if ('id' in image) return [];
  const name = part === 'machine' ? image.name : `${image.name}-${part}`;
  const manifest = `${image.bucket}/${name}.manifest.xml`;
  const ids: Readonly<Record<string, string>> =
    part === 'machine' ? { KernelId: '<kernel>', RamdiskId: '<ramdisk>' } : {};
  return [
    {
      where: 'cloud',
      what: `PUT /${image.bucket}/${name}.part.<n>`,
      note: `the bundle of ${fileText(image[FILES[part]])}; parts that are there with the same MD5 are not sent`,
    },
    { where: 'cloud', what: `PUT /${manifest}`, note: 'last' },
    call(
      'RegisterImage',
      { ImageLocation: manifest, Name: name, Architecture: image.architecture, ...ids },
      'unless an image of that name and place is registered',
    ),
  ];
}

function fileText(file: ImageFile): string {
  const where = 'url' in file ? file.url : file.file;
  return file.inside === undefined ? where : `${file.inside} in ${where}`;
}
