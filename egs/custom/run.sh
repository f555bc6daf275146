#!/usr/bin/env bash
# custom: bring your own data, as Kaldi data directories or Lhotse manifests in --corpus. Copy this folder for more.
#
# A lexicon (lexicon.txt or lexiconp.txt) and a language model (lm.arpa) in that folder are used. Without a lexicon
# say lang.unit=grapheme; without a language model a trigram of the training transcripts takes its place.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: import"
run egs.custom.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"
lexicon=$(ls "$work"/corpus/lexicon*.txt 2>/dev/null || true)
lm=$(ls "$work"/corpus/lm.arpa* 2>/dev/null || true)

check_data
# sizes and epochs that fit the hours of speech
run egs.custom.choose --cuts "$work/cuts" --tables "$recipe/conf/by_hours" --out "$work/chosen"
options_file "$work/chosen/options.conf"

make_lang ${lexicon:+--lexicon "$lexicon"} ${lm:+--lm "$lm"} --text "$work/cuts/train.jsonl.gz"
if [ -z "$lm" ]; then
  run tools.train_ngram --text "$work/cuts/train.jsonl.gz" --dev "$work/cuts/dev.jsonl.gz" --lang "$work/lang" \
    --out "$exp/lm"
  lm=$exp/lm/lm.arpa
fi
make_features
bootstrap dnn

system tdnn "a TDNN" hybrid --alignment dnn --lm "$lm"
system blstm "a bidirectional LSTM" hybrid --alignment dnn --lm "$lm"
results
