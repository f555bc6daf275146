# Sourced at the top of each egs/NAME/run.sh, with its arguments:
#
#     . "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"
#     stage 0 "corpus"
#     run egs.NAME.prepare --out "$work/corpus"
#     prepare --lexicon "$work/corpus/lexicon.txt"
#     bootstrap dnn1 dnn2
#     system tdnn "a TDNN" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
#     results
#
# Parses the options, chooses (and if need be makes) the environment, locks the work folder, checks every option of
# every stage, and gives the recipe
#   $work $exp $corpus $nj      work folder, models in it, corpus folder (may be empty), number of processes
#   stage N "title"             a heading; decides whether the `run`s below it are done
#   run MODULE ARGS...          python -m MODULE ARGS with the options of the conf files and of the command line
#   system NAME "title" COMMAND ...   COMMAND, if --systems asks for NAME, once for each of --seeds; the first system is
#                               the default. $chosen_system is NAME, $seeded what its folders' names end with
#   as_system NAME COMMAND ...  what system NAME does, on which the chosen one stands
#   options_file FILE           options that a stage has written; those that the user gives win over them
# and the stages that recipes have in common, tools/recipe/stages.sh. All that is printed goes into $work/run.log,
# too. The first program that fails ends the recipe, and so does a signal.
#
# The script is read three times: to list its stages and systems (RECIPE_MODE=list), to collect what it would run, of
# all systems, so that options are checked before anything starts (RECIPE_MODE=plan), and to run. What stands in it
# beside these functions must change nothing.
# Programs run in the project's folder; paths that the user gives are made absolute first.
set -euo pipefail

recipe_script=$(realpath -- "${BASH_SOURCE[1]}")
recipe=$(dirname "$recipe_script")
root=$(dirname "$(dirname "$(realpath -- "${BASH_SOURCE[0]}")")")
mode=${RECIPE_MODE-}
. "$root/tools/setup/environment.sh"
. "$root/tools/recipe/stages.sh"

listed() {  # stage|system: lines `N title` or `NAME title`
  RECIPE_MODE=list bash "$recipe_script" | sed -n "s/^$1 //p" | awk '!seen[$0]++'
}

usage() {
  sed -n '2,${/^#/!q;s/^# \{0,1\}//;p}' "$recipe_script"
  cat <<TEXT

Usage: ./run.sh ${recipe#"$root/"} [options] [section.key=value ...]

Stages:
$(listed stage | sort -s -n -k1,1 | sed -E 's/^([0-9]+)/  \1 /')

Systems:
$(listed system | sed -E 's/^([^ ]+) /  \1: /')

Options:
  --systems A,B    systems to train and score, or all (default: $(listed system | head -n 1 | cut -d' ' -f1))
  --seeds 1,2,3    train each system once with each seed, beside each other, in one table
  --stage N        start with stage N (default: the first; finished work is not done again anyway)
  --stop-stage M   end with stage M
  --corpus DIR     where the corpus lies
  --work DIR       work folder (default: ${recipe#"$root/"}/work)
  --nj J           number of processes (default: the number of cores, here $(cores))
  --conf FILE      options file, whose options win over those of ${recipe#"$root/"}/conf/default.conf; may be given again
  --start-from DIR folder of a trained network from whose weights those of stage 7 start, where names and shapes agree
  --no-tests       leave the test sets out: features, decoding and scores of the dev set only
  --by-content     tell recordings apart by their content; default: by size and time
  --list-options   print every option of every stage with its value, and end
  --python PATH    a Python of your own; see ./run.sh --help
  section.key=value ...          options that win over the options file, such as am.epochs=3
  section.system.key=value ...   for one system only, such as am.tdnn.epochs=3

  tensorboard --logdir WORK      shows the curves of all systems, and under HPARAMS their options and results
  python -m tools.experiments list WORK ...      tabulates and compares them; see its --help
TEXT
}

quoted() { [ $# -eq 0 ] || printf ' %q' "$@"; }

usage_error() { die "$1" "See ./run.sh ${recipe#"$root/"} --help"; }

whole_number() {  # OPTION VALUE LEAST
  [[ $2 =~ ^[0-9]{1,9}$ ]] && [ "$2" -ge "$3" ] || usage_error "$1: expected a whole number of at least $3, found '$2'"
}

absolute_folder() {  # PATH: a link stays one, so that a corpus that moved can be left a link at its old place
  local path
  path=$(realpath -ms -- "$1")
  [ "$path" -ef "$1" ] || path=$(realpath -m -- "$1")  # a link and .. behind it
  printf '%s\n' "$path"
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --help|-h) usage; exit 0 ;;
      --*=*) option=$1; shift; set -- "${option%%=*}" "${option#*=}" "$@"; continue ;;
      --by-content) common+=("$1"); again+=("$1"); shift ;;
      --no-tests) no_tests=yes; again+=("$1"); shift ;;
      --list-options) list_options=$1; shift ;;
      --stage|--stop-stage|--corpus|--work|--nj|--conf|--python|--systems|--seeds|--start-from)
        [ $# -ge 2 ] && [[ $2 != --* ]] || usage_error "$1 needs a value"
        case $1 in
          --stage) whole_number "$1" "$2" 0; first_stage=$2 ;;
          --stop-stage) whole_number "$1" "$2" 0; last_stage=$2 ;;
          --corpus) [ -n "$2" ] || usage_error "--corpus: expected a folder, found none"
                    corpus=$(absolute_folder "$2") ;;
          --work) [ -n "$2" ] || usage_error "--work: expected a folder, found none"
                  work=$(realpath -m -- "$2") ;;
          --start-from) [ -d "$2" ] || usage_error "--start-from $2: expected a model folder, found none"
                        start_from=$(realpath -- "$2") ;;
          --nj) whole_number "$1" "$2" 1; nj=$2 ;;
          --conf) [ -f "$2" ] || usage_error "--conf $2: expected a file, found none"
                  user_confs+=("$(realpath -- "$2")") ;;
          --python) chosen_python=$2 ;;
          --systems) systems=$2 ;;
          --seeds) [[ $2 =~ ^[0-9]{1,9}(,[0-9]{1,9})*$ ]] || usage_error "--seeds: expected numbers such as 1,2,3, found '$2'"
                   seeds=${2//,/ } ;;
        esac
        [ "$1" = --stage ] || again+=("$1" "$2")
        shift 2 ;;
      -*) usage_error "unknown option $1" ;;
      *.*=*) overrides+=("$1"); again+=("$1"); shift ;;
      *) usage_error "argument '$1': expected an option or section.key=value" ;;
    esac
  done
}

