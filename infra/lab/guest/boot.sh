# Process 1 of the lab's guest once it sees the machine's files: makes the rest of a Linux machine, runs what it was
# told to, and says so on the line `control`: `up`, `failed WHY`, `status NUMBER`.
parcels=/sys/firmware/qemu_fw_cfg/by_name/opt/fairway
. "$parcels/settings/raw"
export PATH
shopt -s extglob nullglob

# Without udev the lines have numbers only; each has its name in a file.
line() { echo "/dev/$(basename "$(dirname "$(grep -lx "$1" /sys/class/virtio-ports/*/name)")")"; }

prepare() {
  set -e
  mount -t tmpfs -o mode=755 run /run
  mkdir -p /run/lock /run/lab /dev/pts /dev/shm /dev/mqueue
  mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs shm /dev/shm
  mount -t mqueue mqueue /dev/mqueue
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  ln -s /proc/self/fd /dev/fd
  ln -s fd/0 /dev/stdin
  ln -s fd/1 /dev/stdout
  ln -s fd/2 /dev/stderr
  # Docker's own overlays cannot lie on one: a folder for them that is none, with what else is there. Clusters of the
  # machine are not the guest's.
  mount -t tmpfs -o mode=755 lib /var/lib
  ln -s /host/var/lib/!(fairway-*|docker) /var/lib/
  # Whatever its data-root is, dockerd writes a load balancer's files there.
  mkdir /var/lib/docker
  mkdir -p /lib/modules
  mount --bind "$FAIRWAY_LAB_MODULES" /lib/modules
  modprobe -a $FAIRWAY_LAB_LOAD
  hostname lab
  ip link set lo up
}

run_command() {
  mkfifo /run/lab/out /run/lab/err
  cat /run/lab/out >"$(line out)" &
  cat /run/lab/err >"$(line err)" &
  group=/sys/fs/cgroup/command
  mkdir "$group"
  (
    echo "$BASHPID" >"$group/cgroup.procs"
    cd "$FAIRWAY_LAB_PROJECT" && exec bash -c "$(<"$parcels/command/raw")"
  ) </dev/null >/run/lab/out 2>/run/lab/err 3>&-
  status=$?
  # What it left in the background would hold its output open.
  echo 1 >"$group/cgroup.kill"
  wait
}

run_shell() {
  terminal=/dev/hvc0
  stty -F "$terminal" sane rows "$FAIRWAY_LAB_ROWS" columns "$FAIRWAY_LAB_COLUMNS"
  while read -r _ rows columns; do stty -F "$terminal" rows "$rows" columns "$columns"; done <&3 &
  cd "$FAIRWAY_LAB_PROJECT"
  setsid --ctty --wait bash -i <>"$terminal" >&0 2>&1 3>&-
  status=$?
  # Returns when the other side has everything.
  stty -F "$terminal" sane
}

# Nothing can be said before there is a line, and then a panic (process 1 ends) is what says it.
exec 3<>"$(line control)" || exit 1
(prepare) 2>/dev/lab-failure || {
  echo "failed $(tail -n 1 /dev/lab-failure)" >&3
  sleep infinity
}
echo up >&3
if [ -e "$parcels/command" ]; then run_command; else run_shell; fi
echo "status $status" >&3
# This side's part is done; the other one ends the machine.
sleep infinity
