#!/bin/sh
# Install Debian packages where that is possible (root or sudo, and apt); otherwise say what to install.
# Usage: system_parts.sh PACKAGE...
set -u
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }; then
    $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $missing >/dev/null && exit 0
fi
echo "not installed:$missing" >&2
echo "install by hand, for example: apt-get install$missing" >&2
echo "everything that needs no SPICE works without; generate-crossbar doctor says what each costs" >&2
exit 0
