"""Ids, arcs and scores: everything about WFSTs, nothing about audio or networks.

What all rooms stand on lies here on the ground (ids.py is the glossary of ids); rooms import only those before them:
fst, hmm, lang, grammar, lattices, decoding.
"""
