# Sourced by setup.sh: steps that are done once, that say how long they take, and that explain a failure.
#
# A step is done when its stamp holds the step's key, a digest of what went into it (requirement files,
# versions). So a second run does nothing, an interrupted one goes on with the step it was in, and a
# changed requirement file repeats its own step only.
# In: $environment (folder of the virtual environment), $log (file), $step_count.

step_number=0
job=

digest() {  # WORDS...: a key for files (by content) and other words (by themselves)
  local word
  for word in "$@"; do
    if [ -f "$word" ]; then cat "$word"; else printf '%s\n' "$word"; fi
  done | sha256sum | cut -d' ' -f1
}

is_done() {  # NAME KEY
  [ "$(cat "$environment/.stamps/$1" 2>/dev/null)" = "$2" ]
}

step() {  # NAME TITLE KEY COMMAND...
  local name=$1 title=$2 key=$3
  shift 3
  step_number=$((step_number + 1))
  is_done "$name" "$key" && return
  local header="[$step_number/$step_count] $title" start=$SECONDS
  printf '\n=== %s  %s\n' "$(date '+%F %T')" "$header" >>"$log"
  run_logged "$header" "$@"  # not "if run_logged": that would switch off -e inside the command
  if [ "$job_status" -ne 0 ]; then
    explain "$header" "$job_status"
    exit 1
  fi
  mkdir -p "$environment/.stamps"
  echo "$key" >"$environment/.stamps/$name.tmp"
  mv "$environment/.stamps/$name.tmp" "$environment/.stamps/$name"
  if [ -t 1 ]; then printf '\r\033[K%s ... %d s\n' "$header" $((SECONDS - start))
  else printf '      done in %d s\n' $((SECONDS - start)); fi
}

run_logged() {  # HEADER COMMAND...: output to the log, time and its last line to the screen; sets $job_status
  local header=$1 start=$SECONDS told=0 elapsed
  shift
  [ -t 1 ] || echo "$header ..."
  set -m  # a process group of its own, so that an interrupt ends a compiler that pip has started, too
  ("$@") >>"$log" 2>&1 </dev/null &
  job=$!
  set +m
  while kill -0 "$job" 2>/dev/null; do
    elapsed=$((SECONDS - start))
    if [ -t 1 ]; then
      printf '\r\033[K%s ... %d s  %s' "$header" "$elapsed" "$(last_line $(($(columns) - ${#header} - 14)))"
    elif [ $((elapsed - told)) -ge 30 ]; then
      told=$elapsed
      echo "      $elapsed s: $(last_line 90)"
    fi
    sleep 0.5
  done
  job_status=0
  wait "$job" || job_status=$?
  job=
}

columns() { { stty size </dev/tty; } 2>/dev/null | cut -d' ' -f2 | grep -x '[1-9][0-9]*' || echo 80; }

last_line() {  # WIDTH
  [ "$1" -gt 0 ] || return 0
  tail -n 1 "$log" | tr -d '\r\033' | sed 's/^ *//' | cut -c "1-$1"
}

interrupted() {
  trap - INT TERM HUP
  [ -n "$job" ] && kill -TERM -- "-$job" 2>/dev/null
  printf '\nset-up interrupted; run the same command again, and it goes on from here\n' >&2
  exit 130
}
trap interrupted INT TERM HUP

explain() {  # HEADER STATUS: the end of the log and what to do about it
  [ -t 1 ] && echo
  {
    echo
    echo "FAILED: $1 (exit status $2). The end of $log:"
    tail -n 15 "$log" | cut -c 1-200 | sed 's/^/    /'
    echo
    echo "What to do: $(advice)"
    echo "Then run the same command again; it goes on with this step."
  } >&2
}

advice() {
  local end
  end=$(tail -n 400 "$log" | sed -n '/^=== /{h;d};H;${x;p}')  # this step's part only
  matches() { grep -qiE "$1" <<<"$end"; }
  if matches 'no space left'; then
    echo "free some disk space (the environment takes 5 GB, its downloads 2 GB in \$TMPDIR or /tmp)."
  elif matches 'temporary failure in name resolution|connection (refused|reset|aborted)|network is unreachable|(read )?timed out|max retries|newconnectionerror|proxyerror'; then
    echo "the network or the package index did not answer: check the connection, and the proxy settings if there is one."
  elif matches 'ensurepip is not available|no module named .?ensurepip'; then
    echo "this Python lacks venv: install python$version-venv (Debian, Ubuntu), or name another Python with --python PATH."
  elif matches 'python\.h: no such file|could not find python|missing.*python_include_dirs|Development'; then
    echo "this Python lacks its headers: install python$version-dev (Debian, Ubuntu) or python3-devel (Fedora), or name another Python with --python PATH."
  elif matches 'no cmake_cxx_compiler|g\+\+: (command )?not found'; then
    echo "$compiler_advice"
  elif matches 'killed signal|internal compiler error: killed|cannot allocate memory'; then
    echo "memory ran out: close other programs, or give the machine 4 GB."
  elif matches 'no matching distribution|could not find a version'; then
    echo "the package index in use lacks a pinned version: unset PIP_INDEX_URL and look into \`pip config list\`."
  elif matches 'do not match the hashes'; then
    echo "a download was damaged, or the index has another file under this name: try again, with another index if it stays so."
  else
    echo "read the log above; ./run.sh doctor checks compilers and packages one by one."
  fi
}
