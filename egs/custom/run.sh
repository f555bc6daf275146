#!/usr/bin/env bash
# custom: bring your own data, as Kaldi data directories or Lhotse manifests in --corpus. Copy this folder for more.
#
# A lexicon (lexicon.txt or lexiconp.txt) and a language model (lm.arpa) in that folder are used. Without a lexicon
# say lang.unit=grapheme; without a language model a trigram of the training transcripts takes its place.
. "$(dirname "$0")/../../tools/recipe.sh"
exp=$work/exp

stage 0 "corpus: import"
run egs.custom.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"
lexicon=$(ls "$work"/corpus/lexicon*.txt 2>/dev/null || true)
arpa=$(ls "$work"/corpus/lm.arpa* 2>/dev/null || true)

stage 1 "data: check every utterance"
run tools.validate_data --corpus "$work/corpus" --out "$work/cuts"

stage 2 "lang: phones, words, lexicon, topology"
run tools.prepare_lang ${lexicon:+--lexicon "$lexicon"} ${arpa:+--lm "$arpa"} --text "$work/cuts/train.jsonl.gz" \
  --out "$work/lang"

stage 3 "features"
for split in train dev test; do
  run tools.compute_features --cuts "$work/cuts" --split $split --out "$work/features/$split"
done

stage 4 "language model, when none is given: a trigram of the training transcripts"
if [ -z "$arpa" ]; then
  run tools.train_ngram --text "$work/cuts/train.jsonl.gz" --dev "$work/cuts/dev.jsonl.gz" --lang "$work/lang" \
    --out "$exp/lm"
  arpa=$exp/lm/lm.arpa
fi

stage 5 "CTC model over phones"
run tools.train_ctc --features "$work/features/train" --dev-features "$work/features/dev" \
  --lang "$work/lang" --out "$exp/ctc"

stage 6 "first alignment, from the CTC model"
for split in train dev; do
  run tools.align_ctc --features "$work/features/$split" --lang "$work/lang" --ctc "$exp/ctc" \
    --out "$exp/align_ctc_$split"
done

stage 7 "a narrow DNN and realignment"
run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" --section dnn \
  --alignment "$exp/align_ctc_train" --dev-alignment "$exp/align_ctc_dev" --out "$exp/dnn"
for split in train dev; do
  run tools.align --features "$work/features/$split" --lang "$work/lang" --model "$exp/dnn" \
    --out "$exp/align_dnn_$split"
done

stage 8 "acoustic model: a TDNN"
run tools.train_am --features "$work/features/train" --dev-features "$work/features/dev" \
  --alignment "$exp/align_dnn_train" --dev-alignment "$exp/align_dnn_dev" --out "$exp/tdnn"

stage 9 "decoding graph HCLG"
run tools.make_graph --lang "$work/lang" --arpa "$arpa" --transitions "$exp/tdnn/transitions" --out "$exp/graph"

stage 10 "decode"
for split in dev test; do
  run tools.decode --features "$work/features/$split" --model "$exp/tdnn" --graph "$exp/graph" \
    --out "$exp/decode_tdnn_$split"
done

stage 11 "score"
run tools.score --dev "$exp/decode_tdnn_dev" --dev-cuts "$work/cuts/dev.jsonl.gz" \
  --test "$exp/decode_tdnn_test" --test-cuts "$work/cuts/test.jsonl.gz" --out "$exp/score_tdnn"
run tools.report --work "$work"
