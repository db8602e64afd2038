#!/bin/sh
# In the machine, as its first process: what a Debian has when it is up, then the command in /result/command.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mkdir -p /dev/pts /dev/shm /run/lock "/lib/modules/$(uname -r)"
mount -t devpts -o mode=0620,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind "/modules/$(uname -r)" "/lib/modules/$(uname -r)"
ln -sf /proc/self/fd /dev/fd
for name in 0:stdin 1:stdout 2:stderr; do ln -sf "/proc/self/fd/${name%:*}" "/dev/${name#*:}"; done
ip link set lo up
hostname kernel-tests
modprobe tun
stty -opost </dev/console

# Whoever starts wireguard-go for an interface of ours has not seen that the kernel has WireGuard. Tests that are somebody
# else with a wireguard-go start it without the mark.
real=$(command -v wireguard-go) && mkdir /opt/wireguard-go && mv "$real" /opt/wireguard-go/wireguard-go &&
  cat >"$real" <<'WRAPPER' && chmod 0755 "$real"
#!/bin/sh
if [ -n "$BOREALIS_WG_INTERFACE" ]; then echo "$BOREALIS_WG_INTERFACE" >>/opt/wireguard-go/started; fi
exec /opt/wireguard-go/wireguard-go "$@"
WRAPPER

# Not the console itself: vitest would draw on it.
{
  setsid sh /result/command </dev/null 2>&1
  status=$?
  if [ -e /opt/wireguard-go/started ]; then
    echo "wireguard-go was started for these, though the kernel has WireGuard:" $(cat /opt/wireguard-go/started)
    [ "$status" != 0 ] || status=1
  fi
  echo "$status" >/result/status
} | cat >/dev/console
sync
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
