"""Check the report of `fastzt demo --json`: the report, and `compiled` or `interpreted`."""

import json
import sys

report = json.loads(sys.argv[1])
wrong = [
    name
    for name, good in {
        "http_status": report["http_status"] == 200,
        "body_ok": report["body_ok"] is True,
        "compiled": report["compiled"] is (sys.argv[2] == "compiled"),
        **{name: report[name] > 0 for name in ("join_seconds", "connect_seconds", "tcp_gbit_s")},
    }.items()
    if not good
]
sys.exit(f"the demo's report is wrong in {', '.join(wrong)}" if wrong else 0)
