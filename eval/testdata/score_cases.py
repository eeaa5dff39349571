"""Prints TrackEval's scores of the cases in a directory (NAME.gt.txt, NAME.found.txt) as
the table of TestEvaluateTracks_ScriptedTracks_EqualTrackEval. Needs: pip install trackeval==1.3.0"""

import contextlib
import io
import pathlib
import sys
import tempfile

import trackeval


def scores(gt, found):
    frames = max(int(line.split(",")[0]) for p in (gt, found) for line in p.read_text().split())
    with tempfile.TemporaryDirectory() as d, contextlib.redirect_stdout(io.StringIO()):
        root = pathlib.Path(d)
        for path, text in (("gt/s/gt/gt.txt", gt), ("found/t/data/s.txt", found)):
            (root / path).parent.mkdir(parents=True)
            (root / path).write_text(text.read_text())
        data = trackeval.datasets.MotChallenge2DBox({
            "GT_FOLDER": f"{d}/gt", "TRACKERS_FOLDER": f"{d}/found", "BENCHMARK": "MOT15",
            "SKIP_SPLIT_FOL": True, "SEQ_INFO": {"s": frames}, "PRINT_CONFIG": False})
        metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
                   trackeval.metrics.Identity({"PRINT_CONFIG": False})]
        result, _ = trackeval.Evaluator({"PRINT_RESULTS": False, "PRINT_CONFIG": False, "OUTPUT_SUMMARY": False,
            "OUTPUT_DETAILED": False, "PLOT_CURVES": False, "TIME_PROGRESS": False, "OUTPUT_EMPTY_CLASSES": False,
            "LOG_ON_ERROR": None, "USE_PARALLEL": False, "BREAK_ON_ERROR": True}).evaluate([data], metrics)
    return frames, result["MotChallenge2DBox"]["t"]["s"]["pedestrian"]


for gt in sorted(pathlib.Path(sys.argv[1]).glob("*.gt.txt")):
    name = gt.name.removesuffix(".gt.txt")
    frames, r = scores(gt, gt.with_name(name + ".found.txt"))
    h, c, n = r["HOTA"], r["CLEAR"], r["Count"]
    print(f'{name}: Frames: {frames}, People: {n["GT_IDs"]}, Boxes: {n["GT_Dets"]}, Tracks: {n["IDs"]}, '
          f'HOTA: {h["HOTA"].mean():.6f}, DetA: {h["DetA"].mean():.6f}, AssA: {h["AssA"].mean():.6f}, '
          f'IDF1: {r["Identity"]["IDF1"]:.6f}, MOTA: {c["MOTA"]:.6f}, '
          f'Switches: {c["IDSW"]}, False: {c["CLR_FP"]}, Missed: {c["CLR_FN"]},')
