#!/usr/bin/env bash
# yesno: 60 recordings of 8 Hebrew words each, yes or no. The smallest real corpus; a minute from audio to WER.
#
# Without --corpus the recordings (4.7 MB) are downloaded from openslr.org.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: Kaldi's split, lexicon and language model"
run egs.yesno.prepare ${corpus:+--corpus "$corpus"} --download "$work/download" --out "$work/corpus"

prepare --lexicon "$work/corpus/lexicon.txt"
bootstrap dnn

system tdnn "a TDNN" hybrid --alignment dnn --lm "$work/corpus/lm.arpa"
results
