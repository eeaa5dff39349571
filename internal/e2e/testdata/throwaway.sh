# throwaway DIR PROGRAMS LIBRARY DEPLOY: runs the scripts that DIR/blocks lists
# in DIR, in order, with sightlog and sightlogd of PROGRAMS on the PATH.
#
# As root, in mount and process namespaces of its own, it does so in an overlay
# over the file system: whatever they change is dropped with the namespace, and
# whatever they leave running ends with it. Account, settings and units of DEPLOY
# are installed there as the package does.
set -euo pipefail
dir=$1 programs=$2 library=$3 deploy=$4

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
export SYSTEMD_OFFLINE=1 # systemctl enables, and starts nothing: no systemd runs in there
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export -f run_blocks
chroot "$root" sh -s /etc/sightlog <"$deploy/account.sh"
cp "$deploy/sightlog.yaml" "$root/etc/sightlog/"
for unit in "$deploy"/systemd/*.service; do
	sed 's|@BIN@|/usr/local/bin|; s|@DOC@|/usr/share/doc|' "$unit" >"$root/etc/systemd/system/$(basename "$unit")"
done
install -d -o 0 -g 0 -m 755 "$root/var/lib/sightlog"
chroot "$root" install -d -o sightlog -g sightlog -m 750 /var/lib/sightlog/data # StateDirectory=
chroot "$root" bash -euo pipefail -c 'run_blocks /srv/operations'
