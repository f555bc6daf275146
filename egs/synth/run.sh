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

in_a_graph() {  # SYSTEM
  as_system "$1" end_to_end --lm "$work/corpus/lm.arpa"
  ctc_graph "$1" --lm "$work/corpus/lm.arpa"
}

system tdnn "a TDNN" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
system dnn "a DNN over 21 spliced frames" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
system blstm "a bidirectional LSTM" hybrid --alignment dnn2 --lm "$work/corpus/lm.arpa"
system ctc_chars "CTC over characters, the encoder a bidirectional LSTM" end_to_end --lm "$work/corpus/lm.arpa"
system ctc_graph "ctc_chars in a decoding graph" in_a_graph ctc_chars
system joint "an attention decoder and CTC together, the same encoder" end_to_end --lm "$work/corpus/lm.arpa"
system transducer "a transducer, the same encoder" end_to_end --lm "$work/corpus/lm.arpa"
results

if [ -n "$tests" ]; then
  stage 11 "times of the test voices' phones, against the true times"
  align dnn2 test --system times
  phone_times dnn2 train
  phone_times dnn2 test --late-of "$exp/times_dnn2_train"
  run tools.boundaries --alignment "$exp/times_dnn2_test" --cuts "$work/cuts/test.jsonl.gz" --lang "$work/lang" \
    --out "$exp/boundaries_test"
fi

compared