check_arguments() {
  local highest known name
  highest=$(listed stage | cut -d' ' -f1 | sort -n | tail -n 1)
  [ -n "$highest" ] || die "$recipe_script has no line such as: stage 0 \"title\""
  [ "$first_stage" -le "$highest" ] || usage_error "--stage $first_stage: the last stage is $highest"
  [ "$first_stage" -le "$last_stage" ] || usage_error "--stop-stage $last_stage comes before --stage $first_stage"
  known=$(listed system | cut -d' ' -f1 | tr '\n' ' ')
  case $systems in
    "") systems=${known%% *} ;;
    all) systems=${known% } ;;
    *) systems=${systems//,/ }
       [ -n "${systems// /}" ] || usage_error "--systems: expected some of $known(or all), found none"
       for name in $systems; do
         [[ " $known" == *" $name "* ]] || usage_error "--systems: expected some of $known(or all), found '$name'"
       done ;;
  esac
}

first_stage=0
last_stage=1000000
work=$recipe/work
corpus=
default_conf=$recipe/conf/default.conf
[ -e "$default_conf" ] || default_conf=
user_confs=()
nj=$(cores)
systems=
seeds=
list_options=
start_from=
no_tests=
chosen_python=
common=()     # arguments for every program
overrides=()
again=()      # the arguments for going on after a failure
parse_arguments "$@"
tests=test    # the test sets; a recipe may say others

current_stage=
title=
in_range=no
chosen_system=
chosen_seed=
seeded=
supervisor=
declare -A done_already=()

say() {
  # a full disk or a closed terminal must not hide what is said
  printf '%s\n' "$@" 2>/dev/null || true
  printf '%s\n' "$@" 2>/dev/null >>"$run_log" || true
}

stage() {  # N "title"
  current_stage=$1
  title=$2${chosen_system:+ ($chosen_system${chosen_seed:+, seed $chosen_seed})}
  in_range=no
  [ -z "$no_tests" ] || tests=
  [ "$mode" != list ] || printf 'stage %s %s\n' "$1" "$2"
  if [ -z "$mode" ] && [ "$1" -ge "$first_stage" ] && [ "$1" -le "$last_stage" ]; then
    in_range=yes
    say "" "=== stage $1: $title   ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
  fi
}

system() {  # NAME "title" COMMAND ...
  local name=$1 seed
  [ "$mode" != list ] || printf 'system %s %s\n' "$1" "$2"
  shift 2
  [ -n "$mode" ] || [[ " $systems " == *" $name "* ]] || return 0
  for seed in ${seeds:-""}; do
    chosen_system=$name chosen_seed=$seed seeded=${seed:+_seed$seed}
    "$@"
  done
  chosen_system='' chosen_seed='' seeded=''
}

as_system() {  # NAME COMMAND ...: what another system does, which this one stands on
  local outer=$chosen_system
  chosen_system=$1
  shift
  "$@"
  chosen_system=$outer
}

options_file() {  # FILE
  [ "$mode" != list ] || return 0
  [ ! -e "$1" ] || stage_confs+=("$1")
}
stage_confs=()

