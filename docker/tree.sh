#!/bin/sh
# Copies files of this build stage, and every library that they need, into a root of their own, with the entries of
# the packages that they came from: a scan of the image then sees what is really in it.
#
#     tree.sh ROOT NAME UID PATH…
set -eu
root=$1 name=$2 uid=$3
shift 3
work=$(mktemp -d)

find "$@" \( -type f -o -type l \) > "$work/files"

is_elf() { [ "$(head -c 4 "$1" | tr -d '\0')" = "$(printf '\177ELF')" ]; }

# `ldd` follows libraries of libraries itself.
while read -r file; do
    if [ ! -L "$file" ] && is_elf "$file"; then
        ldd "$file" > "$work/ldd" 2>&1 || continue
        if grep 'not found' "$work/ldd"; then
            echo "tree: libraries of $file are missing" >&2
            exit 1
        fi
        sed -n 's,^.*=> \(/[^ ]*\) (.*$,\1,p; s,^[[:space:]]*\(/[^ ]*ld-linux[^ ]*\) (.*$,\1,p' "$work/ldd"
    fi
done < "$work/files" >> "$work/files.libraries"
# Loaded by name when a thread ends.
ls /usr/lib/*-linux-gnu/libgcc_s.so.1 >> "$work/files.libraries"

# The folder's real name, since /lib is /usr/lib; a library that is a link comes with what it points at.
sort -u "$work/files" "$work/files.libraries" | while read -r file; do
    echo "$(realpath "$(dirname "$file")")/$(basename "$file")"
    realpath "$file"
done | sort -u > "$work/all"

mkdir -p "$root/usr/bin" "$root/usr/lib64" "$root/etc" "$root/var/lib/dpkg" "$root/tmp" "$root/run"
chmod 1777 "$root/tmp"
for merged in bin lib lib64 sbin; do ln -s "usr/$merged" "$root/$merged"; done
mkdir -p "$root/usr/sbin"
xargs -a "$work/all" cp -a --parents -t "$root"
cp -a --parents /usr/lib/os-release /etc/debian_version "$root"
ln -s ../usr/lib/os-release "$root/etc/os-release"
cp -L "$(ls /usr/lib64/ld-linux* | head -n 1)" "$root/usr/lib64/"
echo "$name:x:$uid:$uid::/nonexistent:/nonexistent" > "$root/etc/passwd"
echo "$name:x:$uid:" > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# Which packages: of their entries and their licences.
xargs -a "$work/all" dpkg -S 2> /dev/null | sed 's,: /.*$,,; s/, /\n/g' | sed 's/:.*$//' | sort -u > "$work/packages"
echo base-files >> "$work/packages"
sort -u "$work/packages" | while read -r package; do
    dpkg-query -s "$package" | sed 's/^Status: .*$/Status: install ok installed/'
    echo
    if [ -e "/usr/share/doc/$package/copyright" ]; then
        mkdir -p "$root/usr/share/doc/$package"
        cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
    fi
done > "$root/var/lib/dpkg/status"

# As the image will see it: nothing missing, nothing that runs as somebody else.
find "$root" -type f | while read -r file; do
    inside=${file#"$root"}
    if is_elf "$file" && ldd "$file" > /dev/null 2>&1; then
        chroot "$root" /usr/lib64/ld-linux-x86-64.so.2 --list "$inside" > "$work/ldd" 2>&1 || cat "$work/ldd"
        sed -n "s,^.*not found.*$,$inside: &,p" "$work/ldd"
    fi
done > "$work/missing"
find "$root" -perm /6000 >> "$work/missing"
if [ -s "$work/missing" ]; then
    cat "$work/missing" >&2
    exit 1
fi
rm -r "$work"
