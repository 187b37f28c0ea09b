"""Whether the networks that lesson 06 trained have learned the puzzle: five mixers must, the one without must not."""

from tests.notebooks.asked import Asked

LESSON = "06_side_by_side"
ACCURACIES = "{name: run.test['top1'] for name, run in runs.items()}"
# FNet has no weights between its tokens and learns last.
LEAST = {"MLP": 0.9, "Fourier": 0.8, "gate": 0.9, "attention": 0.9, "SPT + LSA": 0.9}
BASELINE, CHANCE, NEAR_CHANCE = "none", 1 / 16, 0.03


class Learned(Asked):
    """Asks the kernel that ran the lesson for each network's test accuracy."""

    title = "what its networks learned"

    def runtest(self):
        """Fails if a mixer did not learn the puzzle, or if the baseline did."""
        accuracies = self.answer(ACCURACIES)
        text = ", ".join(f"{name} {100 * value:.1f} %" for name, value in accuracies.items())
        self.user_properties.append(("measured", f"{LESSON}, test accuracy on the puzzle: {text}"))
        assert set(accuracies) == {*LEAST, BASELINE}, f"not the six networks: {text}"
        failed = [name for name, least in LEAST.items() if accuracies[name] < least]
        assert failed == [], f"these did not learn the puzzle: {text}"
        assert abs(accuracies[BASELINE] - CHANCE) < NEAR_CHANCE, f"without mixing it must stay at chance: {text}"
