"""`python -m benchmarks.claims [NAME …]`: measures what has no card yet, and goes on where it was stopped."""

import argparse

import keras

from benchmarks.claims import CLAIMS, SEEDS, Measured
from course_utils.results.cards import read, write
from course_utils.system import versions


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description="Measures the lessons' claims.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(CLAIMS)}; all without one")
    parser.add_argument("--again", action="store_true", help="measure anew what is known")
    given = parser.parse_args(arguments)
    if unknown := sorted(set(given.names) - set(CLAIMS)):
        parser.error(f"no claim {', '.join(unknown)}; there are: {', '.join(CLAIMS)}")
    for name in given.names or CLAIMS:
        claim = CLAIMS[name]
        found = {} if given.again or not claim.card.exists() else dict(read(claim.card, Measured).seeds)
        for seed in range(SEEDS):
            if str(seed) in found:
                continue
            found[str(seed)] = numbers = {what: float(value) for what, value in claim.measure(seed).items()}
            write(claim.card, Measured(claim.lesson, claim.sentence, found, versions()))
            told = ", ".join(f"{what} {value:.3g}" for what, value in numbers.items())
            print(f"{name}, seed {seed}: {'holds' if claim.holds(numbers) else 'DOES NOT HOLD'}: {told}", flush=True)
            keras.utils.clear_session()


if __name__ == "__main__":
    main()
