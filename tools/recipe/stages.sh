# Sourced by tools/recipe.sh: the stages that recipes have in common, in the order in which they run. A recipe calls
#
#   prepare ARGS...        stages 1 to 3: data, lang (ARGS go to tools.prepare_lang), features
#   bootstrap MODEL...     stages 4 to 6: CTC model, first alignment, rounds of a narrow DNN (one a MODEL)
#   context_tree NAME MODEL ...   stage 6: a tree over phones in context; MODEL's alignments become NAME's, of its states
#   word_phones NAME MODEL ...    stage 6: a lang with phones of words, and MODEL's alignments in it
#   hybrid ...             stages 7 to 10, for a system: acoustic model, HCLG, decoding, scores
#   adapted ...            the same with transforms of each speaker's features, from the lattices of a first pass
#   with_vectors ...       the same with a vector of each speaker
#   end_to_end ...         stages 7, 9 and 10 of a system without HMM: CTC, attention, transducer
#   searched SYSTEM ...    stages 9 and 10 of an end-to-end network that is there already, with another search
#   ctc_graph SYSTEM ...   stages 8 to 10 of one with a CTC output: a graph whose H is the topology of CTC, and its lattices
#   second_pass ...        stages 9 and 10 once more, the network adapted to each speaker by the first pass
#   combined ..., voted ...       stages 9 and 10 of several systems together, by posteriors or by lattices
#   ngram_lm NAME TEXT DEV, neural_lm NAME TEXT DEV   stage 3: a language model in $exp/lm_NAME
#   same_model SYSTEM ...         stages 8 to 10 of a network that is there already, with another graph
#   rescored SYSTEM --graph-lm ARPA [--tune TEXT] LM...   stages 9 and 10 of its lattices, with other language models
#   rescored_by MODEL SYSTEM ...  stages 9 and 10 of its lattices, the best sentences scored by another system's model
#   minimum_risk SYSTEM           stages 9 and 10 of its lattices: the words of least expected errors
#   results                stage 10: one table of all systems of the work folder
#   compared               stage 12: systems against each other, as tables and as a page, where several were asked for
#
# Folders: $work/cuts lang features/SPLIT, $exp/ctc align_MODEL_SPLIT MODEL graph_MODEL decode_SYSTEM_SPLIT
# score_SYSTEM. Systems share all that is named alike; tools see by content what is done already.

prepare() {  # ARGS of tools.prepare_lang
  check_data
  make_lang "$@"
  make_features
}

check_data() {
  stage 1 "data: check every utterance"
  run tools.validate_data --corpus "$work/corpus" --out "$work/cuts"
}

test_sets() {  # CORPUS: its splits but train and dev; test while there is no corpus
  local split found=
  for split in "$1"/*.jsonl.gz; do
    split=${split##*/} split=${split%.jsonl.gz}
    [[ $split == '*' || $split == train || $split == dev ]] || found+="$split "
  done
  echo "${found:-test}"
}

make_lang() {  # ARGS of tools.prepare_lang
  stage 2 "lang: phones, words, lexicon, topology"
  run tools.prepare_lang "$@" --out "$work/lang"
}

make_features() {
  stage 3 "features"
  local split stats
  for split in train dev $tests; do
    run tools.compute_features --cuts "$work/cuts" --split "$split" ${stats:+--stats "$stats"} --out "$work/features/$split"
    stats=$work/features/train
  done
}

bootstrap() {  # MODEL..., one for each round of realignment
  stage 4 "CTC model over phones"
  run tools.train_ctc --features "$work/features/train" --dev-features "$work/features/dev" \
    --lang "$work/lang" --out "$exp/ctc"

  stage 5 "first alignment, from the CTC model"
  local split model previous=ctc
  align_ctc() {  # SPLIT ARGS
    run tools.align_ctc --features "$work/features/$1" --lang "$work/lang" --ctc "$exp/ctc" \
      "${@:2}" --out "$exp/align_ctc_$1"
  }
  align_ctc train
  align_ctc dev --delay-of "$exp/align_ctc_train"

  stage 6 "a narrow DNN and realignment, $# times"
  for model in "$@"; do
    train_on_alignment "$previous" --section dnn --out "$exp/$model"
    for split in train dev; do
      align "$model" "$split"
    done
    previous=$model
  done
}

align() {  # MODEL SPLIT [--system NAME, with options in [align.NAME]]
  run tools.align --features "$work/features/$2" --lang "$work/lang" --model "$exp/$1" "${@:3}" --out "$exp/align_$1_$2"
}

phone_times() {  # MODEL that aligned, SPLIT, ARGS of tools.phone_times
  run tools.phone_times --alignment "$exp/align_$1_$2" --model "$exp/$1" --features "$work/features/$2" \
    --lang "$work/lang" "${@:3}" --out "$exp/times_$1_$2"
}

