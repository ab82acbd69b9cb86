#!/usr/bin/env bash
# Runs tools/launch.py with a Python from 3.10 to 3.13: $PYTHON, that of this folder, or one of PATH.
# Where there is none, uv gets one into .python/, for this folder alone. tools/uv.txt says which uv.
cd "$(dirname "$0")/.." || exit 1
own="$PWD/.python"
uv="$own/uv"
test_fit='import ensurepip, sys, venv
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) or sys.maxsize < 2**32)'

say() { echo "[CosyVoice] $1 / $2"; }

give_up() {
    say "$1; or install Python 3.10 to 3.13 yourself, then start again" "$2；也可自行安装 Python 3.10 至 3.13，然后重新启动"
    exit 1
} >&2

find_python() {
    local candidate
    for candidate in .python/cpython-*/bin/python3 python3 python3.13 python3.12 python3.11 python3.10 python; do
        if "$candidate" -c "$test_fit" >/dev/null 2>&1; then
            python=$candidate
            return
        fi
    done
    return 1
}

# fetch URL FILE
fetch() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --retry 2 --connect-timeout 20 --output "$2" "$1"
    else
        wget --quiet --tries=3 --connect-timeout=20 --output-document="$2" "$1"
    fi
}

# sha256 FILE
sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -c 1-64
}

# unpack ARCHIVE: writes the uv in a wheel to standard output. Python of any version can do it too.
unpack() {
    unzip -p "$1" '*/scripts/uv' 2>/dev/null && return
    bsdtar -xOf "$1" '*/scripts/uv' 2>/dev/null && return
    python3 -c 'import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
sys.stdout.buffer.write(wheel.read(*[n for n in wheel.namelist() if n.endswith("/scripts/uv")]))' "$1" 2>/dev/null
}

get_uv() {
    local platform wanted path base url
    platform="$(uname -s)-$(uname -m)"
    read -r _ wanted path < <(grep "^$platform " tools/uv.txt) \
        || give_up "there is no Python to download for $platform" "没有可供 $platform 下载的 Python"
    base="${COSYVOICE_UV_URL:-https://files.pythonhosted.org/packages}"
    url="${base%/}/$path"
    mkdir -p "$own" && fetch "$url" "$own/uv.zip" \
        || give_up "uv could not be downloaded from $url: check the network, or name a mirror in COSYVOICE_UV_URL" \
            "无法从 $url 下载 uv：请检查网络，或用 COSYVOICE_UV_URL 指定镜像"
    if [ "$(sha256 "$own/uv.zip")" != "$wanted" ]; then
        rm -f "$own/uv.zip"
        give_up "what came from $url is not the file that is expected (SHA-256): try again, or name a mirror in COSYVOICE_UV_URL" \
            "从 $url 下载的文件与预期不符（SHA-256）：请重试，或用 COSYVOICE_UV_URL 指定镜像"
    fi
    unpack "$own/uv.zip" >"$uv.part" && chmod +x "$uv.part" && mv "$uv.part" "$uv" \
        || give_up "uv could not be unpacked: install unzip" "无法解压 uv：请安装 unzip"
    rm -f "$own/uv.zip"
}

get_python() {
    say "no Python 3.10 to 3.13 is here: getting one into .python, for this folder alone (about 50 MB, once)" \
        "未找到 Python 3.10 至 3.13：正在下载一份到 .python，仅供本文件夹使用（约 50 MB，仅一次）"
    [ -x "$uv" ] || get_uv
    UV_NO_CONFIG=1 UV_SYSTEM_CERTS=1 UV_PYTHON_INSTALL_DIR="$own" UV_PYTHON_INSTALL_BIN=0 UV_CACHE_DIR="$own/cache" \
        "$uv" python install 3.12 \
        || give_up "Python could not be downloaded: check the network, or name a mirror of python-build-standalone in UV_PYTHON_INSTALL_MIRROR" \
            "无法下载 Python：请检查网络，或用 UV_PYTHON_INSTALL_MIRROR 指定 python-build-standalone 的镜像"
    find_python || give_up "the Python in .python does not run here: remove that folder" ".python 中的 Python 无法在此运行：请删除该文件夹"
}

if [ -n "${PYTHON:-}" ]; then
    python=$PYTHON
else
    find_python || get_python
fi
exec "$python" tools/launch.py "$@"
