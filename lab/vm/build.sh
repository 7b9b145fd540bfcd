#!/bin/sh
# Builds the kernel, ramdisk and root images of the lab's real machine: Debian by debootstrap, with guest/rootfs copied over it.
# The image with cloud-init comes first; the other one is the same tree after its packages and guest/cloud-init were removed.
# usage: build.sh <mirror> <suite> <output folder> <owner uid:gid>
set -eu
umask 022

PACKAGES=systemd-sysv,openssh-server,sudo,ifupdown,isc-dhcp-client,net-tools,dbus,linux-image-cloud-amd64,initramfs-tools,python3,nginx-light,resolvconf,dnsmasq,openssl,curl,iproute2,procps,rsync,netcat-openbsd
# debootstrap does not resolve the virtual package behind the second.
CLOUD_INIT=cloud-init,python3-cffi-backend
# These take time at every boot and nothing needs them. Without logind, sessions belong to ssh.service, which ends them at shutdown. Without
# dbus, systemctl does not look for logind, so that `reboot` prints nothing. cloud-init-local does what cloud-init then does again.
UNITS='apt-daily.timer apt-daily-upgrade.timer cloud-init-hotplugd.socket cloud-init-local.service dbus.service dbus.socket dev-hugepages.mount dev-mqueue.mount dpkg-db-backup.timer
  e2scrub_all.timer e2scrub_reap.service fstrim.timer getty@tty1.service ifupdown-pre.service kmod-static-nodes.service
  modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service
  modprobe@loop.service proc-sys-fs-binfmt_misc.automount resolvconf-pull-resolved.path resolvconf-pull-resolved.service
  sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount systemd-binfmt.service
  systemd-firstboot.service systemd-hwdb-update.service systemd-initctl.socket systemd-journald-audit.socket systemd-logind.service
  systemd-machine-id-commit.service systemd-modules-load.service systemd-pcrphase.service systemd-pcrphase-sysinit.service
  systemd-pstore.service systemd-repart.service systemd-sysusers.service systemd-update-done.service systemd-update-utmp.service
  systemd-update-utmp-runlevel.service'
GENERATORS='systemd-cryptsetup systemd-debug systemd-gpt-auto systemd-hibernate-resume systemd-integritysetup systemd-rc-local
  systemd-run systemd-system-update systemd-sysv systemd-veritysetup'
# 60-persistent-storage: fstab names file systems by UUID, and systemd waits for udev to know them.
RULES='50-udev-default 60-block 60-persistent-storage 99-systemd'
SIZE=1600M

