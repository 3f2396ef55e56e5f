"""axe-core, which looks for what keeps people from using a page: fetched with npm when the tests run, and never shipped.

Where it cannot be had (no npm, no network), its tests are skipped and say why; other bytes than the ones that were
looked at here are a failure. AXE_CORE=FILE takes a package that was fetched before.
"""
import base64
import functools
import hashlib
import itertools
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest

PACKAGE = "axe-core@4.14.1"
DIGEST = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="  # SHA-512
FETCH_SECONDS = 120
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SERIOUS = {"serious", "critical"}


def fetch(folder):
    if os.environ.get("AXE_CORE"):
        return pathlib.Path(os.environ["AXE_CORE"])
    npm = shutil.which("npm")
    if not npm:
        raise unittest.SkipTest(f"{PACKAGE} cannot be had: there is no npm")
    try:
        done = subprocess.run([npm, "pack", "--silent", "--ignore-scripts", PACKAGE], cwd=folder, capture_output=True, text=True,
                              timeout=FETCH_SECONDS, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise unittest.SkipTest(f"{PACKAGE} cannot be had: npm says {error}") from None
    return pathlib.Path(folder) / done.stdout.split()[-1]


@functools.cache
def source():
    with tempfile.TemporaryDirectory() as folder:
        package = fetch(folder)
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        assert digest == DIGEST, f"{PACKAGE} is not what it was"
        with tarfile.open(package) as files:
            return files.extractfile("package/axe.min.js").read().decode()


def faults(driver):
    """What is serious on the page as it is shown now, a line each."""
    driver.execute_script(source())
    found = driver.execute_async_script("""const [tags, done] = arguments;
        axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then(({ violations }) => done(violations.map(
            ({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.map(({ target }) => target.join(" ")) }))));""", RULES)
    return [f"{fault['impact']}: {fault['id']}: {fault['help']}: {fault['where']}" for fault in found if fault["impact"] in SERIOUS]


class Accessible:
    """A case whose pages are looked at."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        source()

    def expect_none(self, page):
        for width, dark in itertools.product([320, 1600], [False, True]):
            page.look(width, dark=dark, motion=False)
            self.assertEqual(faults(page.driver), [], f"at {width} px, {'dark' if dark else 'light'}")
