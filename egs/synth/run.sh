#!/usr/bin/env bash
# synth: speech made by espeak-ng on the spot, with true phone and word times. No download.
#
# A small hybrid system from nothing: a CTC model over phones gives the first HMM alignment, narrow DNNs align
# again, a TDNN is trained on that, and a trigram HCLG graph decodes unseen voices.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: synthesize speech, lexicon and language model"
run egs.synth.prepare --out "$work/corpus"

prepare --lexicon "$work/corpus/lexiconp.txt"
bootstrap dnn1 dnn2

system tdnn "a TDNN" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
system dnn "a DNN over 21 spliced frames" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
system blstm "a bidirectional LSTM" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
results

stage 11 "alignment of the test voices, against the true times"
align dnn2 test
run tools.boundaries --alignment "$exp/align_dnn2_test" --cuts "$work/cuts/test.jsonl.gz" --lang "$work/lang" \
  --out "$exp/boundaries_test"
