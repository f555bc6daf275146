#!/usr/bin/env bash
# librispeech: read English audio books. 100 hours of training speech, two test sets, a lexicon of 200,000 words.
#
# Without --corpus the speech (7.3 GB), the lexicon and the language model are downloaded from openslr.org.
# egs/mini is the same with 5 hours of training speech.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

tests="test-clean test-other"

stage 0 "corpus: parts, lexicon and language model"
run egs.librispeech.prepare ${corpus:+--corpus "$corpus"} --download "$work/download" --out "$work/corpus"

prepare --lexicon "$work/corpus/lexicon.txt" --text "$work/cuts/train.jsonl.gz"
bootstrap dnn

system tdnn "a factored TDNN" hybrid --alignment dnn --lm "$work"/corpus/lm.arpa*
results