train_on_alignment() {  # MODEL that aligned, ARGS of tools.train_am
  local aligned=$1
  shift
  run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" \
    --alignment "$exp/align_${aligned}_train" --dev-alignment "$exp/align_${aligned}_dev" \
    ${chosen_system:+${start_from:+--start-from "$start_from"}} "$@"
}

# HMM states of phones in context; options in [tree].
context_tree() {  # NAME MODEL that aligned, ARGS of tools.build_tree
  local name=$1 aligned=$2 split
  shift 2
  stage 6 "a decision tree over phones in context"
  run tools.build_tree --alignment "$exp/align_${aligned}_train" --features "$work/features/train" \
    --lang "$work/lang" "$@" --out "$exp/tree_$name"
  for split in train dev; do
    run tools.convert_alignment --alignment "$exp/align_${aligned}_$split" --tree "$exp/tree_$name" \
      --lang "$work/lang" --out "$exp/align_${name}_$split"
  done
}

# Phones of their own for words that are said often; options in [lang.NAME], above all word_phones.
word_phones() {  # NAME MODEL that aligned, ARGS of tools.prepare_lang
  local name=$1 aligned=$2 split
  shift 2
  stage 6 "phones of words: a lang of its own, the alignments in it"
  run tools.prepare_lang --system "$name" "$@" --text "$work/cuts/train.jsonl.gz" --out "$work/lang_$name"
  for split in train dev; do
    run tools.convert_alignment --alignment "$exp/align_${aligned}_$split" --from-lang "$work/lang" \
      --lang "$work/lang_$name" --out "$exp/align_${name}_$split"
  done
}

# A network over the HMM states of an alignment; its options are in [am] and [am.SYSTEM].
hybrid() {  # --alignment NAME --lm ARPA [--lang LANG]
  local alignment lm lang=$work/lang graph=
  alignment_and_lm "$@"
  stage 7 "acoustic model"
  train_on_alignment "$alignment" --system "$chosen_system" --out "$exp/$chosen_system$seeded"
  make_graph
  decode_and_score
}

# The same over features that a transform of each speaker (fMLLR) brings nearer to all others. Those of dev and test
# come from the lattices of another system over the same alignment; options in [fmllr].
adapted() {  # --alignment NAME --lm ARPA [--lang LANG] --first-pass SYSTEM
  local alignment lm lang=$work/lang graph= first_pass split
  alignment_and_lm "$@"
  local speakers=$exp/fmllr_$alignment
  stage 7 "transforms of speakers, and an acoustic model over what they give"
  run tools.estimate_fmllr --features "$work/features/train" --lang "$lang" \
    --alignment "$exp/align_${alignment}_train" --out "${speakers}_train"
  for split in dev $tests; do
    run tools.estimate_fmllr --features "$work/features/$split" --lang "$lang" \
      --lattices "$exp/decode_$first_pass${seeded}_$split" --gaussians "${speakers}_train" \
      --out "${speakers}_$first_pass${seeded}_$split"
  done
  train_on_alignment "$alignment" --speaker-transforms "${speakers}_train" \
    --dev-speaker-transforms "${speakers}_$first_pass${seeded}_dev" \
    --system "$chosen_system" --out "$exp/$chosen_system$seeded"
  make_graph
  decode_and_score --speakers "${speakers}_$first_pass$seeded"
}

# The same with a vector of each speaker (i-vector) beside the features; options in [ivectors].
with_vectors() {  # --alignment NAME --lm ARPA [--lang LANG]
  local alignment lm lang=$work/lang graph= split extractor
  alignment_and_lm "$@"
  stage 7 "vectors of speakers, and an acoustic model that sees them"
  for split in train dev $tests; do
    run tools.estimate_ivectors --features "$work/features/$split" ${extractor:+--extractor "$extractor"} \
      --out "$exp/ivectors_$split"
    extractor=$exp/ivectors_train
  done
  train_on_alignment "$alignment" --speaker-transforms "$exp/ivectors_train" \
    --dev-speaker-transforms "$exp/ivectors_dev" --system "$chosen_system" --out "$exp/$chosen_system$seeded"
  make_graph
  decode_and_score --speakers "$exp/ivectors"
}

# A network from features to characters, pieces or phones; its options are in [e2e] and [e2e.SYSTEM], those of its search
# in [e2e_search] and [e2e_search.SYSTEM].
end_to_end() {  # [--lm LM]
  stage 7 "end-to-end model"
  run tools.train_e2e --system "$chosen_system" --features "$work/features/train" \
    --dev-features "$work/features/dev" --lang "$work/lang" ${start_from:+--start-from "$start_from"} \
    --out "$exp/$chosen_system$seeded"
  searched "$chosen_system" "$@"
}

