#!/usr/bin/env bash
# yesno: 60 recordings of 8 Hebrew words each, yes or no. The smallest real corpus; a minute from audio to WER.
#
# Without --corpus the recordings (4.7 MB) are downloaded from openslr.org.
. "$(dirname "$0")/../../tools/recipe.sh"
exp=$work/exp

stage 0 "corpus: Kaldi's split, lexicon and language model"
run egs.yesno.prepare ${corpus:+--corpus "$corpus"} --download "$work/download" --out "$work/corpus"

stage 1 "data: check every utterance"
run tools.validate_data --corpus "$work/corpus" --out "$work/cuts"

stage 2 "lang: phones, words, lexicon, topology"
run tools.prepare_lang --lexicon "$work/corpus/lexicon.txt" --out "$work/lang"

stage 3 "features"
for split in train dev test; do
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

stage 6 "a narrow DNN and realignment with it"
run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" --section dnn \
  --alignment "$exp/align_ctc_train" --dev-alignment "$exp/align_ctc_dev" --out "$exp/dnn"
for split in train dev; do
  run tools.align --features "$work/features/$split" --lang "$work/lang" --model "$exp/dnn" \
    --out "$exp/align_dnn_$split"
done

stage 7 "acoustic model: a TDNN"
run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" \
  --alignment "$exp/align_dnn_train" --dev-alignment "$exp/align_dnn_dev" --out "$exp/tdnn"

stage 8 "decoding graph HCLG"
run tools.make_graph --lang "$work/lang" --arpa "$work/corpus/lm.arpa" --transitions "$exp/tdnn/transitions" \
  --out "$exp/graph"

stage 9 "decode"
for split in dev test; do
  run tools.decode --features "$work/features/$split" --model "$exp/tdnn" --graph "$exp/graph" \
    --out "$exp/decode_tdnn_$split"
done

stage 10 "score"
run tools.score --dev "$exp/decode_tdnn_dev" --dev-cuts "$work/cuts/dev.jsonl.gz" \
  --test "$exp/decode_tdnn_test" --test-cuts "$work/cuts/test.jsonl.gz" --out "$exp/score_tdnn"
run tools.report --work "$work"
