#!/usr/bin/env bash
# librispeech: read English audio books. 100 hours of training speech, two test sets, a lexicon of 200,000 words.
#
# Without --corpus the speech (7.3 GB), the lexicon and the language models that a system needs are downloaded from
# openslr.org. The graph has the smallest trigram; other systems rescore its lattices with the large ones (tglarge,
# fglarge) or with an LSTM. egs/mini is the same with 5 hours of training speech.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

tests="test-clean test-other"

stage 0 "corpus: parts, lexicon and language model"
run egs.librispeech.prepare ${corpus:+--corpus "$corpus"} --download "$work/download" --out "$work/corpus"

prepare --lexicon "$work/corpus/lexicon.txt" --text "$work/cuts/train.jsonl.gz"
bootstrap dnn

tgsmall() {
  hybrid --alignment dnn --lm "$work"/corpus/lm.arpa*
}

resource() {  # FILE of openslr.org resource 11, FOLDER, ARGS
  stage 3 "language models"
  run egs.librispeech.resource ${corpus:+--corpus "$corpus"} --download "$work/download" --name "$1" --out "$2" "${@:3}"
}

large() {  # LM, FILE
  as_system tdnn tgsmall
  resource "$2" "$exp/lm_$1"
  rescored tdnn --graph-lm "$work"/corpus/lm.arpa* "$1"
}

neural() {  # LM
  as_system tdnn tgsmall
  resource 4-gram.arpa.gz "$exp/lm_fglarge"
  resource librispeech-lm-norm.txt.gz "$work/lm_text" --sentences 2000000
  neural_lm "$1" "$work/lm_text/train.txt" "$work/lm_text/dev.txt"
  rescored tdnn --graph-lm "$work"/corpus/lm.arpa* --tune "$work/lm_text/dev.txt" fglarge "$1"
}

least_risk() {
  as_system fglarge_lstm neural lstm
  minimum_risk fglarge_lstm
}

system tdnn "a factored TDNN, tgsmall in the graph" tgsmall
system tglarge "its lattices rescored with the whole trigram" large tglarge 3-gram.arpa.gz
system fglarge "with the 4-gram" large fglarge 4-gram.arpa.gz
system fglarge_lstm "with the 4-gram and an LSTM, interpolated" neural lstm
system mbr "fglarge_lstm, and the words of least expected errors" least_risk
results
