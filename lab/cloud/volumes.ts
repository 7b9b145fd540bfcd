/** The volumes of a cloud. moto is not asked: a volume's data is a folder of the host, which outlives its machines. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LabVolume } from '../types';
import type { Tag } from './records';

/** Shortest time that a volume is being created, attached, detached or deleted. */
const CHANGE_MS = 300;
/** How long Eucalyptus lists a deleted volume. */
const LISTED_MS = 60 * 60_000;

export interface VolumeRecord extends LabVolume {
  readonly zone: string;
  readonly createdAt: string;
  state: 'creating' | 'available' | 'in-use' | 'deleting' | 'deleted';
  attachment?: {
    readonly instanceId: string;
    readonly device: string;
    readonly at: string;
    state: 'attaching' | 'attached' | 'detaching';
  };
  tags: readonly Tag[];
}

export interface VolumeOptions {
  readonly dir: string;
  /** Hexadecimal digits of an id. */
  readonly idLength: 8 | 17;
  readonly listsDeleted: boolean;
}

export class Volumes {
  private readonly byId = new Map<string, VolumeRecord & { deletedAt?: number }>();

  constructor(private readonly options: VolumeOptions) {}

  all(): VolumeRecord[] {
    const { listsDeleted } = this.options;
    return [...this.byId.values()].filter(
      ({ state, deletedAt = 0 }) => state !== 'deleted' || (listsDeleted && Date.now() < deletedAt + LISTED_MS),
    );
  }

  get(id: string): VolumeRecord | undefined {
    return this.all().find((volume) => volume.id === id);
  }

  create(size: number, zone: string, tags: readonly Tag[]): VolumeRecord {
    const id = `vol-${randomBytes(9).toString('hex').slice(0, this.options.idLength)}`;
    const dir = join(this.options.dir, id);
    mkdirSync(dir, { recursive: true });
    const volume: VolumeRecord = { id, size, zone, dir, createdAt: new Date().toISOString(), state: 'creating', tags };
    this.byId.set(id, volume);
    later(() => {
      if (volume.state === 'creating') volume.state = 'available';
    });
    return volume;
  }

  /** @param plug tells the machine */
  attach(volume: VolumeRecord, instanceId: string, device: string, plug: () => Promise<void>): void {
    const attachment: NonNullable<VolumeRecord['attachment']> = {
      instanceId,
      device,
      at: new Date().toISOString(),
      state: 'attaching',
    };
    volume.state = 'in-use';
    volume.attachment = attachment;
    later(async () => {
      if (volume.attachment !== attachment || attachment.state !== 'attaching') return;
      try {
        await plug();
        attachment.state = 'attached';
      } catch {
        this.free(volume);
      }
    });
  }

  /** @param unplug rejects while the machine uses the disk: then it stays as it is */
  detach(volume: VolumeRecord, unplug: () => Promise<void>): void {
    const { attachment } = volume;
    if (attachment === undefined) return;
    attachment.state = 'detaching';
    later(async () => {
      try {
        await unplug();
        if (volume.attachment === attachment) this.free(volume);
      } catch {
        attachment.state = 'attached';
      }
    });
  }

  /** The instance is gone, and has let go of its disks. */
  freeAllOf(instanceId: string): void {
    for (const volume of this.byId.values()) if (volume.attachment?.instanceId === instanceId) this.free(volume);
  }

  delete(volume: VolumeRecord): void {
    volume.state = 'deleting';
    later(() => {
      rmSync(volume.dir, { recursive: true, force: true });
      Object.assign(volume, { state: 'deleted', deletedAt: Date.now() });
    });
  }

  private free(volume: VolumeRecord): void {
    delete volume.attachment;
    if (volume.state === 'in-use') volume.state = 'available';
  }
}

/** unref: the timer must not delay the end of the lab. */
function later(step: () => void | Promise<void>): void {
  setTimeout(() => void step(), CHANGE_MS).unref();
}
