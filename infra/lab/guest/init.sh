#!/bin/busybox sh
# First process of the lab's guest, in its initramfs: puts the machine's own / below a layer that is in memory, and goes
# on there. Whatever fails here ends the guest by a panic, and the line before it says what failed.
set -e
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done

. /sys/firmware/qemu_fw_cfg/by_name/opt/fairway/settings/raw

$b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
$b mount -t tmpfs -o size=75% upper /upper
$b mkdir /upper/files /upper/work
$b mount -t overlay -o lowerdir=/host,upperdir=/upper/files,workdir=/upper/work root /root
# The machine's files as they are remain to be seen there.
$b mkdir /root/host
for dir in host proc sys dev; do
  $b mkdir -p "/root/$dir"
  $b mount --move "/$dir" "/root/$dir"
done
exec $b switch_root /root /bin/bash "$FAIRWAY_LAB_PROJECT/infra/lab/guest/boot.sh"
