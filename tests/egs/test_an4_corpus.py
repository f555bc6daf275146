"""What is read of AN4 as CMU packs it: lists, transcripts, audio of four formats, Sphinx features."""

import numpy as np
import pytest

from egs.an4 import corpus as an4
from graphs.errors import InputError


def lists(folder, fileids, transcription, split="train"):
    (folder / "etc").mkdir(exist_ok=True)
    (folder / f"etc/an4_{split}.fileids").write_text(fileids)
    (folder / f"etc/an4_{split}.transcription").write_text(transcription)
    return folder


def test_the_numbers_that_cmu_publishes():
    assert an4.UTTERANCES == {"train": 948, "test": 130}
    assert (an4.SAMPLING_RATE, an4.FRAME_SHIFT) == (16000, 0.01)


def test_the_folder_itself_comes_before_the_one_below(tmp_path):
    for missing in (None, tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="CMU AN4 database") as caught:
            an4.find_corpus(missing)
        item = "--corpus" if missing is None else f"--corpus {missing}"
        expected = "the AN4 folder, found none given. " if missing is None else "a folder with etc/an4_train.fileids, "
        assert str(caught.value).startswith(f"{item}: expected {expected}")
    (tmp_path / "an4").mkdir()
    lists(tmp_path / "an4", "", "")
    assert an4.find_corpus(tmp_path) == tmp_path / "an4"
    lists(tmp_path, "", "")
    assert an4.find_corpus(tmp_path) == tmp_path


def test_utterances_come_in_the_order_of_the_list_in_both_forms_of_its_lines(tmp_path):
    lists(tmp_path, " an4_clstk/mmxg/cen8-mmxg-b \n\nan4_clstk/fash/an251-fash-b\ncen7-fbbh-b\nfcaw/odd\n",
          "<s> ENTER  <sil> SIX (an251-fash-b)\n  <s> Y E S </s> ( an1 ) (cen8-mmxg-b)\n\n</s> (cen7-fbbh-b)\n"
          "GO(odd) \nNOBODY (an9-fash-b)\n")
    assert an4.read_split(tmp_path, "train") == [
        ("cen8-mmxg-b", "mmxg", "an4_clstk/mmxg/cen8-mmxg-b", "Y E S ( an1 )"),
        ("an251-fash-b", "fash", "an4_clstk/fash/an251-fash-b", "ENTER SIX"),
        ("cen7-fbbh-b", "fbbh", "cen7-fbbh-b", ""), ("odd", "fcaw", "fcaw/odd", "GO")]
    assert an4.read_split(tmp_path, "test") == []


@pytest.mark.parametrize("fileids, transcription, message", [
    ("a/b/c-d\n" * 2, "YES (c-d)\n", "an4_train.fileids: a/b/c-d: expected each utterance once, found two lines"),
    ("a/b/c-d\nb/b/c-d\n", "YES (c-d)\n", "an4_train.fileids: b/b/c-d: expected each utterance once, found two lines"),
    ("a/b/c-d\n", "YES (c-e)\n", "an4_train.fileids: a/b/c-d: expected a line in an4_train.transcription, found none"),
    ("name\n", "YES (name)\n", "an4_train.fileids: name: expected `FOLDER/SPEAKER/UTTERANCE`, or `NAME-SPEAKER-NAME`, "
                               "found name"),
    ("/name\n", "YES (name)\n", "an4_train.fileids: /name: expected `FOLDER/SPEAKER/UTTERANCE`, or "
                                "`NAME-SPEAKER-NAME`, found /name"),
    ("c-d\n", "\nYES\n", "an4_train.transcription:2: expected `WORDS (utterance-id)`, found 'YES'"),
    ("c-d\n", "YES (c d)\n", "an4_train.transcription:1: expected `WORDS (utterance-id)`, found 'YES (c d)'"),
    ("c-d\n", "YES (c-d) NO\n", "an4_train.transcription:1: expected `WORDS (utterance-id)`, found 'YES (c-d) NO'")])
def test_a_line_that_cannot_be_is_named(tmp_path, fileids, transcription, message):
    with pytest.raises(InputError) as caught:
        an4.read_split(lists(tmp_path, fileids, transcription), "train")
    assert str(caught.value).endswith(message)


def test_one_audio_file_is_taken_where_there_are_several_and_a_sphere_file_is_missed_where_there_is_none(tmp_path):
    (tmp_path / "wav/a").mkdir(parents=True)
    for ending in ("flac", "raw", "wav", "sph"):
        (tmp_path / f"wav/a/b.{ending}").touch()
        assert an4.audio_file(tmp_path, "a/b") == tmp_path / f"wav/a/b.{ending}"
    assert an4.audio_file(tmp_path, "a/c") == tmp_path / "wav/a/c.sph"


@pytest.mark.parametrize("content, samples", [
    (b"", []), (b"\x01", []), (b"\x01\x00", [1]),  # too few to tell by: little endian
    (b"\x01\x00\x02\x00", [1, 2]), (b"\x00\x01\x00\x02", [1, 2]), (b"\xff\xff\xfe\xff\x07", [-1, -2]),
    (b"\x80\x00\x80\x01\x80\x03", [-32768, -32767, -32765]),
    (b"\xfe\x7f\xff\x7f\xff\x7f", [32766, 32767, 32767])])
def test_raw_samples_are_those_that_jump_least_and_half_a_sample_is_dropped(tmp_path, content, samples):
    (tmp_path / "a.raw").write_bytes(content)
    found = an4.read_raw(tmp_path / "a.raw")
    assert found.dtype == np.int16 and found.tolist() == samples


def sphinx(values, order=">", count=None):
    values = np.asarray(values, order + "f4")
    return np.array([len(values) if count is None else count], order + "i4").tobytes() + values.tobytes()


def test_sphinx_features_are_rows_of_thirteen_or_as_asked(tmp_path):
    (tmp_path / "a.mfc").write_bytes(sphinx(range(26)))
    for found, dim in ((an4.read_mfc(tmp_path / "a.mfc"), 13), (an4.read_mfc(tmp_path / "a.mfc", dim=2), 2)):
        assert found.dtype == np.float32 and found.dtype.isnative
        assert found.tolist() == np.arange(26).reshape(-1, dim).tolist()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("values, count, size", [
    ([], None, 4), (range(13), 12, 56), (range(13), 14, 56), (range(14), None, 60), (range(12), None, 52),
    ([*range(12), np.inf], None, 56), ([np.nan, *range(12)], None, 56)])
def test_features_that_do_not_fit_their_count_or_are_not_finite_are_refused(tmp_path, order, values, count, size):
    (tmp_path / "a.mfc").write_bytes(sphinx(values, order, count))
    with pytest.raises(InputError) as caught:
        an4.read_mfc(tmp_path / "a.mfc")
    assert str(caught.value) == (f"{tmp_path}/a.mfc: expected a count and that many finite floats, 13 a frame, "
                                 f"found {size} bytes")
