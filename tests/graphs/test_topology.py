import pytest

from graphs.errors import InputError
from graphs.topology import HmmState, Topology, TopologyOptions, chain_entry, left_to_right, silence_entry


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


@pytest.mark.parametrize("name", ["0state", "3states", "ergodic", "state"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match="expected 1state to 9state"):
        TopologyOptions(speech=name)
