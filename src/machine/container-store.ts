/**
 * Moves the container store, /lxc/containers or where the release has it, from the root volume to a disk of its own, mounted at /mnt/lxc: the sequence of the runbook's
 * author (WIKI; `kato relocate` is broken in 2.6.6). Any line may be the last one before a power failure: the next run goes on from what it
 * finds.
 *
 * What it finds, in order:
 * - `/lxc/containers` is a directory: the data is there. `/mnt/lxc/containers` is a verified copy of it, not in use yet, if the two
 *   `.stackato-deploy-move` files are the same; else it came with the disk, from another machine, and is kept.
 * - `/lxc/containers.moved` is there and `/lxc/containers` is no link: the copy is verified, and the link is missing. If kato has made
 *   another `/lxc/containers` meanwhile, that one is kept.
 * - `/lxc/containers` is a link: the data is on the disk, and `/lxc/containers.moved` may go.
 */

import { inSections, shellQuote } from './shell';
import type { Sections } from './shell';

/** What is known of the disk. */
export type StoreDisk =
  | { readonly kind: 'ephemeral' }
  | {
      readonly kind: 'volume';
      readonly id: string;
      /** GiB. */
      readonly size: number;
      /** The disks that the machine had in that boot, before the volume was attached. */
      readonly before?: DisksOfBoot;
      /** Nobody else had it before, so it needs no check for data without a signature. */
      readonly ours: boolean;
    };

export interface DisksOfBoot {
  readonly boot: string;
  readonly names: readonly string[];
}

/** Labels of ext4 have up to 16 characters. A file system with the second label was made by us and never held data. */
export const STORE_LABEL = 'stackato-lxc';
const NEW_LABEL = 'stackato-new';

const MOUNT_POINT = '/mnt/lxc';
const STORE = `${MOUNT_POINT}/containers`;
/** In the account's home: kato was stopped by us, and not started since. */
const STOPPED = '$HOME/.stackato-deploy/kato-stopped';

export const READ_DISKS = inSections({
  boot: 'cat /proc/sys/kernel/random/boot_id',
  disks: 'for s in /sys/block/*; do echo "${s##*/}"; done',
});

export function disksOfBoot(sections: Sections): DisksOfBoot {
  const lines = (sections['disks'] ?? '').split('\n').map((line) => line.trim());
  return {
    boot: (sections['boot'] ?? '').trim(),
    names: lines.filter((name) => /^[\w.!-]+$/.test(name)),
  };
}

/** @param folder of the containers, in this release */
export function readStore(folder: string): string {
  return inSections({
    link: `readlink ${folder}`,
    // Of all that was mounted there, the last counts. Where cloud-init has mounted the ephemeral disk at /mnt, the store is in that.
    mounted: `awk '$5 == "${MOUNT_POINT}" { d = $3 } $5 == "/mnt" && d == "" { d = $3 } END { print d }' /proc/self/mountinfo`,
    there: `[ -d ${STORE} ] && echo yes`,
    fstab: `grep -cE '^[^#[:space:]]+[[:space:]]+(/mnt|${MOUNT_POINT})[[:space:]]' /etc/fstab`,
    sectors:
      'for s in /sys/block/* /sys/block/*/*; do [ ! -f "$s/dev" ] || echo "$(cat "$s/dev") $(cat "$s/size")"; done',
    unfinished: `ls -d ${folder}.moved; ls "${STOPPED}"`,
    free: `df -Pk ${folder}/ | tail -n 1`,
  });
}

export interface StoreState {
  /** It is on a disk of its own that will be mounted at the next boot, too, and nothing is left to do. */
  readonly moved: boolean;
  /** Of that disk. */
  readonly sectors?: number;
  /** KiB; of the file system that it is on. */
  readonly free?: number;
}

