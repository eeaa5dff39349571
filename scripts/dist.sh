#!/usr/bin/env bash
# Builds dist/sightlog-VERSION-linux-ARCH.tar.gz, which runs where it is
# unpacked, and dist/sightlog_VERSION_ARCH.deb, which uses the distribution's
# libraries: run it by `make dist`. The package fits the release of the
# distribution that it was built on; the archive that one and newer ones.
set -euo pipefail
CDPATH='' cd -- "$(dirname -- "$0")/.."

version=$1 ldflags=$2
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
GOARCH=$(go env GOARCH)
export GOARCH
onnxruntime=$(find -L lib -maxdepth 1 -name 'libonnxruntime.so.*' ! -name '*.sha256')
name=sightlog-$version-linux-$GOARCH
when=@$(git log -1 --format=%ct 2>/dev/null || stat -c %Y go.mod)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/$name

# The C library and the compiler's run-time libraries are in every base system,
# where newer ones fit and older ones would not.
base='^(ld-linux.*|lib(c|m|mvec|dl|pthread|rt|util|resolv|nsl|anl|BrokenLocale|nss_.*|thread_db|stdc\+\+|gcc_s))\.so'

say() { printf '%-12s %s\n' "$1" "$2"; }

# libraries lists name and path of each library that is loaded, of those that
# the base system may lack.
libraries() {
	ldd bin/sightlog "$onnxruntime" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 } $3 == "not" { print "dist: no " $1 > "/dev/stderr"; exit 1 }' |
		sort -u | grep -vE "$base"
}

build() {
	mkdir -p "$stage/bin" "$stage/lib"
	# DT_RPATH, not DT_RUNPATH: it holds for the libraries' own libraries, too.
	go build -trimpath -ldflags "$ldflags -extldflags '-Wl,--disable-new-dtags -Wl,-rpath,\$ORIGIN/../lib'" -o "$stage/bin/sightlog" ./cmd/sightlog
	cp bin/sightlogd "$stage/bin/"
	cp "$onnxruntime" "$stage/lib/"
	local file path
	while read -r file path; do cp -L "$path" "$stage/lib/$file"; done < <(libraries)
	chmod 644 "$stage"/lib/*
}

# owner FILE: the package that it is from; with a merged /usr a package may
# know it without that.
owner() { { dpkg-query -S "$1" || dpkg-query -S "${1#/usr}"; } 2>/dev/null | cut -d: -f1; }

# The licences of all that is shipped: of each package that a library is from,
# of each Go module, of onnxruntime.
licences() {
	local dir=$stage/licences path package
	mkdir -p "$dir/debian" "$dir/go"
	libraries | while read -r _ path; do
		owner "$(realpath "$path")"
	done | sort -u | while read -r package; do
		cp -L "/usr/share/doc/$package/copyright" "$dir/debian/$package"
		dpkg-query -W -f '${binary:Package} ${Version} (source: ${source:Package} ${source:Version})\n' "$package" | head -n 1
	done >"$dir/PACKAGES"
	go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/sightlog ./cmd/sightlogd | sort -u |
		while read -r module v path; do
			mkdir -p "$dir/go/$module@$v"
			find "$path" -maxdepth 1 -type f -iregex '.*/\(licen[cs]e\|copying\|notice\|patents\)[^/]*' -exec cp -t "$dir/go/$module@$v" {} +
			[ -n "$(ls "$dir/go/$module@$v")" ] || { echo "dist: no licence of $module" >&2 && exit 1; }
		done
	mkdir -p "$dir/go/go"
	cp "$(go env GOROOT)/LICENSE" "$dir/go/go/"
	cp deploy/licences/* lib/onnxruntime-ThirdPartyNotices.txt "$dir/"
	cp LICENSE "$dir/sightlog.txt"
	chmod -R u+w,go=rX "$dir"
}

archive() {
	mkdir -p "$stage/doc/models"
	cp README.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md SECURITY.md "$stage/doc/"
	cp models/*.md "$stage/doc/models/"
	cp -R docs "$stage/doc/docs"
	cp -R deploy/grafana deploy/prometheus "$stage/doc/"
	cp LICENSE deploy/install.sh deploy/account.sh deploy/sightlog.yaml "$stage/"
	cp -R deploy/systemd "$stage/systemd"
	find "$stage" -type d -exec chmod 755 {} +
	mkdir -p dist
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="$when" -C "$work" -cf - "$name" | gzip -n >"dist/$name.tar.gz"
}

# depends PROGRAM…: the packages that the programs' libraries are from, with
# the versions that they need at least.
depends() {
	mkdir -p "$work/shlibs/debian"
	touch "$work/shlibs/debian/control"
	(cd "$work/shlibs" && dpkg-shlibdeps -O "$@" 2>"$work/shlibs.log") | sed -n 's/^shlibs:Depends=//p' ||
		{ cat "$work/shlibs.log" >&2 && exit 1; }
}

package() {
	DEB_VERSION=$(scripts/deb-version.sh "$version" "$when")
	STAGE=$work/deb
	mkdir -p "$STAGE/bin" "$STAGE/lib" "$STAGE/licences"
	cp bin/sightlog bin/sightlogd "$STAGE/bin/"
	cp "$onnxruntime" "$STAGE/lib/"
	cp -R "$stage/doc" "$STAGE/doc"
	cp -R "$stage/licences/go" deploy/licences/* lib/onnxruntime-ThirdPartyNotices.txt "$STAGE/licences/"
	mv "$STAGE"/licences/README "$STAGE/doc/copyright"
	cp -R deploy/systemd "$STAGE/systemd"
	sed -i 's|@BIN@|/usr/bin|; s|@DOC@|/usr/share/doc/sightlog|' "$STAGE"/systemd/*.service
	DEPENDS="passwd, $(depends "$STAGE/bin/sightlog" "$STAGE"/lib/libonnxruntime.so.*)"
	export DEB_VERSION STAGE DEPENDS
	CGO_ENABLED=0 GOFLAGS=-buildvcs=false go run "$nfpm" package --config deploy/nfpm.yaml --packager deb --target dist/ >"$work/nfpm.log" 2>&1 ||
		{ cat "$work/nfpm.log" >&2 && exit 1; }
}

rm -rf dist
build
licences
say archive "$(find "$stage/lib" -type f | wc -l) libraries, $(du -sm "$stage" | cut -f1) MB unpacked"
archive
package
for file in dist/*; do say "" "$file, $(du -m "$file" | cut -f1) MB"; done
