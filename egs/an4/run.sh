#!/usr/bin/env bash
# an4: CMU AN4 (census), 42 minutes of spelling, numbers and dates by 74 speakers. Needs --corpus DIR.
#
# The corpus' own lexicon and unigram language model. Speakers held out of training choose the scales; the
# official test half is scored when the folder has it (etc/an4_test.fileids).
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: audio or Sphinx features, speakers held out"
run egs.an4.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"
[ -e "$work/corpus/test.jsonl.gz" ] || tests=  # the official test half may not be in the folder

prepare --lexicon "$work/corpus/lexicon.txt"
bootstrap dnn1 dnn2 dnn3

system tdnn "a TDNN" hybrid --alignment dnn3 --lm "$work/corpus/lm.arpa"
system blstm "a bidirectional LSTM" hybrid --alignment dnn3 --lm "$work/corpus/lm.arpa"
results
