"""sbom.py VERSION TARBALL: the CycloneDX bill of materials of a release, on standard output.

The release is the tarball; its parts are the locked libraries of the controller. Managed hosts need none.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path


def main(version: str, tarball: Path) -> None:
    argv = ["cyclonedx-py", "requirements", "requirements.txt", "--short-PURLs", "--output-reproducible"]
    bill = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    for component in bill["components"]:
        # Where a package was fetched from says nothing: the hashes of the lock do, whatever mirror served it.
        component.pop("description", None)
        for reference in component.get("externalReferences", []):
            reference["url"] = component["purl"]
    bill["metadata"]["component"] = {
        "type": "application",
        "bom-ref": "encryption.in_transit",
        "group": "encryption",
        "name": "in_transit",
        "version": version,
        "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(tarball.read_bytes()).hexdigest()}],
    }
    needs = {"ref": "encryption.in_transit", "dependsOn": sorted(part["bom-ref"] for part in bill["components"])}
    bill["dependencies"] = [needs, *bill.get("dependencies", [])]
    json.dump(bill, sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
