#!/usr/bin/env bash
# an4: CMU AN4 (census), 42 minutes of spelling, numbers and dates by 74 speakers. Needs --corpus DIR.
#
# The corpus' own lexicon and unigram language model. Speakers held out of training choose the scales; the
# official test half is scored when the folder has it (etc/an4_test.fileids). The systems are a ladder: each changes one
# thing, and --systems all makes the table that shows what pays.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: audio or Sphinx features, speakers held out"
run egs.an4.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"
[ -e "$work/corpus/test.jsonl.gz" ] || tests=  # the official test half may not be in the folder

prepare --lexicon "$work/corpus/lexicon.txt"
bootstrap dnn1 dnn2 dnn3

mono=(--alignment dnn3 --lm "$work/corpus/lm.arpa")
tri=(--alignment tri --lm "$work/corpus/lm.arpa")

triphone() {
  context_tree tri dnn3
  hybrid "${tri[@]}"
}

# over features that are transformed for each speaker, as the lattices of the TDNN have them
speaker_adaptive() {
  as_system tdnn triphone
  adapted "${tri[@]}" --first-pass tdnn
}

all_adapted() {
  as_system tdnn_sat speaker_adaptive
  as_system blstm_sat speaker_adaptive
  combined "${tri[@]}" --first-pass tdnn tdnn_sat blstm_sat
}

system tdnn "a TDNN over triphones" triphone
system mono_dnn "a DNN over spliced frames, monophones" hybrid "${mono[@]}"
system mono_tdnn "a TDNN, monophones" hybrid "${mono[@]}"
system tdnnf "a TDNN-F" triphone
system cnn_tdnn "a CNN-TDNN" triphone
system blstm "a bidirectional LSTM" triphone
system cnn_bigru "a residual CNN and a bidirectional GRU" triphone
system conformer "a Conformer" triphone
system tdnn_sat "the TDNN over features adapted to each speaker, two passes" speaker_adaptive
system blstm_sat "the same with the bidirectional LSTM" speaker_adaptive
system combined_sat "their average" all_adapted
results