searched() {  # SYSTEM [--lm LM]
  local split network=$exp/$1$seeded
  shift
  stage 9 "decode"
  for split in dev $tests; do
    run tools.decode_e2e --system "$chosen_system" --features "$work/features/$split" --model "$network" \
      --lang "$work/lang" "$@" --out "$exp/decode_$chosen_system${seeded}_$split"
  done
  stage 10 "score"
  score
}

ctc_graph() {  # SYSTEM --lm ARPA
  local split network=$exp/$1$seeded graph=$exp/graph_$chosen_system$seeded
  stage 8 "decoding graph with the topology of CTC"
  run tools.make_graph --system "$chosen_system" --lang "$work/lang" --arpa "$3" --ctc "$network" --out "$graph"
  stage 9 "decode"
  for split in dev $tests; do
    run tools.decode --system "$chosen_system" --features "$work/features/$split" --model "$network" --graph "$graph" \
      --out "$exp/decode_$chosen_system${seeded}_$split"
  done
  stage 10 "score"
  score
}

# A second pass of a system that is there already, its network adapted to each speaker by the lattices of the first;
# options in [adapt].
second_pass() {  # --alignment NAME --lm ARPA [--lang LANG] --first-pass SYSTEM
  local alignment lm lang=$work/lang graph= first_pass split
  alignment_and_lm "$@"
  stage 9 "adapt and decode"
  for split in dev $tests; do
    run tools.adapt --features "$work/features/$split" --lang "$lang" --model "$exp/$first_pass$seeded" \
      --lattices "$exp/decode_$first_pass${seeded}_$split" --out "$exp/adapt_$first_pass${seeded}_$split"
  done
  decode_and_score --adaptation "$exp/adapt_$first_pass$seeded" "$exp/$first_pass$seeded"
}

# Several systems over the same alignment, that are there already: their posteriors are averaged.
combined() {  # --alignment NAME --lm ARPA [--lang LANG] [--first-pass SYSTEM, of adapted ones] SYSTEM...
  local alignment lm lang=$work/lang graph= first_pass='' members=() name
  alignment_and_lm "$@"
  local models=()
  for name in "${members[@]}"; do
    models+=("$exp/$name$seeded")
  done
  decode_and_score ${first_pass:+--speakers "$exp/fmllr_${alignment}_$first_pass$seeded"} "${models[@]}"
}

# Lattices of systems that are there already, over whatever states: the words with the fewest expected errors.
voted() {  # SYSTEM...
  local split name lattices scores=()
  for name in "$@"; do
    scores+=("$exp/score_$name$seeded")
  done
  stage 10 "combine and score"
  for split in dev $tests; do
    lattices=()
    for name in "$@"; do
      lattices+=("$exp/decode_$name${seeded}_$split")
    done
    run tools.combine --cuts "$work/cuts/$split.jsonl.gz" --lattices "${lattices[@]}" --scores "${scores[@]}" \
      --out "$exp/decode_$chosen_system${seeded}_$split"
  done
  score
}

# Language models over the words of the lang folder; options in [lm] and [lm.NAME], [neural_lm] and [neural_lm.NAME].
ngram_lm() {  # NAME TEXT DEV_TEXT
  stage 3 "language models"
  run tools.train_ngram --system "$1" --text "$2" --dev "$3" --lang "$work/lang" --out "$exp/lm_$1"
}

neural_lm() {  # NAME TEXT DEV_TEXT
  stage 3 "language models"
  run tools.train_lm --system "$1" --text "$2" --dev-text "$3" --lang "$work/lang" --out "$exp/lm_$1"
}

# The network of a system that is there already, with the graph of another language model.
same_model() {  # SYSTEM --alignment NAME --lm ARPA [--lang LANG] --graph NAME
  local alignment lm lang=$work/lang graph model=$exp/$1$seeded
  shift
  alignment_and_lm "$@"
  make_graph
  decode_and_score "$model"
}

# Lattices of a system that is there already: the language model of their graph goes out, others come in. The dev set
# chooses their weight, DEV_TEXT how several are mixed; options in [rescore].
rescored() {  # SYSTEM --graph-lm ARPA [--tune DEV_TEXT] LM...
  local decoded=$exp/decode_$1$seeded out=$exp/decode_$chosen_system$seeded graph_lm=$3 tune= name lms=()
  shift 3
  if [ "$1" = --tune ]; then
    tune=$2
    shift 2
  fi
  for name in "$@"; do
    lms+=("$exp/lm_$name")
  done
  stage 9 "rescore"
  rescore() {  # SPLIT ARGS
    run tools.lattices.rescore --system "$chosen_system" --lattices "${decoded}_$1" --graph-lm "$graph_lm" \
      --lm "${lms[@]}" --out "${out}_$1" "${@:2}"
  }
  dev_chooses_weight ${tune:+--tune "$tune"} --weights 0.25 0.5 0.75 1
}

