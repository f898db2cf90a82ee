#!/bin/bash
# Boots systemd in namespaces and a cgroup of its own, with a checkout at /opt/fairway, the units, and what they ask for; then
# runs session.sh there. All that it writes is on file systems of memory, but for what it says in the folder OUT.
#   boot.sh CGROUP OUT CHECKOUT NATS_SERVER
set -e
hierarchies() { sed -n 's/^.* \(\/[^ ]*\) [^ ]* .*- \(cgroup2\?\) [^ ]* \(.*\)$/\1 \2 \3/p' /proc/self/mountinfo; }

if [ "$1" != inside ]; then
  hierarchies | while read -r dir type options; do
    mkdir -p "$dir/$1"
    # A group of this one has no processor and no memory until it is given some (cgroup-v1/cpusets.rst).
    for what in cpus mems; do
      [ ! -e "$dir/cpuset.$what" ] || cat "$dir/cpuset.$what" >"$dir/$1/cpuset.$what"
    done
    echo $$ >"$dir/$1/cgroup.procs"
  done
  exec unshare --cgroup --pid --mount --uts --ipc --net --fork --kill-child "$0" inside "$@"
fi
shift
out=$2 checkout=$3 nats_server=$4

mount --make-rprivate /
mount -t proc proc /proc
mounted=$(hierarchies)
memory() { for dir in "$@"; do mkdir -p "$dir"; mount -t tmpfs -o mode=755 tmpfs "$dir"; done; }
memory /sys/fs/cgroup
while read -r dir type options; do
  mkdir -p "$dir"
  if [ "$type" = cgroup2 ]; then mount -t cgroup2 cgroup2 "$dir"; else mount -t cgroup -o "${options#*,}" cgroup "$dir"; fi
done <<<"$mounted"
memory /opt
mkdir -p /opt/fairway "/run/$$"
mount --bind "$checkout" /opt/fairway
mount --bind "$out" /mnt
cp "$nats_server" /mnt/nats-server
memory /run /tmp /etc/fairway /etc/systemd/system /usr/lib/systemd/system-generators /var/lib /var/log
mkdir -p /run/systemd/system/try.target.wants

ip link set lo up
ip link add lan0 type veth peer name lan1
ip addr add 10.97.0.1/24 dev lan0
ip link set lan0 up
ip link set lan1 up
echo 1 >/proc/sys/net/ipv4/ip_forward

here=/opt/fairway/infra/systemd
for name in decider sentinel console node; do
  echo FAIRWAY_NATS=tls://127.0.0.1:4222 >/etc/fairway/$name.env
  cp $here/fairway-$name.service /run/systemd/system/
  mkdir /run/systemd/system/fairway-$name.service.d
  printf '[Service]\nStandardError=append:/mnt/%s.log\n' $name >/run/systemd/system/fairway-$name.service.d/log.conf
done
cp $here/machine/*.service $here/machine/*.target /run/systemd/system/
ln -s ../session.service /run/systemd/system/try.target.wants/
# As a machine's own systemd makes it (systemd's mount-setup.c); a container's leaves it as it finds it.
mount --make-rshared /
container=fairway-try exec /lib/systemd/systemd --system --unit=try.target --log-target=console
