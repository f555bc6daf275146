"""Picture of the error rates: insertions, deletions and substitutions stacked, with confidence intervals."""

from typing import Dict, Sequence

from hybrid.report.figures import new_figure

KINDS = (
    ("sub", "substituted", "tab:orange"), ("del", "deleted", "tab:blue"), ("ins", "inserted", "tab:green"))


def draw_errors(entries: Sequence[Dict]):
    """matplotlib Figure with a bar for each entry of results.json, a panel for each test set."""
    tests = list(dict.fromkeys(entry["test"] for entry in entries))
    most = max(sum(entry["test"] == test for entry in entries) for test in tests)
    figure = new_figure(2 + 3.2 * len(tests), 1.6 + 0.45 * most)
    panels = figure.subplots(1, len(tests), squeeze=False)[0]
    for axes, test in zip(panels, tests):
        own = [entry for entry in entries if entry["test"] == test]
        _draw_test(axes, own)
        axes.set_title(test + (" (tuned on)" if own[0].get("tuned_on") else ""))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(KINDS), frameon=False)
    return figure


def _draw_test(axes, entries: Sequence[Dict]) -> None:
    places = range(len(entries))
    left = [0.0] * len(entries)
    for key, label, colour in KINDS:
        rates = [100 * entry[key] / entry["words"] for entry in entries]
        axes.barh(places, rates, left=left, color=colour, label=label, height=0.6)
        left = [before + rate for before, rate in zip(left, rates)]
    for place, entry in zip(places, entries):
        low, high = entry["ci95"]
        axes.plot([low, high], [place, place], color="black", linewidth=1.2, marker="|")
        axes.text(max(high, entry["wer"]), place, f"  {entry['wer']:.2f}", va="center", fontsize=9)
    names = [entry["system"] for entry in entries]
    labels = [f"{entry['system']} ({entry['seed']})" if names.count(entry["system"]) > 1 else entry["system"]
              for entry in entries]
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.set_xlabel("WER %")
    axes.set_xlim(0, 1.25 * max([entry["ci95"][1] for entry in entries] + left + [0.1]))
