"""Run papermill or nbconvert without the fault that makes one run in a hundred wait for ever (mpe_lib/jupyter.py):

python tools/mended.py papermill IN.ipynb OUT.ipynb -p name value
python tools/mended.py nbconvert --to notebook --execute IN.ipynb
"""

import runpy
import sys

from mpe_lib.jupyter import mend_sockets

if __name__ == "__main__":
    mend_sockets()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
