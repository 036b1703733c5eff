#!/bin/bash
# Make the virtual machine whose power is cut: Debian's kernel, and an initial file system with seqd in it.
#
#   guest.sh FOLDER SEQD LYING_DISK
#
# FOLDER/vmlinuz and FOLDER/initrd.gz are made; the kernel is fetched once.
set -euo pipefail
folder=$1 seqd=$2 lying_disk=$3
mkdir -p "$folder"
cd "$folder"

fetch_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
    [ -n "$package" ] || { echo 'guest: apt knows no linux-image-cloud-amd64; run apt-get update' >&2; exit 1; }
    rm -rf kernel kernel.new
    mkdir kernel.new
    (cd kernel.new && apt-get -q -o Acquire::Retries=5 download "$package" && dpkg-deb -x "$package"_*.deb . && rm -f ./*.deb) >/dev/null 2>&1
    PATH=$PATH:/sbin:/usr/sbin depmod -b "$folder/kernel.new" "$(ls kernel.new/lib/modules)"
    mv kernel.new kernel
}

[ -d kernel ] || fetch_kernel
version=$(ls kernel/lib/modules)
cp "kernel/boot/vmlinuz-$version" vmlinuz
rm -rf root
mkdir -p root/{bin,dev,proc,sys,data,etc,tmp,modules}
cp "$(command -v busybox)" root/bin/busybox
for tool in sh mount insmod ip ifconfig sleep poweroff cat mkdir; do
    ln -s busybox "root/bin/$tool"
done

# The daemon, the libraries it is linked with, and the loader that its first line names.
cp "$seqd" root/bin/seqd
cp "$lying_disk" root/bin/lying_disk.so
ldd "$seqd" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "root$(dirname "$library")"
    cp -L "$library" "root$library"
done

: >root/modules/order
for module in virtio_pci virtio_blk virtio_net ext4 crc32c_generic; do
    PATH=$PATH:/sbin:/usr/sbin modprobe -d "$folder/kernel" -S "$version" --show-depends "$module" 2>/dev/null |
        awk '$1 == "insmod" { print $2 }' | while read -r file; do
        name=$(basename "$file")
        [ -e "root/modules/$name" ] || { cp "$file" root/modules/; echo "$name" >>root/modules/order; }
    done
done

cat >root/etc/seqd.conf <<'CONF'
[http]
listen = 0.0.0.0:7000
issue_without_token = everywhere
[sequence:default]
max_gap = 1000
[sequence:every]
durability = every
CONF

cat >root/init <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
for module in $(cat /modules/order); do insmod "/modules/$module" 2>/dev/null; done
options=defaults
for word in $(cat /proc/cmdline); do
    case $word in
    seqd.mount=*) options=${word#*=} ;;
    seqd.lie=*) export LIE=${word#*=} LD_PRELOAD=/bin/lying_disk.so ;;
    esac
done
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
ip route add default via 10.0.2.2
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
mount -t ext4 -o "$options" /dev/vda /data || echo 'THE DISK DOES NOT MOUNT'
mkdir -p /data/seqd
/bin/seqd -c /etc/seqd.conf -d /data/seqd
echo "SEQD ENDED WITH $?"
poweroff -f
INIT
chmod +x root/init
(cd root && find . | cpio -o -H newc --quiet | gzip -1) >initrd.gz.new
mv initrd.gz.new initrd.gz
