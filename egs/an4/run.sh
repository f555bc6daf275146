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

lm=$work/corpus/lm.arpa
mono=(--alignment dnn3 --lm "$lm")
tri=(--alignment tri --lm "$lm")
words=(--alignment words --lm "$lm" --lang "$work/lang_words")

triphones() {
  context_tree tri dnn3
  hybrid "${tri[@]}"
}

# A network that sees the whole utterance learns from phones of words what the unigram model cannot say: an EIGHT stands
# among numbers, an A among letters.
own_phones() {
  word_phones words dnn3 --lexicon "$work/corpus/lexicon.txt"
  hybrid "${words[@]}"
}

own_phones_ivectors() {
  word_phones words dnn3 --lexicon "$work/corpus/lexicon.txt"
  with_vectors "${words[@]}"
}

two_passes() {  # adapted or second_pass
  as_system blstm own_phones
  "$1" "${words[@]}" --first-pass blstm
}

averaged() {
  as_system blstm own_phones
  as_system cnn_bigru own_phones
  combined "${words[@]}" blstm cnn_bigru
}

voted_by_three() {
  as_system blstm own_phones
  as_system blstm_sat two_passes adapted
  as_system tri_tdnn triphones
  voted blstm blstm_sat tri_tdnn
}

system blstm "a bidirectional LSTM over phones of words" own_phones
system mono_dnn "a DNN over spliced frames, monophones" hybrid "${mono[@]}"
system mono_tdnn "a TDNN, monophones" hybrid "${mono[@]}"
system tri_tdnn "a TDNN, triphones" triphones
system tri_tdnnf "a TDNN-F, triphones" triphones
system tri_cnn_tdnn "a CNN-TDNN, triphones" triphones
system tri_blstm "a bidirectional LSTM, triphones" triphones
system cnn_bigru "a residual CNN and a bidirectional GRU over phones of words" own_phones
system conformer "a Conformer over phones of words" own_phones
system blstm_ivectors "blstm with a vector of each speaker beside the features" own_phones_ivectors
system blstm_lhuc "blstm, its hidden units adapted to each speaker (LHUC), two passes" two_passes second_pass
system blstm_sat "blstm over features adapted to each speaker (fMLLR), two passes" two_passes adapted
system average "the posteriors of blstm and cnn_bigru, averaged" averaged
system voted "blstm, blstm_sat and tri_tdnn by their lattices" voted_by_three
results
