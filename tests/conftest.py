"""What is left out where a package is missing, where tests compute, and signals."""

import importlib.util
import os
import signal

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # tests compare bits, and compute small things: on the CPU

# these import k2, or modules of graphs/ that do
NEED_K2 = ["graphs/decoding/test_compile.py", "graphs/decoding/test_intersect.py", "graphs/decoding/test_search.py",
           "graphs/fst/test_epsilon.py", "graphs/fst/test_ops.py", "graphs/hmm/test_hmm_fst.py",
           "hybrid/e2e/decoders/test_pruned_loss.py", "hybrid/e2e/search/test_transducer_graph.py",
           "hybrid/e2e/test_token_graph.py", "tools/test_transducer_programs.py"]
without_k2 = importlib.util.find_spec("k2") is None
collect_ignore = NEED_K2 if without_k2 else []


def pytest_report_header():
    return f"k2 is not installed: left out {', '.join(NEED_K2)}" if without_k2 else None


def pytest_configure():
    """Processes inherit what is ignored: interrupts below a shell's `&`, hangups below nohup. Tests send both."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
