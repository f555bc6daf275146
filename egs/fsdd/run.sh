#!/usr/bin/env bash
# fsdd: 3000 recordings of single English digits by 6 speakers (Free Spoken Digit Dataset). Needs --corpus.
#
# The grammar takes exactly one digit, so that a recording is classified, not transcribed.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: official split, lexicon, grammar of one digit"
run egs.fsdd.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"

prepare --lexicon "$work/corpus/lexicon.txt"
bootstrap dnn

system tdnn "a TDNN" hybrid --alignment dnn --lm "$work/corpus/lm.arpa"
results
