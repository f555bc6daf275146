"""What a page holds."""

from dataclasses import dataclass, field

from graphs.options import check_at_least


@dataclass(frozen=True)
class PageOptions:
    """The section [page]."""

    examples: int = field(default=5, metadata={
        "help": "utterances shown without JavaScript and in print: those on which systems differ most"})
    pictures: int = field(default=3, metadata={
        "help": "utterances whose alignments and lattices are drawn: those on which systems differ most"})
    browser_megabytes: float = field(default=3.0, metadata={
        "help": "size of the browser of utterances; those on which systems agree are left out beyond it"})
    audio_megabytes: float = field(default=2.0, metadata={
        "help": "size of the audio of utterances with errors; 0 for none"})

    def __post_init__(self):
        check_at_least(0, self, "examples", "pictures", "browser_megabytes", "audio_megabytes")
