#!/usr/bin/env bash
# custom: bring your own data in --corpus: Kaldi data directories, Lhotse manifests, or audio with text files beside it.
#
# A lexicon (lexicon.txt or lexiconp.txt) and a language model (lm.arpa) in that folder are used. Without a lexicon
# pronunciations are spellings; without a language model a trigram of the training transcripts takes its place.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"

stage 0 "corpus: import"
run egs.custom.prepare ${corpus:+--corpus "$corpus"} --out "$work/corpus"
tests=$(test_sets "$work/corpus")
lexicon=$(ls "$work"/corpus/lexicon*.txt 2>/dev/null || true)
lm=$(ls "$work"/corpus/lm.arpa* 2>/dev/null || true)

check_data
# sizes and epochs that fit the hours of speech; spellings where there is no lexicon
spelled=--spelled
[ -z "$lexicon" ] || spelled=
run egs.custom.choose --cuts "$work/cuts" --tables "$recipe/conf/by_hours" $spelled --out "$work/chosen"
options_file "$work/chosen/options.conf"

make_lang ${lexicon:+--lexicon "$lexicon"} ${lm:+--lm "$lm"} --text "$work/cuts/train.jsonl.gz"
if [ -z "$lm" ]; then
  run tools.train_ngram --text "$work/cuts/train.jsonl.gz" --dev "$work/cuts/dev.jsonl.gz" --lang "$work/lang" \
    --out "$exp/lm"
  lm=$exp/lm/lm.arpa
fi
make_features
bootstrap dnn

mono=(--alignment dnn --lm "$lm")
tri=(--alignment tri --lm "$lm")

triphones() {
  context_tree tri dnn
  hybrid "${tri[@]}"
}

# Words that are said often get phones of their own: where there are few words, their states know the word.
own_phones() {
  word_phones words dnn ${lexicon:+--lexicon "$lexicon"}
  hybrid --alignment words --lm "$lm" --lang "$work/lang_words"
}

averaged() {
  as_system tri_tdnn triphones
  as_system conformer triphones
  combined "${tri[@]}" tri_tdnn conformer
}

in_a_graph() {  # SYSTEM
  as_system "$1" end_to_end --lm "$lm"
  ctc_graph "$1" --lm "$lm"
}

system average "the posteriors of tri_tdnn and conformer, averaged" averaged
system tdnn "a TDNN, monophones" hybrid "${mono[@]}"
system blstm "a bidirectional LSTM, monophones" hybrid "${mono[@]}"
system tri_tdnn "a TDNN over phones in context" triphones
system conformer "a Conformer over phones in context" triphones
system words "a Conformer over phones of words" own_phones
system ctc_chars "CTC over characters, no HMM, the encoder a Conformer" end_to_end --lm "$lm"
system ctc_graph "ctc_chars in a decoding graph" in_a_graph ctc_chars
system joint "an attention decoder and CTC together, characters, the same encoder" end_to_end --lm "$lm"
results
compared
