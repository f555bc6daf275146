"""The catalogue of readers: one entry each, in the room's own module."""

from tests.fuzz import of_align, of_data, of_frame, of_graphs, of_models, of_texts, of_tree

READERS = {reader.name: reader for room in (of_graphs, of_align, of_data, of_models, of_frame, of_texts, of_tree)
           for reader in room.READERS}
