"""Draws Vega-Lite specs: a process of its own, one JSON line in (a spec), one out (its SVG, or what went wrong).

It ends when its input does, so it never outlives the console. V8 inside it takes about 100 MB.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    import vl_convert

    # Whatever the drawing library prints must not get between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = {"svg": vl_convert.vegalite_to_svg(json.loads(line))}
        except ValueError as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
