"""A process that reads pickled models before anything of torchvision is imported.

Run as a module it serves requests: it imports torch once and forks for each request, so each
model is read by a process as new as an interpreter of its own, without the seconds of its start.
"""

import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class OtherProcess:
    """Sends requests to the process and returns what it answers."""

    def __init__(self):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )

    def predict(self, model, method, pixels):
        """Return what a method of the model gives for an image, computed there."""
        request = pickle.dumps((pickle.dumps(model), method, pixels))
        self._process.stdin.write(len(request).to_bytes(8, "big") + request)
        self._process.stdin.flush()
        answer, error = pickle.load(self._process.stdout)
        assert error is None, error
        return answer

    def close(self):
        self._process.stdin.close()
        assert self._process.wait(timeout=60) == 0
        self._process.stdout.close()


def _answer(request):
    pickled, method, pixels = pickle.loads(request)
    assert not [name for name in sys.modules if name.startswith("torchvision")]
    model = pickle.loads(pickled)

    from salmetrics import Stimuli

    (stimulus,) = Stimuli.from_arrays([pixels])
    return getattr(model, method)(stimulus)


def _serve():
    import torch

    torch.set_num_threads(1)
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while length := stdin.read(8):
        request = stdin.read(int.from_bytes(length, "big"))
        child = os.fork()
        if child == 0:
            try:
                answer = _answer(request), None
            except Exception:
                answer = None, traceback.format_exc()
            pickle.dump(answer, stdout)
            stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    _serve()
