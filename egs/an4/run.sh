#!/usr/bin/env bash
# an4: CMU AN4 (census), 42 minutes of spelling, numbers and dates by 74 speakers. Needs --corpus DIR.
#
# The corpus' own lexicon and unigram language model. Speakers held out of training choose the scales; the
# official test half is scored when the folder has it (etc/an4_test.fileids).
. "$(dirname "$0")/../../tools/recipe.sh"
exp=$work/exp

stage 0 "corpus: audio or Sphinx features, speakers held out"
run egs.an4.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"

stage 1 "data: check every utterance"
run tools.validate_data --corpus "$work/corpus" --out "$work/cuts"

test=  # the official test half may not be in the folder
[ ! -e "$work/cuts/test.jsonl.gz" ] || test=test

stage 2 "lang: phones, words, lexicon, topology"
run tools.prepare_lang --lexicon "$work/corpus/lexicon.txt" --out "$work/lang"

stage 3 "features"
for split in train dev $test; do
  run tools.compute_features --cuts "$work/cuts" --split $split --out "$work/features/$split"
done

stage 4 "CTC model over phones"
run tools.train_ctc --features "$work/features/train" --dev-features "$work/features/dev" \
  --lang "$work/lang" --out "$exp/ctc"

stage 5 "first alignment, from the CTC model"
for split in train dev; do
  run tools.align_ctc --features "$work/features/$split" --lang "$work/lang" --ctc "$exp/ctc" \
    --out "$exp/align_ctc_$split"
done

stage 6 "three rounds of a narrow DNN and realignment"
previous=ctc
for round in dnn1 dnn2 dnn3; do
  run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" --section dnn \
    --alignment "$exp/align_${previous}_train" --dev-alignment "$exp/align_${previous}_dev" --out "$exp/$round"
  for split in train dev; do
    run tools.align --features "$work/features/$split" --lang "$work/lang" --model "$exp/$round" \
      --out "$exp/align_${round}_$split"
  done
  previous=$round
done

stage 7 "acoustic model: a TDNN"
run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" \
  --alignment "$exp/align_dnn3_train" --dev-alignment "$exp/align_dnn3_dev" --out "$exp/tdnn"

stage 8 "decoding graph HCLG"
run tools.make_graph --lang "$work/lang" --arpa "$work/corpus/lm.arpa" --transitions "$exp/tdnn/transitions" \
  --out "$exp/graph"

stage 9 "decode"
for split in dev $test; do
  run tools.decode --features "$work/features/$split" --model "$exp/tdnn" --graph "$exp/graph" \
    --out "$exp/decode_tdnn_$split"
done

stage 10 "score"
run tools.score --dev "$exp/decode_tdnn_dev" --dev-cuts "$work/cuts/dev.jsonl.gz" \
  ${test:+--test "$exp/decode_tdnn_test" --test-cuts "$work/cuts/test.jsonl.gz"} --out "$exp/score_tdnn"
run tools.report --work "$work"
