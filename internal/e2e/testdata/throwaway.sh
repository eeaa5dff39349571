# throwaway DIR PROGRAMS LIBRARY: runs the scripts that DIR/blocks lists in
# DIR, in order, with sightlog and sightlogd of PROGRAMS on the PATH.
#
# As root, in mount and process namespaces of its own, it does so in an overlay
# over the file system: whatever they change is dropped with the namespace, and
# whatever they leave running ends with it.
set -euo pipefail
dir=$1 programs=$2 library=$3

run_blocks() {
	cd "$1"
	while read -r where script; do
		echo "== $where"
		bash -euo pipefail "$script" </dev/null || { echo "$where: exit code $?"; exit 1; }
	done <blocks
}

if [ "$(id -u)" != 0 ]; then
	PATH=$programs:$PATH
	run_blocks "$dir"
	exit 0
fi

top=$(mktemp -d)
mount -t tmpfs -o mode=755 throwaway "$top"
root=$top/root here=$root/srv/operations
mkdir "$top/upper" "$top/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$root"
mkdir -p "$here"
cp "$dir"/* "$here"
cp "$programs"/sightlog "$programs"/sightlogd "$root/usr/local/bin/"
cp -L "$library" "$root/usr/local/lib/"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
unset SIGHTLOG_ONNXRUNTIME
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export -f run_blocks
chroot "$root" bash -euo pipefail -c 'run_blocks /srv/operations'
