import pytest

from graphs.errors import InputError
from graphs.hmm.topology import HmmState, Topology, TopologyOptions, chain_entry, left_to_right, silence_entry


def test_text_round_trip():
    topology = Topology({1: silence_entry(), 2: left_to_right(3), 3: left_to_right(3), 4: chain_entry()})
    assert Topology.from_text(topology.to_text()) == topology


def test_reads_kaldi_chain_topology():
    text = """<Topology> <TopologyEntry> <ForPhones> 1 2 </ForPhones>
    <State> 0 <ForwardPdfClass> 0 <SelfLoopPdfClass> 1 <Transition> 0 0.5 <Transition> 1 0.5 </State>
    <State> 1 </State> </TopologyEntry> </Topology>"""
    assert Topology.from_text(text).entry(2) == chain_entry()


@pytest.mark.parametrize("entry, frames", [(left_to_right(3), 3), (silence_entry(), 3), (chain_entry(), 1),
                                           (left_to_right(1), 1)])
def test_min_frames(entry, frames):
    # the ergodic silence of 5 states may go 0, 1..3, 4: three frames
    assert Topology({1: entry}).min_frames(1) == frames


@pytest.mark.parametrize("states, message", [
    ((HmmState(0, 0, ((0, 1.0),)),), "a transition out of the state"),
    ((HmmState(0, 0, ((1, 1.0),)), HmmState(1, 1, ((0, 0.5), (2, 0.5)))), "no transition back to state 0"),
    ((HmmState(0, 0, ((2, 1.0),)), HmmState(1, 1, ((2, 1.0),))), "all states reachable"),
    ((HmmState(1, 1, ((1, 1.0),)),), "pdf classes"),
    ((), "at least one emitting state"),
])
def test_impossible_entries_are_refused(states, message):
    with pytest.raises(InputError, match=message):
        Topology({7: states})


def test_damaged_text_names_the_token():
    text = Topology({1: left_to_right(2)}).to_text().replace("<PdfClass> 1", "<PdfClass> one")
    with pytest.raises(InputError, match=r"topo, token \d+: expected a whole number, found one"):
        Topology.from_text(text)


TEXT = Topology({1: left_to_right(2), 2: chain_entry()}).to_text()


@pytest.mark.parametrize("old, new, message", [
    ("<State> 2 </State>", "", "one final state without pdf, the last"),
    ("<State> 2 </State>", "<State> 2 </State> <State> 3 </State>", "one final state without pdf, the last"),
    ("<State> 0 <PdfClass> 0 <Transition> 0 0.75 <Transition> 1 0.25 </State>", "<State> 0 </State>",
     "one final state without pdf, the last"),
    ("<ForPhones>\n2\n", "<ForPhones>\n1\n", "phone 1 in one entry, found two entries"),
    ("</Topology>", "</Topology> <Topology>", "expected the end, found <Topology>"),
    ("</Topology>", "", "expected <TopologyEntry>, found the end"),
    ("<State> 1 <PdfClass>", "<State> 2 <PdfClass>", "expected 1, found 2"),
    ("<Transition> 1 0.25", "<Transition> 1 x", "expected a number, found x"),
    ("<Transition> 1 0.25", "<Transition> 3 0.25", "state 0: expected distinct transitions to existing states"),
    ("<Transition> 1 0.25", "<Transition> -1 0.25", "state 0: expected distinct transitions to existing states"),
    ("<Transition> 1 0.25", "<Transition> 0 0.25", "state 0: expected distinct transitions to existing states"),
    ("<Transition> 1 0.25", "<Transition> 1 0", "probabilities above 0 and at most 1"),
    ("<Transition> 1 0.25", "<Transition> 1 1.01", "probabilities above 0 and at most 1"),
    ("<SelfLoopPdfClass> 1", "<SelfLoopPdfClass> 2", "pdf classes 0, 1, ... without a gap"),
    ("<ForPhones>\n2\n", "<ForPhones>\n0\n", "expected phone_ids of 1 to"),
])
def test_text_that_is_no_topology_says_why(old, new, message):
    assert TEXT.count(old) == 1
    with pytest.raises(InputError, match=f"topo.*{message}"):
        Topology.from_text(TEXT.replace(old, new))


def test_the_text_is_kaldis():
    assert Topology({3: left_to_right(1), 1: chain_entry(), 2: left_to_right(1)}).to_text() == (
        "<Topology>\n<TopologyEntry>\n<ForPhones>\n1\n</ForPhones>\n"
        "<State> 0 <ForwardPdfClass> 0 <SelfLoopPdfClass> 1 <Transition> 0 0.5 <Transition> 1 0.5 </State>\n"
        "<State> 1 </State>\n</TopologyEntry>\n<TopologyEntry>\n<ForPhones>\n2 3\n</ForPhones>\n"
        "<State> 0 <PdfClass> 0 <Transition> 0 0.75 <Transition> 1 0.25 </State>\n"
        "<State> 1 </State>\n</TopologyEntry>\n</Topology>\n")


def test_kaldis_silence_goes_through_its_inner_states_in_any_order():
    """utils/gen_topo.pl with 5 silence states."""
    entry = silence_entry()
    assert [[target for target, _ in state.transitions] for state in entry] == [
        [0, 1, 2, 3], [1, 2, 3, 4], [2, 1, 3, 4], [3, 1, 2, 4], [4, 5]]
    assert [p for state in entry[:4] for _, p in state.transitions] == [0.25] * 16
    assert [p for _, p in entry[4].transitions] == [0.75, 0.25]
    assert [(s.forward_pdf_class, s.self_loop_pdf_class) for s in entry] == [(n, n) for n in range(5)]


def test_left_to_right_states_stay_or_go_on():
    entry = left_to_right(2, self_loop=0.6)
    assert [state.transitions for state in entry] == [((0, 0.6), (1, 0.4)), ((1, 0.6), (2, 0.4))]
    topology = Topology({1: left_to_right(1), 2: chain_entry()})
    assert [topology.num_pdf_classes(phone_id) for phone_id in (1, 2)] == [1, 2]


def test_topologies_are_equal_by_their_entries():
    one = Topology({1: left_to_right(2)})
    assert one == Topology({1: left_to_right(2)}) and one != Topology({1: left_to_right(3)}) and one != {1: 2}


def test_the_self_loop_comes_first_whatever_the_order_in_the_file():
    swapped = TEXT.replace("<Transition> 0 0.75 <Transition> 1 0.25", "<Transition> 1 0.25 <Transition> 0 0.75")
    assert swapped != TEXT and Topology.from_text(swapped) == Topology.from_text(TEXT)


@pytest.mark.parametrize("name", ["0state", "3states", "ergodic", "state"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match="expected 1state to 9state"):
        TopologyOptions(speech=name)
