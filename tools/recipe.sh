# Sourced at the top of each egs/NAME/run.sh, with its arguments:
#
#     . "$(dirname "$0")/../../tools/recipe.sh"
#     stage 0 "corpus"
#     run egs.NAME.prepare --out "$work/corpus"
#
# Parses the options, chooses (and if need be makes) the environment, and gives the recipe
#   $work $corpus $nj $conf   work folder, corpus folder (may be empty), number of processes, options file
#   stage N "title"           a heading; decides whether the `run`s below it are done
#   run MODULE ARGS...        python -m MODULE ARGS --conf $conf --nj $nj section.key=value...
# All that is printed goes into $work/run.log, too. The first program that fails ends the recipe.
# Programs run in the project's folder; paths that the user gives are made absolute first.
set -euo pipefail

recipe=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
recipe_script=$recipe/$(basename "${BASH_SOURCE[1]}")
. "$root/tools/setup/environment.sh"

stages() {  # of the recipe, one a line: N title
  sed -nE 's/^[[:space:]]*stage[[:space:]]+([0-9]+)[[:space:]]+"([^"]*)".*/\1 \2/p' "$recipe_script"
}

usage() {
  sed -n '2,${/^#/!q;s/^# \{0,1\}//;p}' "$recipe_script"
  cat <<EOF

Usage: ./run.sh ${recipe#"$root/"} [options] [section.key=value ...]

Stages:
$(stages | sed -E 's/^([0-9]+)/  \1 /')

Options:
  --stage N        start with stage N (default: the first; finished work is not done again anyway)
  --stop-stage M   end with stage M
  --corpus DIR     where the corpus lies
  --work DIR       work folder (default: ${recipe#"$root/"}/work)
  --nj J           number of processes (default: the number of cores, here $(cores))
  --conf FILE      options file (default: ${recipe#"$root/"}/conf/default.conf)
  --python PATH    a Python of your own; see ./run.sh --help
  section.key=value ...   single options that win over the options file, such as am.epochs=3
EOF
}

quoted() { [ $# -eq 0 ] || printf ' %q' "$@"; }

usage_error() { die "$1" "See ./run.sh ${recipe#"$root/"} --help"; }

whole_number() {  # OPTION VALUE LEAST
  [[ $2 =~ ^[0-9]+$ ]] && [ "$2" -ge "$3" ] || usage_error "$1: expected a whole number of at least $3, found '$2'"
}

first_stage=0
last_stage=1000000
work=$recipe/work
corpus=
conf=$recipe/conf/default.conf
[ -e "$conf" ] || conf=
nj=$(cores)
chosen_python=
overrides=()
again=()  # the arguments for going on after a failure
while [ $# -gt 0 ]; do
  case $1 in
    --help|-h) usage; exit 0 ;;
    --*=*) option=$1; shift; set -- "${option%%=*}" "${option#*=}" "$@"; continue ;;
    --stage|--stop-stage|--corpus|--work|--nj|--conf|--python)
      [ $# -ge 2 ] && [[ $2 != --* ]] || usage_error "$1 needs a value"
      case $1 in
        --stage) whole_number "$1" "$2" 0; first_stage=$2 ;;
        --stop-stage) whole_number "$1" "$2" 0; last_stage=$2 ;;
        --corpus) corpus=$(realpath -m -- "$2") ;;
        --work) work=$(realpath -m -- "$2") ;;
        --nj) whole_number "$1" "$2" 1; nj=$2 ;;
        --conf) [ -f "$2" ] || usage_error "--conf $2: expected a file, found none"; conf=$(realpath -- "$2") ;;
        --python) chosen_python=$2 ;;
      esac
      [ "$1" = --stage ] || again+=("$1" "$2")
      shift 2 ;;
    -*) usage_error "unknown option $1" ;;
    *.*=*) overrides+=("$1"); again+=("$1"); shift ;;
    *) usage_error "argument '$1': expected an option or section.key=value" ;;
  esac
done
stages | grep -q . || die "$recipe_script has no line such as: stage 0 \"title\""
highest=$(stages | cut -d' ' -f1 | sort -n | tail -n 1)
[ "$first_stage" -le "$highest" ] || usage_error "--stage $first_stage: the last stage is $highest"
[ "$first_stage" -le "$last_stage" ] || usage_error "--stop-stage $last_stage comes before --stage $first_stage"

use_environment "$chosen_python"
cd "$root"
# inside the project, paths relative to it: shorter to read, and the project can be moved
work=${work#"$root/"}
conf=${conf#"$root/"}
mkdir -p "$work" || die "--work $work: cannot be made"
run_log=$work/run.log

current_stage=
in_range=no

say() { printf '%s\n' "$@" | tee -a "$run_log"; }

stage() {  # N "title"
  current_stage=$1
  title=$2
  in_range=no
  if [ "$1" -ge "$first_stage" ] && [ "$1" -le "$last_stage" ]; then
    in_range=yes
    say "" "=== stage $1: $2   ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
  fi
}

run() {  # MODULE ARGS...
  [ -n "$current_stage" ] || die "$recipe_script: \`run $1\` stands before the first \`stage\`"
  [ "$in_range" = yes ] || return 0
  "$python" -u "$root/tools/recipe/supervise.py" "$run_log" "$python" -m "$@" \
    ${conf:+--conf "$conf"} --nj "$nj" ${overrides[@]+"${overrides[@]}"} || failed $? "$@"
}

failed() {  # STATUS MODULE ARGS...
  local status=$1
  shift
  in_range=failed
  case $status in
    130|143) say "" "interrupted in stage $current_stage ($title)" ;;
    137) say "" "FAILED in stage $current_stage ($title): the system ended it, most likely for want of memory" ;;
    *) say "" "FAILED in stage $current_stage ($title): python -m $* (exit status $status)" ;;
  esac >&2
  say "the log: $run_log" \
    "to go on from here: $RECIPE_COMMAND --stage $current_stage" >&2
  exit "$status"
}

finish() {
  local status=$?
  if [ "$status" -eq 0 ]; then
    say "" "${recipe#"$root/"}: done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  elif [ "$in_range" = yes ]; then
    say "" "FAILED in stage $current_stage ($title), in $recipe_script itself" >&2
  fi
}

export RECIPE_COMMAND="./run.sh ${recipe#"$root/"}$(quoted ${again[@]+"${again[@]}"})"
{
  echo
  echo "##### $(date '+%F %T')  $RECIPE_COMMAND --stage $first_stage"
  echo "commit $(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown), $("$python" tools/doctor.py --summary)"
} >>"$run_log"
trap finish EXIT
