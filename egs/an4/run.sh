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

two_passes() {  # adapted or second_pass, SYSTEM of the first pass
  as_system "$2" own_phones
  "$1" "${words[@]}" --first-pass "$2"
}

averaged() {
  local name
  for name in conformer cnn_bigru blstm; do
    as_system "$name" own_phones
  done
  combined "${words[@]}" conformer cnn_bigru blstm
}

voted_by_three() {
  as_system average averaged
  as_system conformer_sat two_passes adapted conformer
  as_system blstm_sat two_passes adapted blstm
  voted average conformer_sat blstm_sat
}

own_trigram() {
  as_system conformer own_phones
  ngram_lm trigram "$work/cuts/train.jsonl.gz" "$work/cuts/dev.jsonl.gz"
  rescored conformer --graph-lm "$lm" trigram
}

# What the hybrid system gets by rescoring, end-to-end systems get while they search: a trigram of the transcripts.
with_trigram() {  # end_to_end or searched SYSTEM
  ngram_lm trigram "$work/cuts/train.jsonl.gz" "$work/cuts/dev.jsonl.gz"
  "$@" --lm "$exp/lm_trigram"
}

searched_again() {  # SYSTEM, with the search of the system that is chosen
  as_system "$1" with_trigram end_to_end
  with_trigram searched "$1"
}

in_a_graph() {  # SYSTEM
  as_system "$1" with_trigram end_to_end
  ctc_graph "$1" --lm "$exp/lm_trigram/lm.arpa"
}

both_kinds() {
  as_system conformer own_phones
  as_system joint with_trigram end_to_end
  rescored_by joint conformer
}

system trigram "conformer's lattices rescored with a trigram of the training transcripts, not the corpus' unigram" own_trigram
system conformer "a Conformer over phones of words" own_phones
system mono_dnn "a DNN over spliced frames, monophones" hybrid "${mono[@]}"
system mono_tdnn "a TDNN, monophones" hybrid "${mono[@]}"
system tri_tdnn "a TDNN, triphones" triphones
system tri_tdnnf "a TDNN-F, triphones" triphones
system tri_cnn_tdnn "a CNN-TDNN, triphones" triphones
system tri_blstm "a bidirectional LSTM, triphones" triphones
system blstm "a bidirectional LSTM over phones of words" own_phones
system cnn_bigru "a residual CNN and a bidirectional GRU over phones of words" own_phones
system blstm_ivectors "blstm with a vector of each speaker beside the features" own_phones_ivectors
system blstm_lhuc "blstm, its hidden units adapted to each speaker (LHUC), two passes" two_passes second_pass blstm
system blstm_sat "blstm over features adapted to each speaker (fMLLR), two passes" two_passes adapted blstm
system conformer_sat "conformer over features adapted to each speaker (fMLLR), two passes" two_passes adapted conformer
system average "the posteriors of conformer, cnn_bigru and blstm, averaged" averaged
system voted "average, conformer_sat and blstm_sat by their lattices" voted_by_three
system ctc_chars "CTC over characters, the encoder a Conformer" with_trigram end_to_end
system ctc_graph "ctc_chars in a decoding graph of the lexicon and the trigram" in_a_graph ctc_chars
system joint "an attention decoder (LSTM) and CTC together, characters, the same encoder" with_trigram end_to_end
system joint_ctc "joint's network, searched by its CTC output alone" searched_again joint
system joint_graph "joint's CTC output in a decoding graph of the lexicon and the trigram" in_a_graph joint
system joint_attention "joint's network, searched by its decoder alone" searched_again joint
system transducer "a transducer over characters, the same encoder" with_trigram end_to_end
system both "conformer's best sentences, scored by joint's network as well" both_kinds
results
compared