run() {  # MODULE ARGS...
  [ -n "$current_stage" ] || die "$recipe_script: \`run $1\` stands before the first \`stage\`"
  local conf arguments=("$@")
  for conf in ${default_conf:+"$default_conf"} ${stage_confs[@]+"${stage_confs[@]}"} ${user_confs[@]+"${user_confs[@]}"}; do
    arguments+=(--conf "$conf")
  done
  arguments+=(--nj "$nj" ${common[@]+"${common[@]}"} ${overrides[@]+"${overrides[@]}"})
  # what is not told its system is shared by all
  [ -z "$chosen_seed" ] || [[ " $* " != *" --system "* ]] || arguments+=("am.seed=$chosen_seed" "e2e.seed=$chosen_seed")
  if [ "$mode" = plan ]; then
    printf '%s\0' "$current_stage" "${#arguments[@]}" "${arguments[@]}"
  fi
  # what two systems share is done once
  if [ "$in_range" = yes ] && [ -z "${done_already["$*"]-}" ]; then
    supervised "${arguments[@]}" || failed $? "$@"
    done_already["$*"]=yes
  fi
}

supervised() {  # MODULE ARGS...; its exit status
  local status=0
  RECIPE_STAGE=$current_stage "$python" -m tools.recipe.supervise $$ "$run_log" "$python" -m "$@" &
  supervisor=$!
  # a signal ends `wait` before the program has ended
  while wait "$supervisor" 2>/dev/null && status=0 || status=$?; [ -n "$signal" ] && kill -0 "$supervisor" 2>/dev/null; do :; done
  supervisor=
  [ -z "$signal" ] || status=$signal
  return "$status"
}

signal=
stopped() {  # STATUS
  signal=$1
  [ -n "$supervisor" ] || exit "$1"  # it ends with this process, too
  kill -s TERM "$supervisor" 2>/dev/null || true
}

failed() {  # STATUS MODULE ARGS...
  local status=$1
  shift
  in_range=failed
  case $status in
    129|130|143) say "" "interrupted in stage $current_stage ($title)" ;;
    137) say "" "FAILED in stage $current_stage ($title): the system ended it, most likely for want of memory" ;;
    132|134|135|139) say "" "FAILED in stage $current_stage ($title): python -m $1 crashed (signal $((status - 128)))$(full_disk)" ;;
    141) say "" "stopped in stage $current_stage ($title): nobody reads the output any more" 2>/dev/null ;;
    *) say "" "FAILED in stage $current_stage ($title): python -m $* (exit status $status)$(full_disk)" ;;
  esac >&2
  say "the log: $run_log" \
    "to go on from here: $RECIPE_COMMAND --stage $current_stage" >&2
  exit "$status"
}

full_disk() {
  local free
  free=$(df -Pk "$work" 2>/dev/null | awk 'NR == 2 {print $4}')
  [ "${free:-9999}" -ge 1024 ] || echo "; there is no space left on the disk of $work"
}

finish() {
  local status=$?
  if [ "$status" -eq 0 ]; then
    say "" "${recipe#"$root/"}: done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  elif [ -n "$signal" ] && [ "$in_range" != failed ]; then
    say "" "interrupted${current_stage:+ in stage $current_stage ($title)}" >&2
  elif [ "$status" -eq 141 ] && [ "$in_range" != failed ]; then
    echo "stopped${current_stage:+ in stage $current_stage ($title)}: nobody reads the output any more" >&2
  elif [ "$in_range" = yes ]; then
    say "" "FAILED in stage $current_stage ($title), in $recipe_script itself" >&2
  fi
}

exp=$work/exp
if [ -n "$mode" ]; then
  cd "$root"
  return
fi

check_arguments
trap 'stopped 143' TERM
trap 'stopped 129' HUP
trap 'stopped 130' INT
trap 'exit 141' PIPE
use_environment "$chosen_python"
plan=$(mktemp)
trap 'rm -f "$plan"' EXIT
RECIPE_MODE=plan bash "$recipe_script" "$@" >"$plan"
exec 8<"$plan"
rm -f "$plan"
trap - EXIT
cd "$root"
if [ -n "$list_options" ]; then
  "$python" -m tools.recipe.check --list <&8
  exit
fi
# inside the project, paths relative to it: shorter to read, and the project can be moved
work=${work#"$root/"}
exp=$work/exp
default_conf=${default_conf#"$root/"}
user_confs=(${user_confs[@]+"${user_confs[@]#"$root/"}"})
why=$(mkdir -p -- "$work" 2>&1) || die "--work $work: cannot be made (${why##*: })"
{ exec 9>>"$work/.lock"; } 2>/dev/null || die "--work $work: cannot be written into"
run_log=$work/run.log
export RECIPE_COMMAND="./run.sh ${recipe#"$root/"}$(quoted ${again[@]+"${again[@]}"})"
# an interrupt is for this script to tell
(trap '' INT; exec "$python" -m tools.recipe.check --work="$work" --lock 9 --systems "$systems" <&8) || exit
exec 8<&-
trap finish EXIT
{
  echo
  echo "##### $(date '+%F %T')  $RECIPE_COMMAND --stage $first_stage"
  echo "commit $(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown), $("$python" tools/doctor.py --summary)"
} >>"$run_log" || die "--work $work: cannot be written into"
