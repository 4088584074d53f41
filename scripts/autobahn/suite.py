"""Runs the Autobahn testsuite against a WebSocket server that echoes, and judges what it found.

    python2.7 suite.py PACKAGES REPORTS ws://ADDRESS

PACKAGES is the folder it is installed in, REPORTS takes its reports. Ends with 1 if a case failed or too few were run. Python 2.7, as
the suite is.
"""
from __future__ import print_function

import collections
import json
import os
import site
import sys

# Framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, limits and performance, fragmentation by the sender. 12 and 13 are
# compression, which the server does not negotiate; 8 and 11 have never been written.
SECTIONS = (1, 2, 3, 4, 5, 6, 7, 9, 10)
# How many cases they have: fewer would mean that the suite broke off.
CASES = 301
# The verdicts that are no failure. Informational: the standard leaves it open, and the suite only tells what was done.
GOOD = ("OK", "NON-STRICT", "INFORMATIONAL")


def run(packages, reports, url):
    specification = os.path.join(reports, "cases.json")
    with open(specification, "w") as file:
        json.dump({
            "outdir": reports,
            "servers": [{"agent": "hubbub", "url": url}],
            "cases": ["%d.*" % section for section in SECTIONS],
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }, file)
    site.addsitedir(packages)
    sys.argv = ["wstest", "--mode", "fuzzingclient", "--spec", specification]
    from autobahntestsuite import wstest
    wstest.run()


def judge(reports):
    with open(os.path.join(reports, "index.json")) as file:
        cases = json.load(file)["hubbub"]
    counts, failed = collections.Counter(), []
    for case, found in cases.items():
        # How the frames were treated, and how the connection was closed.
        verdicts = [found["behavior"], found["behaviorClose"]]
        bad = [verdict for verdict in verdicts if verdict not in GOOD]
        verdict = "FAILED" if bad else max(verdicts, key=GOOD.index)
        counts[verdict] += 1
        if bad:
            failed.append((case, bad[0], os.path.join(reports, found["reportfile"].replace(".json", ".html"))))
    for case, verdict, report in sorted(failed):
        print("autobahn: case %s: %s, see %s" % (case, verdict, report), file=sys.stderr)
    print("autobahn: %d cases: " % len(cases) + ", ".join("%d %s" % (counts[v], v) for v in GOOD + ("FAILED",)))
    if len(cases) != CASES:
        print("autobahn: there should have been %d cases" % CASES, file=sys.stderr)
    return 0 if not failed and len(cases) == CASES else 1


if __name__ == "__main__":
    _, packages, reports, url = sys.argv
    run(packages, reports, url)
    sys.exit(judge(reports))
