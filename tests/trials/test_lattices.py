"""What tests/trials/lattices.py makes of checks that fail."""

from tests.trials import lattices


def test_what_deviates_or_breaks_is_bad_and_told(monkeypatch, capsys):
    def broken(seed):
        raise AssertionError(f"of {seed}")
    checks = {"fine": lambda seed: 1e-5 * (seed == 3), "coarse": lambda seed: 2e-4 * (seed == 2), "broken": broken,
              "no number": lambda seed: float("nan") if seed == 1 else 1.0,
              "files": lambda seed, folder: float(not folder.is_dir())}
    monkeypatch.setattr(lattices, "ROOMS", {"room": checks})
    assert lattices.main(["--lattices", "5"]) == 1
    out, err = capsys.readouterr()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:]]
    assert rows == [["fine", "room", "5", "1.0e-05", ""], ["coarse", "room", "5", "2.0e-04", "BAD"],
                    ["broken", "room", "0", "0.0e+00", "BAD"], ["no number", "room", "5", "nan", "BAD"],
                    ["files", "room", "5", "0.0e+00", ""]]
    assert "coarse: 0.0002 at seed 2" in err and "broken: seed 0: " in err and "AssertionError: of 0" in err
    monkeypatch.setattr(lattices, "ROOMS", {"room": {"fine": checks["fine"]}})
    assert lattices.main(["--lattices", "5", "--first-seed", "1"]) == 0


def test_every_operation_has_a_check():
    rooms = {room: set(checks) for room, checks in lattices.ROOMS.items()}
    assert len(rooms["graphs/lattices"]) == 24 and len(rooms["hybrid"]) == 5
    assert {"determinize", "union", "consensus", "push"} <= rooms["graphs/lattices"] and "oracle" in rooms["hybrid"]