if [ $# != 4 ]; then echo "usage: $0 <mirror> <suite> <output folder> <owner uid:gid>" >&2; exit 2; fi
if [ "$(id -u)" != 0 ]; then echo "$0: debootstrap needs root: run this as root." >&2; exit 1; fi
mirror=$1 suite=$2 out=$3 owner=$4
guest=$(cd "$(dirname "$0")/guest" && pwd)
mkdir -p "$(dirname "$out")"
out=$(cd "$(dirname "$out")" && pwd)/$(basename "$out")
work=$(mktemp -d "$out.XXXXXX")
root=$work/root
child=

# An interrupted debootstrap leaves proc and sys mounted in the tree.
clean() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then kill -KILL "-$child" 2> /dev/null && wait "$child" 2> /dev/null || true; fi
  sed -n "s|^[^ ]* \($work/[^ ]*\) .*|\1|p" /proc/mounts | sort -r | while read -r mount; do umount "$mount" || umount -l "$mount"; done
  rm -rf --one-file-system "$work"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Runs a command in a process group of its own, which is killed if this script is. Its output is shown only if it fails.
run() {
  setsid "$@" > "$work/log" 2>&1 < /dev/null &
  child=$!
  status=0
  wait "$child" || status=$?
  child=
  if [ "$status" != 0 ]; then tail -n 20 "$work/log" >&2; echo "$0: $1 failed (status $status)" >&2; exit 1; fi
}
inside() { LC_ALL=C.UTF-8 run chroot "$root" "$@"; }
say() { echo "image: $1"; }

say "packages from $mirror ($suite)"
run debootstrap --variant=minbase --include="$PACKAGES,$CLOUD_INIT" "$suite" "$root" "$mirror"

say 'account, files and units'
# Modes and owners of the checkout do not count; existing folders keep the modes that the packages gave them.
for tree in rootfs cloud-init; do
  tar -C "$guest/$tree" --exclude=__pycache__ --owner=0 --group=0 --mode=u=rwX,go=rX -cf "$work/$tree.tar" .
  tar -C "$root" --no-overwrite-dir -xpf "$work/$tree.tar"
done
(cd "$root/etc" && rm -f nginx/sites-enabled/default nginx/modules-enabled/* update-motd.d/* motd ssh/ssh_host_* resolvconf/resolv.conf.d/original \
  network/if-*.d/resolved dhcp/dhclient-*-hooks.d/debug dhcp/dhclient-exit-hooks.d/rfc3442-classless-routes)
inside useradd --create-home --shell /bin/bash --groups sudo,adm stackato
# The containers of applications, which fill the root file system of a small image.
mkdir -p "$root/lxc/containers"
cp -a "$root/home/stackato" "$root/lxc/containers/template"
for each in 1 2 3; do
  mkdir -p "$root/lxc/containers/app-$each/rootfs/app"
  head -c 3000000 /dev/urandom > "$root/lxc/containers/app-$each/rootfs/app/droplet.tgz"
  ln -s rootfs/app/droplet.tgz "$root/lxc/containers/app-$each/droplet"
done
inside chown -R stackato:stackato /lxc/containers/app-1
(cd "$root/lxc/containers" && find . -type f -exec sha256sum {} +) > "$root/usr/lib/stackato/containers.sha256"
ln -s /home/stackato/stackato "$root/s"
mkdir -p "$root/home/stackato/stackato/etc/kato" "$root/home/stackato/stackato/logs" "$root/var/lib/stackato" "$root/var/log/journal"
inside chown -R stackato:stackato /home/stackato
chmod 440 "$root/etc/sudoers.d/lecture"
inside python3 -m compileall -q /usr/lib/stackato /usr/lib/python3/dist-packages/cloudinit/config/cc_stackato.py
# With an empty machine-id, the first boot would set up all units again.
tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
echo stackato > "$root/etc/hostname"
printf '127.0.0.1\tlocalhost stackato\n' > "$root/etc/hosts"
inside systemctl set-default multi-user.target
inside systemctl mask $UNITS
mkdir "$root/etc/systemd/system-generators"
for name in $GENERATORS; do ln -s /dev/null "$root/etc/systemd/system-generators/$name-generator"; done
for rule in $(ls "$root/usr/lib/udev/rules.d" | sed 's/\.rules$//'); do
  case " $RULES " in *" $rule "*) ;; *) rm "$root/usr/lib/udev/rules.d/$rule.rules" ;; esac
done
inside systemctl enable metadata-network.service stackato-login.service stackato-name.service stackato.service

say 'ramdisk'
# The ramdisk loads all the modules that the machine needs. It does so without udev, which takes two seconds of every boot.
(cd "$root/usr/share/initramfs-tools" && rm -f hooks/udev hooks/dmsetup hooks/resume hooks/thermal scripts/init-top/udev scripts/init-bottom/udev scripts/local-premount/resume)
inside update-initramfs -u -k all
mv "$root"/boot/vmlinuz-* "$work/vmlinuz"
mv "$root"/boot/initrd.img-* "$work/initrd.img"

say 'root image with cloud-init'
rm -rf "$root"/boot/* "$root"/vmlinuz* "$root"/initrd.img* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* "$root"/usr/share/lintian "$root"/var/cache/debconf/*-old \
  "$root"/usr/lib/modules "$root"/usr/lib/udev/hwdb.*
make_image() { run mke2fs -q -t ext4 -L stackato -E root_owner=0:0 -d "$root" "$work/$1" "$SIZE"; }
make_image cloud-init.img

say 'root image without'
inside dpkg --purge cloud-init
tar -tf "$work/cloud-init.tar" | grep -v '/$' | (cd "$root" && xargs rm -f)
rm -rf "$root/etc/systemd/system/cloud-init.service.d" "$root/etc/cloud" "$root/var/lib/cloud" "$root"/usr/lib/python3/dist-packages/cloudinit
make_image root.img

mkdir -p "$out"
for file in vmlinuz initrd.img root.img cloud-init.img; do
  chown "$owner" "$work/$file"
  chmod 644 "$work/$file"
  mv "$work/$file" "$out/$file"
done
chown "$owner" "$out"
say "in $out"
