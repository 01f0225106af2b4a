# Shared by the scripts in this folder: settings, daemons as pid files, waiting. POSIX sh; sourced, not run.
TOOLS=${CLUSTER_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/cryptnono-cluster/bin}   # what install-tools builds
STATE=${CLUSTER_STATE:-/var/lib/cryptnono-cluster}   # certificates, kubeconfigs, etcd and containerd data
LOGS=${CLUSTER_LOGS:-/var/log/cryptnono-cluster}
RUN=${CLUSTER_RUN:-/run/cryptnono-cluster}           # pid files, containerd's short-lived state
PKI=$STATE/pki
CONTAINERD_SOCK=${CLUSTER_CONTAINERD_SOCK:-/run/containerd/containerd.sock}
KUBELET_ROOT=${CLUSTER_KUBELET_ROOT:-/var/lib/kubelet}
NODE_NAME=${CLUSTER_NODE_NAME:-$(hostname)}
POD_CIDR=10.244.0.0/24
POD_GATEWAY=10.244.0.1
SERVICE_CIDR=10.96.0.0/16
SERVICE_APISERVER=10.96.0.1
PAUSE_IMAGE=localhost/pause:1
PATH=$TOOLS:$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin
export PATH

say() { echo "test/cluster/$(basename "$0"): $*" >&2; }
die() { say "$*"; exit 1; }

# One up or down at a time; another waits. The daemons must not inherit the
# descriptor (see start), or the lock would outlive the script.
lock() {
  exec 9> "$RUN.lock"
  flock -n 9 || { say "waiting for another up or down"; flock -w 300 9 || die "gave up waiting"; }
}

# A pid file holds "PID STARTTIME"; the start time tells a reused pid from ours.
# A zombie counts as gone: where PID 1 reaps late, a dead daemon stays one for minutes.
starttime() { sed -n 's/.*) //; /^[ZX]/!p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running() {
  [ -s "$RUN/$1.pid" ] || return 1
  read -r _pid _start < "$RUN/$1.pid"
  [ -n "$_start" ] && [ "$(starttime "$_pid")" = "$_start" ]
}

# start NAME COMMAND...: a daemon of its own session, log in $LOGS/NAME.log
start() {
  _name=$1; shift
  running "$_name" && return 0
  setsid "$@" >> "$LOGS/$_name.log" 2>&1 < /dev/null 9>&- &
  echo "$! $(starttime $!)" > "$RUN/$_name.pid"
}

# stop NAME [SECONDS]: TERM, then KILL after SECONDS
stop() {
  running "$1" || { rm -f "$RUN/$1.pid"; return 0; }
  read -r _pid _start < "$RUN/$1.pid"
  kill "$_pid" 2>/dev/null || true
  _n=$(( ${2:-15} * 10 ))
  while [ $_n -gt 0 ] && running "$1"; do sleep 0.1; _n=$((_n - 1)); done
  if running "$1"; then say "$1 did not stop, killing it"; kill -9 "$_pid" 2>/dev/null || true; fi
  rm -f "$RUN/$1.pid"
}

# wait_for SECONDS WHAT COMMAND...
wait_for() {
  _end=$(( $(date +%s) + $1 )); _what=$2; shift 2
  until "$@" > /dev/null 2>&1; do
    [ "$(date +%s)" -lt $_end ] || die "$_what did not become ready; see $LOGS"
    sleep 0.2
  done
}
