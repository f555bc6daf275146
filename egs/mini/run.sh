#!/usr/bin/env bash
# mini: Mini LibriSpeech, 5 hours of training speech out of LibriSpeech. Enough to see a large vocabulary at work.
#
# Without --corpus the speech (460 MB), the lexicon and the language model are downloaded from openslr.org.
# The development part is shared out between dev and test, whole speakers at a time.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: parts, lexicon and language model"
run egs.librispeech.prepare ${corpus:+--corpus "$corpus"} --download "$work/download" --out "$work/corpus"

prepare --lexicon "$work/corpus/lexicon.txt" --text "$work/cuts/train.jsonl.gz"
bootstrap dnn

system tdnn "a TDNN" hybrid --alignment dnn --lm "$work"/corpus/lm.arpa*
system cnn_tdnn "a TDNN under two convolutions over time and frequency" hybrid --alignment dnn --lm "$work"/corpus/lm.arpa*
results