export function storeStateOf(sections: Sections): StoreState {
  const text = (name: string): string => (sections[name] ?? '').trim();
  const device = text('mounted');
  const size = text('sectors')
    .split('\n')
    .map((line) => line.trim().split(' '))
    .find(([number]) => device !== '' && number === device)?.[1];
  const free = Number(text('free').split(/\s+/)[3]);
  return {
    // The link is compared by its end, because a machine of the lab has its files in a folder of the host.
    moved:
      text('link').endsWith(STORE) &&
      device !== '' &&
      text('there') === 'yes' &&
      Number(text('fstab')) > 0 &&
      text('unfinished') === '',
    ...(size === undefined ? {} : { sectors: Number(size) }),
    ...(Number.isFinite(free) && free > 0 ? { free } : {}),
  };
}

const SECTORS_PER_GIB = 2 ** 21;

export function sectorsOf({ size }: { readonly size: number }): number {
  return size * SECTORS_PER_GIB;
}

/** What the script prints where it gives up: a code and the reason. */
const REFUSAL = /^container-store: ([A-Z_]+): (.+?)\r?$/m;

const REFUSALS = ['DISK_NOT_EMPTY', 'DISK_NOT_FOUND', 'DISK_TOO_SMALL', 'STORE_NOT_MOVED'] as const;

export function storeRefusal(
  output: string,
): { readonly code: (typeof REFUSALS)[number]; readonly message: string } | undefined {
  const [, word, message = ''] = REFUSAL.exec(output) ?? [];
  const code = REFUSALS.find((each) => each === word);
  return code === undefined ? undefined : { code, message };
}

/** Begins both of root's scripts. */
function common(folder: string): string {
  return `export LC_ALL=C
M=${MOUNT_POINT}
C=${folder}
T=${STORE}
O=$C.moved
K=$C.kept
exists() { [ -e "$1" ] || [ -L "$1" ]; }
say() { printf 'container-store: %s\\n' "$*"; }
fail() { say "$@"; exit 1; }`;
}

/**
 * Devices are told apart by what /sys and their contents say, never by the name that was requested: KVM shows a volume as the next free
 * /dev/vdX whatever the request said, Xen and AWS as /dev/xvdX or /dev/nvmeXn1.
 * - `blkid -p` looks at the disk itself, not at its cache. It returns 2 where it finds nothing and 8 where it finds several signatures.
 * - mountinfo has device numbers: Ubuntu 12.04 mounts its root by /dev/disk/by-uuid.
 * - `nobootwait` is the word of mountall, which starts Ubuntu up to 14.10: without it, a boot waits for a disk that is gone. Later kernels
 *   refuse to mount with a word that they do not know.
 */
