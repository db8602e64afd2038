#!/bin/busybox sh
# The first process of the machine: this computer's root file system, for reading, and above it one in memory for all that
# is written; then what was asked for is run in there.
/bin/busybox mkdir -p /proc /bin /lower /upper /root
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
while read -r module; do insmod "/modules/$module" || exit 1; done </modules/order
share=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$share,ro,cache=loose" root /lower &&
  mount -t tmpfs -o size=75% tmpfs /upper && mkdir /upper/files /upper/atomic &&
  mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/atomic overlay /root || exit 1
mkdir -p /root/proc /root/sys /root/dev /root/run /root/modules /root/result
mount -t proc proc /root/proc && mount -t sysfs sysfs /root/sys && mount -t devtmpfs devtmpfs /root/dev &&
  mount -t tmpfs -o mode=0755 tmpfs /root/run &&
  mount -t 9p -o "$share,ro,cache=loose" modules /root/modules && mount -t 9p -o "$share" result /root/result || exit 1
umount /proc
exec switch_root /root /bin/sh /result/inside.sh
