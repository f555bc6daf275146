"""Ids, arcs and scores: everything about WFSTs, nothing about audio or networks."""
