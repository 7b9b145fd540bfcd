# Sourced by the simulated programs for disks. A disk is a folder of the host: `raw` stands for its bytes, `signature` is
# what blkid finds, `fs` holds the files. Its device is a link to `raw`, so that it is found by any name.
# Mounted: the mount point is a link to `fs`, and what it hides is in run/hidden.

PATH=${PATH#*:}
root=$STACKATO_LAB_MACHINE/root
table=$root/proc/self/mountinfo
hidden=$STACKATO_LAB_MACHINE/run/hidden

complain() { echo "${0##*/}: $*" >&2; }
must_be_root() { [ -n "$STACKATO_LAB_ROOT" ] || { complain 'only root can do that'; exit 1; }; }
folder_of() { dirname "$(readlink "$1")"; }
# value <device> <name>
value() { sed -n "s/^$2=//p" "$(folder_of "$1")/signature" 2>/dev/null; }
number_of() { cat "$root/sys/block/${1##*/}/dev" "$root/sys/block/"*/"${1##*/}/dev" 2>/dev/null; }
is_mounted() { grep -q " $(number_of "$1") / " "$table"; }
is_mount_point() { awk -v m="$1" '$5 == m { f = 1 } END { exit !f }' "$table"; }
with_uuid() {
  for device in "$root"/dev/*; do
    if [ -L "$device" ] && [ "$(value "$device" UUID)" = "$1" ]; then echo "$device"; return; fi
  done
}