const PREPARE = `DEV=/dev
F=\${C%/*}/.stackato-deploy-formatting
names() { for s in /sys/block/*; do case \${s##*/} in loop*|ram*|zram*|dm-*|md*|sr*|fd*|nbd*) ;; *) echo "\${s##*/}" ;; esac; done; }
parts() { for p in "/sys/block/$1/$1"*; do [ ! -f "$p/dev" ] || echo "\${p##*/}"; done; }
folder() { for s in "/sys/block/$1" /sys/block/*/"$1"; do [ ! -f "$s/dev" ] || { echo "$s"; return 0; }; done; }
number() { s=$(folder "$1"); cat "$s/dev"; }
sectors() { s=$(folder "$1"); cat "$s/size"; }
mounted_at() { awk -v d="$(number "$1")" '$3 == d { print $5; exit }' /proc/self/mountinfo; }
probe() { blkid -p -s "$2" -o value "$DEV/$1"; }
is_swap() { grep -q "^$DEV/$1[[:space:]]" /proc/swaps || [ "$(probe "$1" TYPE)" = swap ]; }
largest() { while read -r n; do echo "$(sectors "$n") $n"; done | sort -k 1,1nr -k 2 | head -n 1 | cut -d ' ' -f 2; }
label_is_ours() { l=$(probe "$1" LABEL); [ "$l" = ${STORE_LABEL} ] || [ "$l" = ${NEW_LABEL} ]; }
contents() {
  p=$(parts "$1")
  if [ -n "$p" ]; then echo "partitions:" $p; return 0; fi
  head -c 4096 "$DEV/$1" > /dev/null || { echo 'what cannot be read'; return 0; }
  w=$(blkid -p "$DEV/$1"); r=$?
  if [ -n "$w" ]; then echo "\${w#*: }"; return 0; fi
  if [ $r != 2 ]; then echo "signatures that blkid cannot tell apart"; return 0; fi
  if command -v wipefs > /dev/null; then
    w=$(wipefs -n "$DEV/$1")
    if [ -n "$w" ]; then echo "$w" | tail -n 1; return 0; fi
  fi
  if [ "$CHECK_ZERO" = yes ] && [ "$(cat "$F" 2> /dev/null)" != "$ID" ] && [ "$(head -c 1048576 "$DEV/$1" | tr -d '\\0' | wc -c)" != 0 ]; then
    echo 'data without a signature'
  fi
}
find_ephemeral() {
  all=$(for d in $(names); do p=$(parts "$d"); echo "\${p:-$d}"; done)
  free=
  for n in $all; do
    at=$(mounted_at "$n")
    if [ "$at" = "$M" ] || [ "$at" = /mnt ]; then echo "$n"; return 0; fi
    if [ -z "$at" ] && ! is_swap "$n"; then free="$free $n"; fi
  done
  for n in $free; do if label_is_ours "$n"; then echo "$n"; return 0; fi; done
  for n in $free; do echo "$n"; done | largest
}
find_volume() {
  fits=
  for n in $(names); do
    case $(cat "/sys/block/$n/serial" "/sys/block/$n/device/serial" 2> /dev/null | tr -d ' \\n') in
      *"$ID"*|*"$(echo "$ID" | tr -d -)"*) echo "$n"; return 0 ;;
    esac
    [ "$(sectors "$n")" = "$SECTORS" ] || continue
    at=$(for p in "$n" $(parts "$n"); do mounted_at "$p"; done | head -n 1)
    if [ "$at" = "$M" ]; then echo "$n"; return 0; fi
    case " $BEFORE " in *" $n "*) continue ;; esac
    if [ -z "$at" ] && ! is_swap "$n"; then fits="$fits $n"; fi
  done
  set -- $fits
  if [ $# -gt 1 ]; then for n; do if label_is_ours "$n"; then set -- "$n"; break; fi; done; fi
  if [ $# -gt 1 ]; then fail "DISK_NOT_FOUND: the disks $* have the size of $ID, and any of them may be it" >&2; fi
  echo "$1"
}
was_here() { for p in "$C" "$O" "$K".*; do exists "$p" && return 0; done; return 1; }
no_store() { fail "STORE_NOT_MOVED: this release was assumed to keep its containers in $C, and there is no such folder"; }
format() {
  printf '%s\\n' "$ID" > "$F"
  sync
  mkfs.ext4 -q -F -L ${NEW_LABEL} "$DEV/$1" || fail "STORE_NOT_MOVED: mkfs.ext4 fails on $DEV/$1"
  sync
}
take_over() {
  e2label "$DEV/$1" ${STORE_LABEL} || fail "STORE_NOT_MOVED: e2label fails on $DEV/$1"
  sync
  rm -f "$F"
}
is_empty() {
  mkdir -p "$M.look"
  case $(probe "$1" TYPE) in ext2) o=ro ;; *) o=ro,noload ;; esac
  mount -o $o "$DEV/$1" "$M.look" || return 1
  files=$(ls -A "$M.look" | grep -vx lost+found)
  umount "$M.look"
  rmdir "$M.look"
  [ -z "$files" ]
}
umount "$M.look" 2> /dev/null
if [ "$BOOT" != "$(cat /proc/sys/kernel/random/boot_id)" ]; then BEFORE=; fi
i=0
while d=$("find_$KIND") || { printf '%s\\n' "$d"; exit 1; }; [ -z "$d" ] && [ $i -lt $PATIENCE ]; do sleep 1; i=$((i + 1)); done
[ -n "$d" ] || fail "DISK_NOT_FOUND: the machine has no disk for it; it has: $(names | tr '\\n' ' ')"
at=$(mounted_at "$d")
if [ "$at" != "$M" ] && { [ "$at" != /mnt ] || [ $KIND != ephemeral ]; }; then
  [ -z "$at" ] || fail "DISK_NOT_EMPTY: $DEV/$d is mounted at $at"
  awk -v m="$M" '$5 == m { f = 1 } END { exit !f }' /proc/self/mountinfo && fail "STORE_NOT_MOVED: another disk is mounted at $M"
  l=$(probe "$d" LABEL)
  # The link may be all that is missing, and the data on the disk.
  [ "$l" = ${STORE_LABEL} ] || was_here || no_store
  case $l in
    ${STORE_LABEL}) rm -f "$F" ;;
    ${NEW_LABEL})
      format "$d"
      take_over "$d" ;;
    *)
      has=$(contents "$d")
      if [ -z "$has" ]; then
        format "$d"
        take_over "$d"
      else
        case $KIND:$(probe "$d" TYPE) in
          ephemeral:ext[234])
            is_empty "$d" || fail "DISK_NOT_EMPTY: $DEV/$d has files and $has"
            take_over "$d" ;;
          *) fail "DISK_NOT_EMPTY: $DEV/$d has $has" ;;
        esac
      fi ;;
  esac
  mkdir -p "$M"
  [ -z "$(ls -A "$M")" ] || fail "STORE_NOT_MOVED: $M is not empty and would be hidden"
  mount "$DEV/$d" "$M" || fail "STORE_NOT_MOVED: mount fails on $DEV/$d"
fi
was_here || [ -d "$T" ] || no_store
if [ "$(mounted_at "$d")" = "$M" ]; then
  u=$(probe "$d" UUID)
  [ -n "$u" ] || fail "STORE_NOT_MOVED: $DEV/$d has no UUID"
  if ! grep -q "^UUID=$u[[:space:]]*$M[[:space:]]" /etc/fstab; then
    if [ -e /sbin/mountall ]; then o=nofail,nobootwait; else o=nofail; fi
    { grep -v "^[^#[:space:]]*[[:space:]]*$M[[:space:]]" /etc/fstab; echo "UUID=$u $M $(probe "$d" TYPE) defaults,$o 0 2"; } > /etc/fstab.stackato-deploy
    sync
    chmod 644 /etc/fstab.stackato-deploy
    mv /etc/fstab.stackato-deploy /etc/fstab
    sync
  fi
fi
mkdir -p "$M"
say "$d is ready"`;

