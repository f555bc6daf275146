#!/usr/bin/env bash
# stories: two thousand invented words in noise, said by espeak-ng, where language models decide. No download.
#
# The graph has a small bigram. Its lattices are rescored with what sees more: a 4-gram, a feed-forward network, an LSTM,
# a Transformer; over the best hundred sentences or whole lattices; alone, together or mixed with the 4-gram; and the words
# of least expected errors are taken at the end. --systems all makes one table of it.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: synthesize speech, lexicon and text"
run egs.synth.prepare --out "$work/corpus"
text=("$work/corpus/lm_text.txt" "$work/corpus/lm_dev_text.txt")

prepare --lexicon "$work/corpus/lexiconp.txt"
bootstrap dnn1 dnn2

bigram=$exp/lm_bigram/lm.arpa

small_graph() {
  ngram_lm bigram "${text[@]}"
  hybrid --alignment dnn2 --lm "$bigram"
}

large_graph() {
  as_system tdnn small_graph
  ngram_lm fourgram "${text[@]}"
  same_model tdnn --alignment dnn2 --lm "$exp/lm_fourgram/lm.arpa" --graph fourgram
}

with_ngram() {
  as_system tdnn small_graph
  ngram_lm fourgram "${text[@]}"
  rescored tdnn --graph-lm "$bigram" fourgram
}

with_neural() {  # LM
  as_system tdnn small_graph
  neural_lm "$1" "${text[@]}"
  rescored tdnn --graph-lm "$bigram" "$1"
}

with_both() {
  as_system tdnn small_graph
  ngram_lm fourgram "${text[@]}"
  neural_lm lstm "${text[@]}"
  rescored tdnn --graph-lm "$bigram" --tune "${text[1]}" fourgram lstm
}

several_neural() {
  local network
  for network in ffnn lstm transformer; do
    as_system "$network" with_neural "$network"
  done
  voted ffnn lstm transformer
}

least_risk() {
  as_system mixed with_both
  minimum_risk mixed
}

system tdnn "a TDNN and a bigram graph: the first pass" small_graph
system fourgram_graph "the same network and a graph of the 4-gram" large_graph
system fourgram "lattices of the first pass, rescored with a 4-gram" with_ngram
system ffnn "rescored with a feed-forward network" with_neural ffnn
system lstm_nbest "the 100 best sentences rescored with an LSTM" with_neural lstm
system lstm "lattices rescored with an LSTM" with_neural lstm
system transformer "lattices rescored with a Transformer" with_neural transformer
system voted "of the lattices of the three networks together, the sentence of fewest expected errors" several_neural
system mixed "lattices rescored with the 4-gram and the LSTM, interpolated" with_both
system mbr "mixed, and the words of least expected errors" least_risk
results