dev_chooses_weight() {  # ARGS of dev alone, for the function `rescore` and the prefix $out of the function that calls
  local split
  rescore dev "$@" --cuts "$work/cuts/dev.jsonl.gz"
  for split in $tests; do
    rescore "$split" --weight-of "${out}_dev"
  done
  stage 10 "score"
  score
}

# Lattices of a system that is there already: its best sentences get scores of another system's model, too, hybrid or
# end-to-end. The dev set chooses the weight of the other; options in [model_rescore].
rescored_by() {  # MODEL SYSTEM [ARGS of tools.rescore_with_model, such as --lang]
  local model=$exp/$1$seeded decoded=$exp/decode_$2$seeded out=$exp/decode_$chosen_system$seeded more=("${@:3}")
  stage 9 "another model's scores of the best sentences"
  rescore() {  # SPLIT ARGS
    run tools.rescore_with_model --system "$chosen_system" --lattices "${decoded}_$1" \
      --features "$work/features/$1" --model "$model" ${more[@]+"${more[@]}"} --out "${out}_$1" "${@:2}"
  }
  dev_chooses_weight --weights 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1
}

# Lattices of a system over the lang folder that is there already: of all its words, those with the fewest expected errors.
minimum_risk() {  # SYSTEM
  local split
  stage 9 "words of least expected errors"
  for split in dev $tests; do
    run tools.lattices.mbr --system "$chosen_system" --lattices "$exp/decode_$1${seeded}_$split" \
      --scores "$exp/score_$1$seeded" --cuts "$work/cuts/$split.jsonl.gz" --lang "$work/lang" \
      --out "$exp/decode_$chosen_system${seeded}_$split"
  done
  stage 10 "score"
  score
}

alignment_and_lm() {  # arguments of a system, into the variables of the function that calls
  while [ $# -gt 0 ]; do
    case $1 in
      --alignment) alignment=$2; shift ;;
      --lm) lm=$2; shift ;;
      --lang) lang=$2; shift ;;
      --first-pass) first_pass=$2; shift ;;
      --graph) graph=$2; shift ;;
      --*) die "$recipe_script: system $chosen_system: unknown argument $1" ;;
      *) members+=("$1") ;;
    esac
    shift
  done
}

make_graph() {  # $graph, or one named after the alignment
  stage 8 "decoding graph HCLG"
  run tools.make_graph --lang "$lang" --arpa "$lm" --transitions "$exp/align_${alignment}_train/transitions" \
    --out "$exp/graph_${graph:-$alignment}"
}

decode_and_score() {  # [--speakers PREFIX of transforms | --adaptation PREFIX] [MODEL...]; default: that of the system
  local split kind= prefix=
  case ${1-} in
    --speakers) kind=--speaker-transforms prefix=$2; shift 2 ;;
    --adaptation) kind=$1 prefix=$2; shift 2 ;;
  esac
  [ $# -gt 0 ] || set -- "$exp/$chosen_system$seeded"
  stage 9 "decode"
  for split in dev $tests; do
    run tools.decode --system "$chosen_system" --features "$work/features/$split" --model "$@" \
      --graph "$exp/graph_${graph:-$alignment}" ${kind:+"$kind" "${prefix}_$split"} \
      --out "$exp/decode_$chosen_system${seeded}_$split"
  done
  stage 10 "score"
  score
}

score() {  # what decoding left
  local split decoded=$exp/decode_$chosen_system$seeded folders=() cuts=()
  for split in $tests; do
    folders+=("${decoded}_$split")
    cuts+=("$work/cuts/$split.jsonl.gz")
  done
  run tools.score --system "$chosen_system" --name "$chosen_system" --dev "${decoded}_dev" \
    --dev-cuts "$work/cuts/dev.jsonl.gz" \
    ${tests:+--test "${folders[@]}" --test-cuts "${cuts[@]}"} --out "$exp/score_$chosen_system$seeded"
}

results() {
  stage 10 "score"
  run tools.report --work "$work"
}

compared() {
  [ -n "$mode" ] || [[ $systems == *" "* ]] || [[ $seeds == *" "* ]] || return 0
  stage 12 "comparison of the systems, as tables and as a page"
  run tools.compare --work "$work" --tests ${tests:-dev} --title "${recipe##*/}" --out "$exp/comparison"
}