/**
 * - A directory becomes valid by its last `mv`, never while it is being filled or emptied.
 * - Lists for the comparison are written to the disk, because the root volume may be full.
 * - Times are compared to the minute, because ext3 keeps no fractions; directories without theirs. MD5 finds damage, not an attacker.
 */
const MOVE = `P=$T.part
HERE=\${C%/*}/.stackato-deploy-move
THERE=$M/.stackato-deploy-move
listing() (
  cd "$1" || exit 1
  { find . ! -type d -printf '%y %m %U %G %n %s %TY-%Tm-%Td %TH:%TM %l %p\\0'; find . -type d -printf '%y %m %U %G %p\\0'; } | tr '\\n\\0' '\\1\\n' || exit 1
  find . -type f -print0 | sort -z | xargs -0 -r md5sum
)
lists() { listing "$1" > "$M/.list.1" && listing "$2" > "$M/.list.2" && sort -o "$M/.list.1" "$M/.list.1" && sort -o "$M/.list.2" "$M/.list.2"; }
same() { lists "$1" "$2" && cmp -s "$M/.list.1" "$M/.list.2"; }
is_part_of() { lists "$1" "$2" && [ -z "$(comm -23 "$M/.list.1" "$M/.list.2")" ]; }
set_aside() {
  k=1
  while [ -e "$K.$k" ]; do k=$((k + 1)); done
  mv "$1" "$K.$k"
  sync
}
merge() {
  for k in "$K".*; do
    [ -d "$k" ] || continue
    cp -an "$k/." "$T/"
    sync
    if is_part_of "$k" "$T"; then rm -rf "$k"; else say "kept $k: files of the same name on the disk differ"; fi
  done
}
put_back() { e=$?; if ! exists "$C" && [ -d "$O" ]; then mv "$O" "$C"; fi; exit $e; }
trap put_back EXIT
trap 'exit 143' INT TERM
awk -v m="$M" '$5 == m || $5 == "/mnt" { f = 1 } END { exit !f }' /proc/self/mountinfo || fail "STORE_NOT_MOVED: nothing is mounted at $M"
# The disk that had the data is lost: an original that is still there is moved again.
if [ ! -d "$T" ]; then
  [ "$(readlink "$C")" != "$T" ] || rm "$C"
  if [ -d "$O" ]; then
    if exists "$C"; then set_aside "$C"; fi
    mv "$O" "$C"
  fi
  sync
fi
if [ "$(readlink "$C")" != "$T" ]; then
  [ ! -L "$C" ] || fail "STORE_NOT_MOVED: $C is a link to $(readlink "$C")"
  if [ ! -d "$O" ]; then
    mkdir -p "$C"
    if [ -d "$T" ] && cmp -s "$HERE" "$THERE"; then
      rm -rf "$P"
      mv "$T" "$P"
    fi
    if [ -d "$T" ]; then set_aside "$C"
    else
      rm -rf "$P"
      od -An -N 16 -t x1 /dev/urandom > "$HERE"
      sync
      need=$(du -sk "$C" | cut -f 1) has=$(df -Pk "$M" | awk 'NR == 2 { print $4 }')
      [ "$need" -lt "$has" ] || fail "DISK_TOO_SMALL: the containers have $need KiB, and $M has $has KiB free"
      cp -a "$C" "$P" || fail "STORE_NOT_MOVED: the copy failed"
      sync
      same "$C" "$P" || fail "STORE_NOT_MOVED: the copy differs: $(diff "$M/.list.1" "$M/.list.2" | grep '^[<>]' | head -n 1)"
      cp "$HERE" "$THERE"
      sync
      mv "$P" "$T"
      sync
      mv "$C" "$O"
      sync
    fi
  fi
  if [ -d "$O" ]; then
    same "$O" "$T" || fail "STORE_NOT_MOVED: $O was changed after it was copied"
    if exists "$C"; then set_aside "$C"; fi
  fi
  merge
  ln -s "$T" "$C" || fail "STORE_NOT_MOVED: the link cannot be made"
  sync
fi
rm -rf "$O"
rm -f "$HERE" "$M/.list.1" "$M/.list.2"
sync
say "$C is on $(df -P "$M" | awk 'NR == 2 { print $1 }')"`;

