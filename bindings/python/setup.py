"""The header goes into the package: cffi reads its declarations from it."""
import os
import shutil

from setuptools import setup

here = os.path.dirname(os.path.abspath(__file__))
header = os.path.join(here, "..", "..", "include", "tributary", "tributary.h")
if os.path.exists(header):
    shutil.copy(header, os.path.join(here, "tributary", "tributary.h"))
setup()