/** How long a disk may take to appear on the machine once it is attached, s. */
const PATIENCE = 60;

/** The script for root that finds, formats and mounts the disk. It changes nothing of the store. */
function prepareDisk(disk: StoreDisk, folder: string, patience = PATIENCE): string {
  const volume = disk.kind === 'volume' ? disk : undefined;
  const settings = {
    KIND: disk.kind,
    ID: volume?.id ?? 'ephemeral',
    SECTORS: String(volume === undefined ? 0 : sectorsOf(volume)),
    BOOT: volume?.before?.boot ?? '',
    BEFORE: volume?.before?.names.join(' ') ?? '',
    CHECK_ZERO: volume?.ours === false ? 'yes' : 'no',
    PATIENCE: String(patience),
  };
  const assigned = Object.entries(settings).map(([name, value]) => `${name}=${shellQuote(value)}`);
  return `${assigned.join('\n')}\n${common(folder)}\n${PREPARE}`;
}

/** The script for root that moves the containers, while kato is stopped. */
function moveContainers(folder: string): string {
  return `${common(folder)}\n${MOVE}`;
}

/**
 * One command, for a detached job. `kato` is run by the account, never by root (A34 common/command-intro.inc). It is started whatever
 * happens; after a kill, the file tells the next run to do that.
 */
export function moveStore(disk: StoreDisk, folder: string, patience?: number): string {
  return `sh -c ${shellQuote(`stopped="${STOPPED}"
start() { trap - EXIT; kato start && rm -f "$stopped"; }
if [ -e "$stopped" ]; then trap start EXIT; fi
trap 'exit 143' INT TERM
sudo sh -c ${shellQuote(prepareDisk(disk, folder, patience))} || exit 1
mkdir -p "\${stopped%/*}"
: > "$stopped"
sync
trap start EXIT
kato stop
sudo sh -c ${shellQuote(moveContainers(folder))} || exit 1`)}`;
}
